"""Fixtures: copies of the repository in which tests may break things."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tree import Tree, copy_tree


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
