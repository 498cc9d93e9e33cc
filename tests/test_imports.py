"""Imports go one way: launch -> experiments.<slug> -> common -> jax, without circles."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.tree import ROOT, Tree

COMMON = [p for p in sorted((ROOT / "common").rglob("*.py")) if not p.name.startswith("test_")]

CODE = [*COMMON, *(p for p in sorted((ROOT / "launch").rglob("*.py")) if "template" not in p.parts)]
MODULES = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in CODE}
GROUND = (
    "errors",
    "meshes",
    "paths",
    "settings",
    "surroundings",
    "terminal",
    "values",
)  # files that lie beside the door
ROOMS = ("ground", "record", "read", "make", "compute", "scale", "door")  # arrows go to the left


def arrows(module: str) -> set[str]:
    """The modules of ours that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            up = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    found = {f"{name}.__init__" if f"{name}.__init__" in MODULES else name for name in found}
    return {name for name in found & MODULES.keys() if MODULES[name].stat().st_size}


def room(module: str) -> int:
    """Where a module of launch/ stands in ROOMS."""
    _, *inside, name = module.split(".")
    return ROOMS.index(inside[0] if inside else "ground" if name in GROUND else "door")


def test_no_circle_between_files():
    graph = {m: arrows(m) for m in MODULES}
    TopologicalSorter(graph).prepare()  # CycleError names the circle


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("launch.")])
def test_rooms_of_the_launcher_import_downwards(module):
    inner = {a for a in arrows(module) if a.startswith("launch.") and a != "launch.__init__"}
    assert [a for a in inner if room(a) > room(module)] == []


def test_what_reads_names_no_jax():
    quiet = [p for m, p in MODULES.items() if m.startswith(("launch.read.", "launch.record."))]
    named = {p.name for p in quiet if tops(p) & {"jax", "jaxlib", "ml_collections", "orbax"}}
    assert named == {"provenance.py"}, "which names the devices of a run that computes"


def test_jax_is_set_in_one_place():
    said = {m for m, p in MODULES.items() if "jax.config.update" in p.read_text()}
    apart = {"launch.scale.plan", "common.checkpoint"}  # how it compiles; threads of orbax
    assert said - apart == {"launch.compute.run"}


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
