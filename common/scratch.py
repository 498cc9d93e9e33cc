"""A run's own folder while it computes: checkpoints, finished cells, log, progress.

An experiment opens no file and prints nothing; it asks its `Scratch`. Everything written here
survives a kill at any moment: files are written to a temporary name and renamed.
"""

import hashlib
import json
import os
import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from common import files
from common.stop import Stop, agreed, primary

SECONDS = "REPRISE_CHECKPOINT_SECONDS"
OF = "__cell__"  # beside a cell's arrays: which part of which run they are
DEBRIS = re.compile(r"cell-.+\.[a-z0-9_]{8}\.tmp")  # of a kill in the middle of a write


class Progress:
    """What the terminal shows: done of total, and a label. Drawn by the launcher, never here."""

    def __init__(self) -> None:
        self.stack: list[list] = []  # [label, done, total, started, done when started]

    def line(self) -> tuple[str, int, int, float, int] | None:
        return tuple(self.stack[-1]) if self.stack else None  # type: ignore[return-value]


class Scratch:
    """Handle of the folder `path`; `stop.asked` is set by the launcher's signal handlers.

    Errors: FileError where the folder, or the log in it, is a link: it is not written through.
    """

    def __init__(
        self, path: str | os.PathLike, wanted: frozenset[str] | None = None, who: str = ""
    ) -> None:
        self.path = files.own_folder(Path(path))
        self.wanted = wanted  # the arrays that are asked for; None: all
        self.who = who  # the run's identity: what another run stored is not read
        self.stop = Stop()
        self.shown = Progress()
        self._opened: list[Path] = []  # checkpoints of the part that is being computed
        self.data_used: dict[str, str] = {}  # name -> sha256, recorded in run.json
        if primary():
            files.own_file(self.path / "log.jsonl")
            for entry in os.scandir(self.path):
                if DEBRIS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)

    def wants(self, *names: str) -> bool:
        """Whether any of these arrays is asked for: a control computes what its claims read.

        A part whose arrays nobody wants is left out of what `run` returns.
        """
        return self.wanted is None or not self.wanted.isdisjoint(names)

    def check_stop(self) -> None:
        """Raise Stopped if the run was asked to stop. Call where everything done is saved."""
        self.stop.check()

    def cached(self, name: str, fn: Callable[[], dict[str, Any]]) -> dict[str, np.ndarray]:
        """`fn()` computed once: its arrays are stored under `name` and read back ever after.

        Checkpoints that `fn` opened are deleted once its arrays are stored. A damaged store is set
        aside with a warning and computed again. Errors: Unreadable where it cannot be read now.
        """
        file = self.path / f"cell-{name}.npz"
        stored = self._stored(file) if primary() else None
        if agreed(stored is not None):  # process 0 wrote it: it decides for all
            return _awaited(file) if stored is None else stored
        self.check_stop()
        outer, self._opened = self._opened, []
        arrays = gathered(fn())
        if primary():
            write_npz(file, arrays | {OF: self._mark(file)})
            for folder in self._opened:  # the part is stored: these have done their work
                shutil.rmtree(folder, ignore_errors=True)
        self._opened = outer
        return arrays

    def _stored(self, file: Path) -> dict[str, np.ndarray] | None:
        """The arrays of a finished part; None where there are none that can be used."""
        if not files.exists(file):
            return None
        try:
            arrays = files.read_npz(file)
            if np.array_equal(arrays.pop(OF, np.zeros(0)), self._mark(file)):
                return arrays
            wrong = f"{file} is of another part or run"
        except files.Damaged as error:
            wrong = str(error)
        unused = files.aside(file)
        os.rename(file, unused)
        warnings.warn(f"{wrong}: moved to {unused.name}, computed again", stacklevel=3)
        return None

    def _mark(self, file: Path) -> np.ndarray:
        return np.frombuffer(hashlib.sha256(f"{self.who}/{file.name}".encode()).digest(), np.uint8)

    def cells(
        self, parts: dict[str, Callable[[], dict[str, Any]]], label: str = "part"
    ) -> list[dict[str, np.ndarray]]:
        """`cached` for every name and function, in their order, with progress."""
        stored = []
        with self.progress(len(parts), label) as bar:
            for name, fn in parts.items():
                stored.append(self.cached(name, fn))
                bar.update(len(stored))
        return stored

    def checkpoints(self, name: str, *, every: float | None = None):
        """Checkpoints of a long loop, saved at most every `every` seconds (see Checkpoints)."""
        from common.checkpoint import Checkpoints  # orbax takes a second to import

        if every is None:
            every = least_seconds()
        path = self.path / f"checkpoints-{name}"
        self._opened.append(path)
        return Checkpoints(path, every=every, stop=self.stop, belongs=f"{self.who}/{name}")

    @contextmanager
    def progress(self, total: int, label: str) -> Iterator["Ticker"]:
        """`with scratch.progress(100, "training") as progress: progress.update(done)`."""
        self.shown.stack.append([label, 0, total, time.monotonic(), 0])
        try:
            yield Ticker(self.shown.stack[-1])
        finally:
            self.shown.stack.pop()

    def log(self, step: int, **scalars: float) -> None:
        """Append one line to log.jsonl. After a resume a step may stand twice: the last counts."""
        if primary():
            line = {"step": int(step)} | {k: float(v) for k, v in scalars.items()}
            files.append(self.path / "log.jsonl", json.dumps(line) + "\n")

    def finish(self) -> list[Path]:
        """Delete what a finished run needs no more; what was set aside stays, and is returned."""
        kept = [entry for entry in self.path.iterdir() if files.is_aside(entry)]
        for entry in set(self.path.iterdir()) - set(kept) if kept else [self.path]:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        return kept

    def data(self, name: str):
        """The named data set (common.data), its hash recorded with the run."""
        from common import data

        loaded = data.load(name)
        self.data_used[name] = loaded.sha256
        return loaded


def least_seconds() -> float:
    """The least time between two checkpoints.  Errors: FileError for what is no such time."""
    text = os.environ.get(SECONDS) or "15"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise files.FileError(f"{SECONDS} is a number of seconds, 0 or more, not {text[:40]!r}")
    return seconds


class Ticker:
    def __init__(self, entry: list) -> None:
        self._entry = entry

    def update(self, done: int) -> None:
        if self._entry[1] == 0 and done > 0 and self._entry[4] == 0:
            # the first part holds the compilation: the pace is counted from here
            self._entry[3], self._entry[4] = time.monotonic(), int(done)
        self._entry[1] = int(done)


def _awaited(file: Path, patience: float = 30.0) -> dict[str, np.ndarray]:
    """The arrays of a part that process 0 has; a shared disk may show it here a little later."""
    end = time.monotonic() + patience
    while not files.exists(file) and time.monotonic() < end:
        time.sleep(0.1)
    arrays = files.read_npz(file)
    del arrays[OF]
    return arrays


def gathered(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    """Device arrays -> whole NumPy arrays, on every process."""
    from common.sharding import gather

    return gather(arrays)


def write_npz(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays compressed, atomically, without pickles.

    Errors: ValueError naming the array whose dtype would need a pickle.
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise ValueError(f"array {name!r} has dtype object, which would need a pickle")
    handle, temporary = files.fresh(file.parent, file.stem)
    with os.fdopen(handle, "wb") as out:
        np.savez_compressed(out, **{k: np.asarray(v) for k, v in arrays.items()})  # type: ignore[arg-type]
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, file)
