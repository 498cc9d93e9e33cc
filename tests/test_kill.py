"""SIGKILL at random moments of a run that trains; run again, it ends with the same arrays.

./lab test --kill          all of it: 24 kills, spread over the whole run
"""

import random
import time

import numpy as np
import pytest

from launch.record import store
from tests.tree import ROOT, Tree

# the learned score of score_sde alone, long enough to be hit in the middle of training
RUN = ("run", "score_sde:smoke", "parts=('nets',)", "train_steps=6000", "chunk=50")
QUICK = {"REPRISE_CHECKPOINT_SECONDS": "0.3"}
KILLS = 24

pytestmark = [pytest.mark.kill, pytest.mark.xdist_group("kill")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run: its arrays and how long it takes with compiled code cached."""
    for name in ("warm", "whole"):
        folder = tmp_path_factory.mktemp("kill") / name
        done = Tree(ROOT).lab(*RUN, "--workdir", str(folder), **QUICK)
        assert done.status == 0, done.err
    return store.arrays(folder), done.seconds


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_run_ends_with_the_same_arrays(number, whole, tmp_path):
    arrays, seconds = whole
    rng = random.Random(number)
    moment = (number + rng.random()) / KILLS * seconds
    process = Tree(ROOT).start(*RUN, "--workdir", str(tmp_path / "run"), **QUICK)
    time.sleep(moment)
    process.kill()
    process.communicate()
    done = Tree(ROOT).lab(*RUN, "--workdir", str(tmp_path / "run"), **QUICK)
    assert done.status == 0, done.err
    again = store.arrays(tmp_path / "run")
    assert arrays.keys() == again.keys()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], again[name], err_msg=name)
