"""Imports go one way: launch -> experiments.<slug> -> common -> jax."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tree import ROOT, Tree

FILES = [p for d in ("common", "launch", "experiments") for p in sorted((ROOT / d).rglob("*.py"))]
SOURCES = [p for p in FILES if not p.name.startswith("test_")]
HEAVY = ("jax", "flax", "optax", "orbax", "chex")


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, at any depth; relative ones made absolute."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_direction(path):
    where = path.relative_to(ROOT).parts
    names = imported(path)
    if where[0] == "common":
        assert not tops(path) & {"launch", "experiments"}
    if where[0] == "experiments" and len(where) > 2:
        assert "launch" not in tops(path)
        absolute = [
            n for n in names if n.startswith("experiments.") and where[1] not in n.split(".")
        ]
        assert not absolute, f"imports another experiment: {absolute}"
    if where[0] == "experiments" and path.name == "config.py":
        assert tops(path) <= {"ml_collections"}
    if path.name in ("measure.py", "figures.py"):
        assert not tops(path) & set(HEAVY)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_siblings_are_imported_relatively(path):
    """So that a copied folder is a working fork."""
    where = path.relative_to(ROOT).parts
    if where[0] == "experiments" and len(where) > 2:
        absolute = [
            node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and not node.level and node.module
            and node.module.startswith("experiments")
        ]  # fmt: skip
        assert not absolute


def test_science_files_are_pure():
    """Only run.py computes from cfg; no np.random, no printing, no files in an experiment."""
    for path in SOURCES:
        where = path.relative_to(ROOT).parts
        if where[0] != "experiments" or len(where) < 3:
            continue
        text = path.read_text()
        assert "np.random" not in text, path
        assert "open(" not in text, path
        if path.name not in ("run.py", "figures.py", "config.py"):
            assert "cfg" not in text, f"{path}: only run.py and figures.py see cfg"


@pytest.mark.parametrize("verb", ["list", "data", "doctor"])
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
