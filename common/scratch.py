"""A run's own folder while it computes: checkpoints, finished cells, log, progress.

An experiment opens no file and prints nothing; it asks its `Scratch`. Everything written here
survives a kill at any moment: files are written to a temporary name and renamed.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from common.stop import Stop, agreed, primary


class Progress:
    """What the terminal shows: done of total, and a label. Drawn by the launcher, never here."""

    def __init__(self) -> None:
        self.stack: list[list] = []  # [label, done, total, started, done when started]

    def line(self) -> tuple[str, int, int, float, int] | None:
        return tuple(self.stack[-1]) if self.stack else None  # type: ignore[return-value]


class Scratch:
    """Handle of the folder `path`; `stop.asked` is set by the launcher's signal handlers."""

    def __init__(self, path: str | os.PathLike, wanted: frozenset[str] | None = None) -> None:
        self.path = Path(path)
        self.wanted = wanted  # the arrays that are asked for; None: all
        self.path.mkdir(parents=True, exist_ok=True)
        self.stop = Stop()
        self.shown = Progress()
        self._opened: list[Path] = []  # checkpoints of the part that is being computed
        self.data_used: dict[str, str] = {}  # name -> sha256, recorded in run.json
        if primary():
            for debris in self.path.glob("*.tmp"):  # a kill in the middle of a write
                debris.unlink(missing_ok=True)

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

        Checkpoints that `fn` opened are deleted once its arrays are stored.
        """
        file = self.path / f"cell-{name}.npz"
        if agreed(primary() and file.exists()):  # process 0 wrote it: it decides for all
            return _read(file)
        self.check_stop()
        outer, self._opened = self._opened, []
        arrays = gathered(fn())
        if primary():
            write_npz(file, arrays)
            for folder in self._opened:  # the part is stored: these have done their work
                shutil.rmtree(folder, ignore_errors=True)
        self._opened = outer
        return arrays

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
            every = float(os.environ.get("REPRISE_CHECKPOINT_SECONDS", "15"))
        path = self.path / f"checkpoints-{name}"
        self._opened.append(path)
        return Checkpoints(path, every=every, stop=self.stop)

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
            with (self.path / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    def data(self, name: str):
        """The named data set (common.data), its hash recorded with the run."""
        from common import data

        loaded = data.load(name)
        self.data_used[name] = loaded.sha256
        return loaded


class Ticker:
    def __init__(self, entry: list) -> None:
        self._entry = entry

    def update(self, done: int) -> None:
        if self._entry[1] == 0 and done > 0 and self._entry[4] == 0:
            # the first part holds the compilation: the pace is counted from here
            self._entry[3], self._entry[4] = time.monotonic(), int(done)
        self._entry[1] = int(done)


def _read(file: Path, patience: float = 30.0) -> dict[str, np.ndarray]:
    """The arrays of a finished cell; a shared disk may show it to this process a little later."""
    end = time.monotonic() + patience
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.1)
    with np.load(file, allow_pickle=False) as stored:
        return {k: stored[k] for k in stored.files}


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
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.stem, suffix=".tmp")
    with os.fdopen(handle, "wb") as out:
        np.savez_compressed(out, **{k: np.asarray(v) for k, v in arrays.items()})  # type: ignore[arg-type]
        out.flush()
        os.fsync(out.fileno())
    os.chmod(temporary, 0o644)
    os.replace(temporary, file)
