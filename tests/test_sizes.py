"""Files one reads in a sitting, functions one sees at once; the exceptions may only shrink."""

import ast

import pytest

from tests.tree import ROOT

FILE, FUNCTION, README, WORKSPACE, RUN = 300, 60, 80, 150, 200  # lines
HOMES = ("common", "launch", "experiments", "tests", "benchmarks")

# name -> lines today: lower the number when it shrinks, delete it when it keeps the limit
FILES = {"benchmarks/curvature.py": 436}
FUNCTIONS: dict[str, int] = {}
READMES: dict[str, int] = {}
RUNS: dict[str, int] = {}


def files():
    found = (p for home in HOMES for p in (ROOT / home).rglob("*.py"))
    return {str(p.relative_to(ROOT)): p.read_text() for p in sorted(found)}


def lengths_of_functions(sources):
    """name of the file and of the function -> lines"""
    return {
        f"{name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, text in sources.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def lines(paths):
    return {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in paths}


def wrong(lengths, limit, exceptions):
    """What is longer than allowed, and what need no longer be an exception."""
    over = {k: n for k, n in lengths.items() if n > exceptions.get(k, limit)}
    loose = {k: lengths.get(k) for k, n in exceptions.items() if lengths.get(k, 0) != n}
    return {"too long": over, "exceptions to lower or delete": loose}


CASES = {
    "files": lambda: (lines(ROOT / name for name in files()), FILE, FILES),
    "functions": lambda: (lengths_of_functions(files()), FUNCTION, FUNCTIONS),
    "run.py": lambda: (lines((ROOT / "experiments").glob("*/run.py")), RUN, RUNS),
    "README": lambda: (lines((ROOT / "experiments").glob("*/README.md")), README, READMES),
    "WORKSPACE": lambda: (lines([ROOT / "WORKSPACE.md"]), WORKSPACE, {}),
}


@pytest.mark.parametrize("what", CASES)
def test_nothing_is_longer_than_one_reads(what):
    found = wrong(*CASES[what]())
    assert not any(found.values()), found


def test_the_rule_sees_what_is_long_and_an_exception_that_is_not_needed():
    text = "def short():\n    return 1\n\n\ndef long():\n" + "    x = 1\n" * 7
    lengths = lengths_of_functions({"a.py": text})
    assert lengths == {"a.py:short": 2, "a.py:long": 8}
    assert wrong(lengths, 5, {})["too long"] == {"a.py:long": 8}
    kept = wrong(lengths, 5, {"a.py:long": 8})
    assert not any(kept.values())
    assert wrong(lengths, 5, {"a.py:long": 9})["exceptions to lower or delete"] == {"a.py:long": 8}
    gone = wrong(lengths, 5, {"a.py:long": 8, "a.py:gone": 9})
    assert gone["exceptions to lower or delete"] == {"a.py:gone": None}
