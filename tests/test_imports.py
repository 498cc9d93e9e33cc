"""Imports go one way: launch -> experiments.<slug> -> common -> jax."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tree import ROOT, Tree

COMMON = [p for p in sorted((ROOT / "common").rglob("*.py")) if not p.name.startswith("test_")]


def tops(path: Path) -> set[str]:
    """The packages that a file names in an absolute import, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", COMMON, ids=lambda p: str(p.relative_to(ROOT)))
def test_common_knows_no_experiment_and_no_launcher(path):
    """What an experiment may import is a rule of `./lab check`."""
    assert not tops(path) & {"launch", "experiments"}


@pytest.mark.parametrize("verb", ["list", "data", "doctor", "check"])
def test_read_only_verbs_import_neither_jax_nor_scipy_stats(verb):
    script = (
        "import sys; from launch.__main__ import main; "
        "assert main([sys.argv[1], '--json']) in (0, 1)\n"
        "bad = {'jax', 'scipy.stats', 'matplotlib'} & set(sys.modules); assert not bad, bad"
    )
    command = [sys.executable, "-P", "-c", script, verb]
    env = Tree(ROOT).environment()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
