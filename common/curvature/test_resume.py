"""What is stopped and goes on has the bits of what was not: Lanczos, eigsh, slq, trace."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.lanczos import eigsh, eigsh_part, lanczos, lanczos_part
from common.curvature.slq import slq
from common.curvature.test_lanczos import symmetric
from common.curvature.trace import trace, trace_part
from common.scratch import Scratch

P = 60
KEY = jax.random.key(3)
DECAY = np.r_[1 / np.arange(1.0, P - 5), -1 / np.arange(2.0, 8)]


def same_bits(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture
def kept(tmp_path):
    """A state through the files of a run's scratch folder."""

    def through(state):
        leaves, treedef = jax.tree.flatten(state)
        name, arrays = str(len(list(tmp_path.iterdir()))), dict(enumerate(leaves))
        stored = Scratch(tmp_path).cached(name, lambda: {str(i): x for i, x in arrays.items()})
        return treedef.unflatten([stored[str(i)] for i in arrays])

    return through


@pytest.mark.parametrize("breaks", [False, True])
def test_lanczos(kept, breaks):
    """Also through a breakdown into a fresh direction."""
    A = symmetric(np.r_[np.zeros(P - 2), 1.0, 2.0] if breaks else DECAY)
    v0, spare = jax.random.normal(KEY, (2, P))
    call = {"matvec": A.dot, "v0": v0, "steps": 9, "spare": spare if breaks else None}
    state = None
    for stop in (1, 6):
        state = kept(lanczos_part(**call, stop=stop, state=state))
        assert len(state.alpha) == stop
    same_bits(lanczos(**call, state=state), lanczos(**call))


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 30, "k": 3},
        {"steps": 60, "k": 3, "tol": 1e-4, "hold": 16, "block": 2, "magnitude": True},
    ],
)
def test_eigsh(kept, options):
    """Before and after a restart."""
    call = {"key": KEY, "matvec": symmetric(DECAY).dot, "size": P, **options}
    state = None
    for stop in (5, 29):
        state = kept(eigsh_part(**call, stop=stop, state=state))
        assert state.krylov.matvecs <= stop + 1
    same_bits(eigsh(**call, state=state), eigsh(**call))


@pytest.mark.parametrize("together", [1, 2])
def test_slq(kept, together):
    A = symmetric(DECAY)
    call = {"key": KEY, "matvec": A.dot, "size": P, "steps": 5, "probes": 7, "together": together}
    state = kept(slq(**call, stop=4))
    assert state.nodes.shape == (4, 5)
    same_bits(slq(**call, state=state), slq(**call))


@pytest.mark.parametrize("psd", [False, True])
@pytest.mark.parametrize("spectrum", [np.abs(DECAY), np.linspace(1, 2, P)])
def test_trace(kept, psd, spectrum):
    A = symmetric(spectrum)
    call = {"key": KEY, "matvec": A.dot, "size": P, "rtol": 0.01, "psd": psd}
    state = None
    for stop in (0, 12):
        state = kept(trace_part(**call, stop=stop, state=state))
    assert state.matvecs >= 12 or not state.more
    same_bits(trace(**call, state=state), trace(**call))


@pytest.mark.parametrize(
    "call",
    [
        partial(lanczos_part, jnp.negative, jnp.ones(4), 3, stop=4),
        partial(slq, KEY, jnp.negative, 4, steps=2, probes=3, stop=4),
        partial(slq, KEY, jnp.negative, 4, steps=2, probes=6, together=2, stop=3),
    ],
)
def test_stops_that_are_refused(call):
    with pytest.raises(ValueError, match="stop"):
        call()
