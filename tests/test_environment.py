"""./lab's own environment: made once, kept while others may be using it."""

import importlib.machinery
import importlib.util
import os
import re
import sys

import pytest

from launch.paths import PASSED_ON, VARIABLES
from tests.tree import ROOT

CODE = ("common", "launch", "experiments", "tests", "benchmarks")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """(the script as a module, a complete environment's folder, what was installed)."""
    loader = importlib.machinery.SourceFileLoader("lab_script", str(ROOT / "lab"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab_script", loader))
    loader.exec_module(module)
    home, installed = tmp_path / "a b" / "venv", []
    (home / "bin").mkdir(parents=True)
    (tmp_path / "python3.11").symlink_to(sys.executable)
    (home / "bin/python").symlink_to(tmp_path / "python3.11")
    monkeypatch.setenv("REPRISE_VENV", str(home))
    monkeypatch.setattr(
        module, "install", lambda h, p, names, anew: installed.append((names, anew))
    )
    module.environment(test=True)
    assert installed.pop() == (["requirements.txt", "requirements-dev.txt"], True)
    return module, home, installed


def test_a_complete_environment_is_taken_as_it_is(lab, monkeypatch):
    module, home, installed = lab
    monkeypatch.setattr(module.sys, "executable", "/another/python3.12")
    for test in (False, True):
        assert module.environment(test) == str(home / "bin/python")
    assert installed == []


def test_changed_requirements_are_added_to_it(lab, monkeypatch):
    module, home, installed = lab
    stamp = home / "reprise-installed"
    lines = [x for x in stamp.read_text().splitlines() if not x.startswith("requirements.txt")]
    stamp.write_text("\n".join([*lines, "requirements.txt 0"]) + "\n")
    module.environment(test=False)
    assert installed == [(["requirements.txt"], False)]


def test_it_is_made_anew_where_its_python_has_gone(lab, tmp_path):
    module, _, installed = lab
    os.unlink(tmp_path / "python3.11")
    module.environment(test=False)
    assert installed == [(["requirements.txt"], True)]


def test_every_variable_is_in_the_table(tree):
    files = [ROOT / "lab", *(p for d in CODE for p in (ROOT / d).rglob("*.py"))]
    named = {v for p in files for v in re.findall(r"\bREPRISE_[A-Z_]+", p.read_text())}
    assert named == VARIABLES.keys() | PASSED_ON.keys()
    said = tree.lab("--help").out
    assert all(f"{name}  " in said for name in VARIABLES)
