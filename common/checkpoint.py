"""Checkpoints of a long loop: orbax behind four methods; asynchronous, atomic, newest two kept.

A kill at any moment leaves either the previous checkpoint or the new one, never half of one. What
is not used is set aside, and what cannot be read now ends the run: it may be whole.
"""

import glob
import logging
import os
import re
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
from etils.epath.gpath import PosixGPath
from orbax.checkpoint import v1 as ocp

from common import files, saved
from common.stop import Stop, agreed, primary, votes


class Checkpoints:
    """Checkpoints under `path`, one at most every `every` seconds.

    belongs: what a checkpoint must have been saved under to be used here (a run and its loop).
    """

    def __init__(self, path: Path, *, every: float, stop: Stop, belongs: str = "") -> None:
        """Errors: FileError for a folder that cannot be read now, or not be used for this."""
        self._stop, self._every, self._saved_at = stop, every, time.monotonic()
        self._path, self._belongs = _usable(path.absolute()), belongs
        self._found = _steps(self._path)
        self._store: Any = None  # what saves; it tidies the folder, so it waits for the first save
        self._last = -1

    def restore(self, state: Any) -> tuple[Any, int]:
        """The newest checkpoint that can be used and its step, or (`state`, 0) without one.

        `state` gives structure, shapes, dtypes and shardings: a checkpoint of one mesh, and of one
        number of processes, is restored onto another; what `state` binds to no device stays
        unbound. With a warning are skipped, and set aside: a damaged checkpoint, one of another
        step or loop than its name says, all whose shapes depended on the devices. Errors:
        Unreadable where one cannot be read now: it is not passed over, and nothing is touched.
        """
        for step in sorted(self._found, reverse=True):
            restored, wrong = self._loaded(step, state)
            if not wrong:
                self._set_aside(above=step)
                self._last = step
                return jax.tree.map(_like, state, restored), step
            warnings.warn(f"checkpoint {step} of {self._path} {wrong}", stacklevel=2)
            if wrong.endswith("begins anew"):
                break
        self._set_aside(above=-1)
        return state, 0

    def _loaded(self, step: int, state: Any) -> tuple[Any, str]:
        """(what was saved as `step`, why it is not used: empty where it is)."""
        restored: Any = None
        wrong, why = "", ""
        try:
            with _x64_in_every_thread(), _quiet():
                files.demand_files(self._path / str(step))
                wanted = saved.record(step, jax.tree.map(_abstract, _plain(state)), self._belongs)
                restored = ocp.load(_Literal(self._path / str(step)), wanted)
            wrong = saved.mismatch(step, wanted, restored)
        except Exception as error:  # orbax raises many kinds for a file that is cut short
            why = saved.out_of_reach(self._path / str(step), error)
            wrong = f"is damaged ({files.said(saved.first(error))}); taking the one before it"
        each = votes(bool(why), bool(wrong))  # a checkpoint is used by all processes or by none
        if each[:, 0].any():
            raise files.unreadable(self._path / str(step), why or "by another process")
        if each[:, 1].any():
            return None, wrong or "is of no use to another process; taking the one before it"
        return restored["state"], ""

    def _set_aside(self, *, above: int) -> None:
        """Move the checkpoints of later steps out of the way: they are neither used nor lost."""
        unused = sorted(step for step in self._found if step > above)
        self._found = self._found - set(unused)
        if unused and primary():
            target = files.aside(self._path)
            target.mkdir()
            for step in unused:
                os.rename(self._path / str(step), target / str(step))
            numbers = ", ".join(map(str, unused))
            warnings.warn(f"checkpoint {numbers} moved to {target}", stacklevel=3)
        if unused:
            agreed(False)  # all wait for the first

    def save(self, step: int, state: Any, *, force: bool = False) -> None:
        """Save `state` as `step` if the last save is old enough, or if the run must stop now.

        The caller may go on writing into host arrays of `state`: orbax copies them first, and a
        test sees to it. Errors: Stopped, after saving, when the run was asked to stop (of several
        processes: any); FileError where what was saved last is not there.
        """
        due = force or time.monotonic() - self._saved_at >= self._every
        each = votes(due, self._stop.asked)  # the first clock decides, any process may stop all
        stop = bool(each[:, 1].any())
        if (stop or each[0, 0]) and step > self._last:
            if self._last < 0:
                self._set_aside(above=-1)  # what nobody asked for
            record = saved.record(step, _plain(state), self._belongs)
            self._open().save_async(step, record, force=True, overwrite=True)
            self._last, self._saved_at = step, time.monotonic()
        if stop:
            self.close()
            self._read_back()
            self._stop.check()

    def _read_back(self) -> None:
        """Errors: FileError unless the last save is found by one who looks for it anew."""
        folder, why = self._path / str(self._last), ""
        try:
            if self._last >= 0 and _saved_step(folder) != self._last:
                why = "another step stands there"
        except Exception as error:
            why = files.said(saved.first(error))
        if agreed(bool(why)):
            raise files.FileError(f"{folder} was not saved ({why or 'by another process'})")

    def _open(self) -> Any:
        """What saves into the folder and keeps the newest two."""
        if self._store is None:
            self._store = ocp.training.Checkpointer(
                _Literal(self._path),
                save_decision_policy=ocp.training.save_decision_policies.FixedIntervalPolicy(1),
                preservation_policy=ocp.training.preservation_policies.LatestN(2),
                cleanup_tmp_directories=True,
                lightweight_initialize=True,  # reads nothing of what is there
            )
        return self._store

    def close(self) -> None:
        """Wait for what is being written."""
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Literal(PosixGPath):
    """A path that is its own name: etils takes a folder called run[0] for a pattern."""

    def glob(self, pattern: str) -> Iterator["_Literal"]:
        for name in glob.glob(os.path.join(glob.escape(os.fspath(self)), pattern)):
            yield _Literal(name)


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong in here is raised: orbax need not log it as well."""
    loggers = [logging.getLogger(name) for name in ("", "absl", "asyncio")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


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


def _usable(path: Path) -> Path:
    """A folder that checkpoints can be in.  Errors: FileError."""
    if "\\" in str(path) or path.parts[1:2] in (("gs",), ("s3",), ("az",), ("hf",)):
        raise files.FileError(
            f"checkpoints cannot be in {path}: a backslash, or /gs /s3 /az /hf at the start, means "
            "something else to what writes them; give another --workdir"
        )
    return files.own_folder(path)


def _steps(path: Path) -> set[int]:
    """The steps of which there is something: finished ones are renamed to their number.

    Errors: Unreadable.
    """
    try:
        return {int(name) for name in os.listdir(path) if re.fullmatch("0|[1-9][0-9]*", name)}
    except OSError as error:
        raise files.unreadable(path, files.said(error)) from error


def _saved_step(folder: Path) -> int:
    """The step that a checkpoint says it is of, the rest left on the disk."""
    tree = ocp.metadata(_Literal(folder)).metadata
    wanted = jax.tree.map(lambda _: ocp.PLACEHOLDER, tree) | {"step": np.asarray(0)}
    return int(ocp.load(_Literal(folder), wanted)["step"])


def _like(state: Any, restored: Any) -> Any:
    if _is_key(state):
        return jax.random.wrap_key_data(jnp.asarray(restored), impl=jax.random.key_impl(state))
    if isinstance(state, jax.Array):
        return restored if state.committed else jnp.asarray(restored)
    return np.asarray(restored)


def _is_key(x: Any) -> bool:
    return isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
