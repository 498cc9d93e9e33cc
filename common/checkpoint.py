"""Checkpoints of a long loop: orbax behind four methods; asynchronous, atomic, newest two kept.

A kill at any moment leaves either the previous checkpoint or the new one, never half of one.
"""

import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from orbax.checkpoint import v1 as ocp

from common.stop import Stop, votes


class Checkpoints:
    """Checkpoints under `path`, one at most every `every` seconds."""

    def __init__(self, path: Path, *, every: float, stop: Stop) -> None:
        self._stop, self._every, self._saved_at = stop, every, time.monotonic()
        self._store = ocp.training.Checkpointer(
            path.absolute(),
            save_decision_policy=ocp.training.save_decision_policies.FixedIntervalPolicy(1),
            preservation_policy=ocp.training.preservation_policies.LatestN(2),
            cleanup_tmp_directories=True,
        )
        self._last = -1

    def restore(self, state: Any) -> tuple[Any, int]:
        """The newest readable checkpoint and its step, or (`state`, 0) when there is none.

        `state` gives structure, shapes, dtypes and shardings: a checkpoint of one mesh, and of one
        number of processes, is restored onto another; what `state` binds to no device stays
        unbound. A damaged checkpoint is skipped with a warning; one whose shapes depended on the
        devices is not used, with a warning.
        """
        abstract = jax.tree.map(_abstract, _plain(state))
        with _x64_in_every_thread():
            return self._newest(abstract, state)

    def _newest(self, abstract: Any, state: Any) -> tuple[Any, int]:
        for checkpoint in sorted(self._store.checkpoints, key=lambda c: -c.step):
            try:
                restored = self._store.load(checkpoint.step, abstract_state=abstract)
            except Exception:  # orbax raises many kinds for a file that is cut short
                message = f"checkpoint {checkpoint.step} is damaged; taking the one before it"
                warnings.warn(message, stacklevel=2)
                continue
            wrong = _other_shapes(abstract, restored)
            if wrong:
                warnings.warn(
                    f"checkpoint {checkpoint.step} is not used: it holds {wrong}, as on another "
                    "number of devices; this part begins anew",
                    stacklevel=2,
                )
                return state, 0
            self._last = checkpoint.step
            return jax.tree.map(_like, state, restored), checkpoint.step
        return state, 0

    def save(self, step: int, state: Any, *, force: bool = False) -> None:
        """Save `state` as `step` if the last save is old enough, or if the run must stop now.

        The caller may go on writing into host arrays of `state`: orbax copies them first, and a
        test sees to it. Errors: Stopped, after saving, when the run was asked to stop (of several
        processes: any).
        """
        due = force or time.monotonic() - self._saved_at >= self._every
        each = votes(due, self._stop.asked)  # the first clock decides, any process may stop all
        stop = bool(each[:, 1].any())
        if (stop or each[0, 0]) and step > self._last:
            self._store.save_async(step, _plain(state), force=True, overwrite=True)
            self._last, self._saved_at = step, time.monotonic()
        if stop:
            self.close()
            self._stop.check()

    def close(self) -> None:
        """Wait for what is being written."""
        self._store.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _x64_in_every_thread() -> Iterator[None]:
    """Orbax restores in threads of its own, which do not see this thread's x64 context."""
    here = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    with ThreadPoolExecutor(1) as other:
        everywhere = other.submit(lambda: jax.config.jax_enable_x64).result()  # type: ignore[attr-defined]
    jax.config.update("jax_enable_x64", here)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", everywhere)


def _plain(state: Any) -> Any:
    """Typed PRNG keys as their integers: orbax cannot restore them onto a sharding."""
    return jax.tree.map(lambda x: jax.random.key_data(x) if _is_key(x) else x, state)


def _abstract(x: Any) -> Any:
    if isinstance(x, jax.Array) and x.committed:
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)
    return np.asarray(x)


def _other_shapes(wanted: Any, found: Any) -> str:
    """The first shape that differs, in words; empty where all agree."""
    pairs = zip(jax.tree.leaves(wanted), jax.tree.leaves(found), strict=True)
    return next((f"{np.shape(b)}, not {a.shape}" for a, b in pairs if a.shape != np.shape(b)), "")


def _like(state: Any, restored: Any) -> Any:
    if _is_key(state):
        return jax.random.wrap_key_data(jnp.asarray(restored), impl=jax.random.key_impl(state))
    if isinstance(state, jax.Array):
        return restored if state.committed else jnp.asarray(restored)
    return np.asarray(restored)


def _is_key(x: Any) -> bool:
    return isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
