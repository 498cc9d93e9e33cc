"""The computation itself: an experiment's `run` called, its arrays checked, how it went noted."""

import os
import re
import resource
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np

from common.data import DataError
from common.files import FileError, causes
from launch import settings
from launch.compute import cluster, stop
from launch.errors import Interrupted, UserError
from launch.meshes import mesh_of
from launch.record import provenance, store
from launch.record.failure import failed
from launch.settings import Job
from launch.terminal import Display

FULL = re.compile(r"No space left|[Qq]uota exceeded|\bEDQUOT\b|OS error 122\b")
PLANNED = 30.0  # seconds from which a run is worth its prediction, made when it has ended
UNPLANNED = ("verify", "control")  # notes of runs that are not compared with a prediction
Predict = Callable[..., dict | None]  # (slug, cfg, make=whether one may be made)


def compute(
    job: Job, folder: Path, info: dict, request: stop.Request, predict: Predict | None = None
) -> None:
    """Run the experiment in its folder; the first process writes arrays.npz and run.json.

    info: what run.json says so far. Errors: UserError, Interrupted, whatever the experiment raises.
    """
    from common import scratch as scratch_module
    from common.stop import Stopped

    wanted = info.get("wanted")
    scratch = scratch_module.Scratch(
        folder / "scratch",
        None if wanted is None else frozenset(wanted),
        info.get("identity", ""),
    )
    request.tell(scratch.stop)
    record = _Record(folder, info, scratch)
    try:
        arrays = _arrays(job, scratch, record.compiling)
        cluster.barrier("computed")
    except Stopped:
        record.write("stopped")
        raise Interrupted(folder) from None
    except BaseException as error:
        with suppress(OSError):  # the disk may be what failed
            record.write("failed", error=f"{type(error).__name__}: {error}"[:2000])
        if lacking := _lacking(error, folder):
            raise UserError(f"{job.name}{lacking}") from error
        if _of_code(error):
            own = cluster.index()
            raise failed(job.name, job.changes, folder, error, process=own) from error
        raise
    if cluster.index() > 0:
        return
    scratch_module.write_npz(folder / "arrays.npz", arrays)
    if predict and info.get("note") not in UNPLANNED:
        info["predicted"] = _predicted(job, predict, record.elapsed)
    log = folder / "scratch" / "log.jsonl"
    if log.exists():
        os.replace(log, folder / "log.jsonl")
    shapes = {k: [str(v.dtype), list(v.shape)] for k, v in sorted(arrays.items())}
    record.write("done", arrays=shapes)
    for unused in scratch.finish():
        print(f"kept, though not used: {unused}", file=sys.stderr)


def _arrays(job: Job, scratch: Any, compiling: "Compiling") -> dict[str, np.ndarray]:
    """What the experiment's `run` returns, whole and in NumPy, with progress on show."""
    import jax
    from ml_collections import FrozenConfigDict

    from common.scratch import gathered

    module = settings.module(job.slug, "run")
    display = Display(job.name, scratch.shown, lambda: compiling.seconds)
    with (
        display if cluster.index() == 0 else nullcontext(),
        jax.enable_x64(bool(job.cfg.x64)),
    ):
        found = module.run(FrozenConfigDict(job.cfg), mesh_of(job.cfg), scratch)
        return checked(job.slug, gathered(found))


def checked(slug: str, arrays) -> dict[str, np.ndarray]:
    """What `run` returned.  Errors: TypeError if that is no dict of numeric arrays."""
    if not isinstance(arrays, dict) or not arrays:
        raise TypeError(f"run of {slug} must return a dict of arrays, got {type(arrays).__name__}")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise TypeError(f"run of {slug}: {name!r} is not a numeric array")
    return arrays


def _predicted(job: Job, predict: Predict, seconds: float) -> dict | None:
    import jax

    long = seconds > PLANNED and cluster.count() == 1
    with jax.enable_x64(bool(job.cfg.x64)):
        return predict(job.slug, job.cfg, make=long)


class _Record:
    """run.json of a run that computes: written when it ends, by the first process."""

    def __init__(self, folder: Path, info: dict, scratch: Any) -> None:
        self._folder, self._info, self._scratch = folder, info, scratch
        self.compiling = Compiling()
        self._start, self._cpu = time.monotonic(), time.process_time()

    @property
    def elapsed(self) -> float:
        """Seconds since this attempt began."""
        return time.monotonic() - self._start

    def write(self, status: str, **more: Any) -> None:
        if cluster.index() > 0:
            return
        self._info.update(
            status=status,
            finished=provenance.now(),
            seconds=round(self.elapsed, 3),
            compile_seconds=round(self.compiling.seconds, 3),
            programs=self.compiling.programs,
            data=self._scratch.data_used,
            cpu_seconds=round(time.process_time() - self._cpu, 3),
            peak_memory_mb=_peak(),
            device_peak_mb=_device_peak(),
            **more,
        )
        store.write_json(self._folder / "run.json", self._info)


class Compiling:
    """What JAX compiled since this was made, taken from its cache or not."""

    def __init__(self) -> None:
        import jax

        self.seconds = 0.0  # of tracing, lowering and compiling
        self.programs = 0

        def listen(event: str, duration_secs: float, **_: str | int) -> None:
            if event.startswith("/jax/core/compile/"):
                self.seconds += duration_secs
                self.programs += event.endswith("/backend_compile_duration")

        jax.monitoring.register_event_duration_secs_listener(listen)


def _peak() -> int:
    """Peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def _device_peak() -> int | None:
    """Peak memory of the fullest device of this process in MB, where the runtime counts it."""
    import jax

    counts = [(d.memory_stats() or {}).get("peak_bytes_in_use") for d in jax.local_devices()]
    known = [c for c in counts if c]
    return round(max(known) / 2**20) if known else None


def _of_code(error: BaseException) -> bool:
    """Whether code raised it, which the settings may have led to: no place, reader or user did."""
    elsewhere = isinstance(error, (UserError, DataError, FileError, OSError))
    return isinstance(error, Exception) and not elsewhere and not cluster.collateral(error)


def _lacking(error: BaseException, folder: Path) -> str:
    """What this machine lacks for a run that failed, and what to do; empty for other errors."""
    every = [*causes(error)]
    text = "\n".join(map(str, every))
    kept = "what was finished is kept:"
    if full := FULL.search(text):  # before memory: both are called RESOURCE_EXHAUSTED
        what = "is full" if "space" in full[0] else "has reached your quota"
        return f": the disk that holds {folder} {what}; {kept} make room and run again"
    memory = any(isinstance(e, MemoryError) for e in every) or "RESOURCE_EXHAUSTED" in text
    if memory or "out of memory" in text.lower():
        return (
            f" ran out of memory after using {_peak()} MB; {kept} free memory, or make a batch or "
            "chunk setting smaller"
        )
    return ""
