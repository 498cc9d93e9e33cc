"""Loops: against the loop written out, killed and continued, and while a save is under way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import loops
from common.scratch import Scratch
from common.stop import Stopped

AT = [1, 3, 4, 9, 16]


def advance(state, first, strides):
    """x -> x + 1 every step; two members; the numbers of a record are x and the first step."""
    state, seen = loops.trajectory(lambda x: x + 1, lambda x: x, state, strides)
    return state, {"x": seen.T, "first": jnp.full((2, len(strides)), first)}


def start():
    return jnp.array([0.0, 100.0])


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7])
def test_recorded_is_the_loop_written_out(tmp_path, chunk):
    state, seen = loops.recorded(Scratch(tmp_path), "a", advance, start(), AT, chunk=chunk)
    np.testing.assert_array_equal(state, [16, 116])
    np.testing.assert_array_equal(seen["x"], [AT, np.add(AT, 100)])
    before = [0, *AT][: len(AT)]
    np.testing.assert_array_equal(seen["first"][0], [before[i - i % chunk] for i in range(5)])


def test_recorded_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    """Asked to stop in its third call it saves; then only what is left is computed."""
    monkeypatch.setenv("REPRISE_CHECKPOINT_SECONDS", "1000")
    calls = []

    def counted(state, first, strides):
        if not isinstance(first, jax.core.Tracer):
            calls.append(first)
            scratch.stop.asked = len(calls) == 3
        return advance(state, first, strides)

    scratch = Scratch(tmp_path)
    with pytest.raises(Stopped):
        loops.recorded(scratch, "a", counted, start(), AT)
    scratch.stop.asked = False
    state, seen = loops.recorded(scratch, "a", counted, start(), AT)
    assert calls == [0, 1, 3, 4, 9]
    np.testing.assert_array_equal(state, [16, 116])
    np.testing.assert_array_equal(seen["x"], [AT, np.add(AT, 100)])


def test_what_is_saved_is_a_copy(tmp_path):
    """The caller writes on into its arrays while they are on their way to the disk."""
    scratch, history = Scratch(tmp_path), {"h": np.zeros(2**22)}
    with scratch.checkpoints("a", every=0.0) as saved:
        saved.save(1, history)
        history["h"][:] = 7.0  # the file is still being written
    with scratch.checkpoints("a") as saved:
        restored, step = saved.restore(history)
    assert step == 1
    assert not restored["h"].any()


def test_log_and_axis(tmp_path):
    def last(state, first, strides):
        return state + strides.sum(), jnp.stack([state, state * 0]) + strides

    scratch = Scratch(tmp_path)
    _, seen = loops.recorded(
        scratch, "a", last, jnp.zeros(1), [2, 5], axis=1, log=lambda seen: {"sum": seen.sum()}
    )
    np.testing.assert_array_equal(seen, [[2, 2 + 3], [2, 3]])
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert lines == ['{"step": 2, "sum": 4.0}', '{"step": 5, "sum": 8.0}']


def test_stack_keeps_structure_and_adds_an_axis():
    made = loops.stack([{"a": np.ones((2, 3))}, {"a": np.zeros((2, 3))}], axis=1)
    assert made["a"].shape == (2, 2, 3)
    np.testing.assert_array_equal(made["a"][:, 1], 0)


def test_no_record_is_no_step(tmp_path):
    state, seen = loops.recorded(Scratch(tmp_path), "a", advance, start(), [], chunk=2)
    np.testing.assert_array_equal(state, start())
    assert seen["x"].shape == (2, 0)


def test_observed_steps_increase_to_the_last_and_are_even_in_their_logarithm():
    at = loops.spaced(20_000, 140)
    assert (len(at), at[0], at[-1]) == (140, 1, 20_000)
    assert (np.diff(at) > 0).all()
    np.testing.assert_allclose(np.diff(np.log(at[-40:])), np.log(20_000) / 139, rtol=0.02)
    np.testing.assert_array_equal(loops.spaced(5, 140), [1, 2, 3, 4, 5])
