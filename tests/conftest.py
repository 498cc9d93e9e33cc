"""Fixtures: copies of the repository in which tests may break things. And what a call sums up:
CPU-seconds of the papers' contracts, the dear tests that passed, those that were passed over.
"""

import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import paths
from launch.record import store
from tests import rotation
from tests.tree import ROOT, Tree, copy_tree

SPENT: dict[str, dict[str, float]] = {"cpu": defaultdict(float), "dear cpu": defaultdict(float)}
CHECKED: dict[str, str] = {}  # {slug: key} that passed the dear tests in this call
LEFT: list[str] = []  # tests marked dear that were deselected
DEAR: set[str] = set()  # those that were not
PASSED: set[str] = set()
SAID: list[str] = []  # what was passed over


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """A fresh repository with the toy."""
    made = copy_tree(tmp_path, "toy")
    yield made
    made.end()


@pytest.fixture(scope="session")
def shared_tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """One repository with a finished, verified toy, for tests that only read it."""
    made = copy_tree(tmp_path_factory.mktemp("shared"), "toy")
    assert made.lab("run", "toy").status == 0
    assert made.lab("verify", "toy").status == 0
    return made


def pytest_configure() -> None:
    rotation.today()  # before the workers start: all have the same


def pytest_collection_modifyitems(config, items) -> None:
    dear = [i for i in items if i.get_closest_marker("dear")]
    old = rotation.entry(store.peek(rotation.RECORD), rotation.LAUNCH).get("key")
    if os.environ.get("REPRISE_SPARE") and old == rotation.launch_key(ROOT):
        items[:] = [i for i in items if i not in dear]
        config.hook.pytest_deselected(items=dear)
        LEFT.extend(i.nodeid for i in dear)
    else:
        DEAR.update(i.nodeid.split("@")[0] for i in dear)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    there = getattr(node, "workeroutput", {})
    SAID[:] = there.get("said", SAID)
    LEFT[:] = there.get("left", LEFT)
    DEAR.update(there.get("dear", ()))


def pytest_runtest_logreport(report) -> None:
    if report.when == "teardown":  # has what was recorded before it too
        for name, value in report.user_properties:
            if name in SPENT:
                SPENT[name][value[0]] += value[1]
    if report.skipped or (report.when == "call" and report.passed):
        PASSED.add(report.nodeid.split("@")[0])
    if report.when == "call" and report.passed:
        CHECKED.update(v for name, v in report.user_properties if name == "checked")


def pytest_sessionfinish(session) -> None:
    if dear := sys.modules.get("tests.test_dear"):
        SAID.extend(dear.passed_over())
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput.update(left=LEFT, dear=sorted(DEAR), said=SAID)
        return
    whole = (
        os.environ.keys() & {"REPRISE_ALL", "REPRISE_SPARE"} and not session.config.option.keyword
    )
    if DEAR and DEAR <= PASSED and whole and not os.environ.get("REPRISE_ONLY"):
        CHECKED[rotation.LAUNCH] = rotation.launch_key(ROOT)
    old, there = store.peek(rotation.RECORD), [*paths.slugs(), rotation.LAUNCH]
    new = rotation.passed(old, CHECKED, there, rotation.today())
    if CHECKED and new != old:
        rotation.write(rotation.RECORD, new)


def pytest_terminal_summary(terminalreporter) -> None:
    for name, title in (("cpu", "contract"), ("dear cpu", "dear tests")):
        if found := SPENT[name]:
            most = max(found, key=found.get)
            middle = statistics.median(found.values())
            terminalreporter.write_line(
                f"{title}: {middle:.1f} CPU-seconds a paper in the middle of {len(found)}, "
                f"at most {found[most]:.1f} ({most})"
            )
    for line in SAID:
        terminalreporter.write_line(line)
    if LEFT:
        why = "launch/ is as it was when they passed; --all has them"
        terminalreporter.write_line(f"{len(LEFT)} dear tests of launch/ passed over: {why}")
