"""Loops that are observed on their way: inside one program, and over many with checkpoints."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import numpy as np

from common.scratch import Scratch
from common.sharding import gather


def trajectory(step: Callable, observe: Callable, state: Any, strides: Any) -> tuple[Any, Any]:
    """Observe after each of R strides of steps, inside one program.

    step(state) -> state, observe(state) -> pytree, strides int [R]
    -> (state, observed [R, …])
    """

    def record(state, stride):
        state = jax.lax.fori_loop(0, stride, lambda _, s: step(s), state)
        return state, observe(state)

    return jax.lax.scan(record, state, strides)


def recorded(
    scratch: Scratch,
    name: str,
    advance: Callable,
    state: Any,
    at: Any,
    *,
    chunk: int = 1,
    axis: int = 1,
    log: Callable[[Any], Mapping[str, float]] | None = None,
) -> tuple[Any, Any]:
    """A long loop, call after call, saved on its way; a killed one goes on and ends the same.

    advance(state, first, strides int [chunk]) -> (state, seen): from step `first` on, one record
    after each stride; records lie along `axis` of the leaves of seen, whose shapes do not hang on
    the devices. at: the steps at which there are records, increasing [R]; the strides of the last
    call are filled up with zeros. log(seen) -> scalars for the run's log, after every call.
    -> (state, history): every leaf of seen as a NumPy array with all R records
    """
    strides = np.diff(np.asarray(at, int), prepend=0)
    strides = np.pad(strides, (0, -len(strides) % chunk))
    done_at = np.cumsum(strides)
    shapes = jax.eval_shape(advance, state, 0, np.zeros(chunk, int))[1]
    history = jax.tree.map(lambda s: _blank(s, axis, len(strides)), shapes)
    with (
        scratch.checkpoints(name) as saved,
        scratch.progress(int(strides.sum()), name) as bar,
    ):
        (state, history), done = saved.restore((state, history))
        for start in range(done, len(strides), chunk):
            part = slice(start, start + chunk)
            first = int(done_at[start] - strides[start])
            state, seen = advance(state, first, strides[part])
            seen = gather(seen)
            jax.tree.map(partial(_write, axis, part), history, seen)
            if log:
                scratch.log(int(done_at[part][-1]), **log(seen))
            saved.save(part.stop, (state, history), force=part.stop == len(strides))
            bar.update(int(done_at[part][-1]))
    records = np.arange(len(at))
    return state, jax.tree.map(lambda h: h.take(records, axis), history)


def spaced(steps: int, records: int) -> np.ndarray:
    """Increasing steps that end at the last one, evenly spaced in their logarithm where they can.

    -> int [min(records, steps)]
    """
    wanted = np.geomspace(1, steps, min(records, steps)).round().astype(int)
    for i in range(1, len(wanted)):
        wanted[i] = max(wanted[i], wanted[i - 1] + 1)
    return wanted


def stack(parts: Any, axis: int = 0) -> Any:
    """Pytrees of one structure, NumPy arrays stacked along a new axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis), *parts)


def _blank(shape: Any, axis: int, records: int) -> np.ndarray:
    return np.zeros((*shape.shape[:axis], records, *shape.shape[axis + 1 :]), shape.dtype)


def _write(axis: int, part: slice, history: np.ndarray, new: np.ndarray) -> None:
    history[(slice(None),) * axis + (part,)] = new
