"""`./lab drill NAME`: does this experiment survive what happens to runs on clusters?

One uninterrupted run, then the same run killed in the middle of a save, asked to stop through one
of its two processes and finished on four devices, and robbed of a process. What comes out must be
what the uninterrupted run gave: the same bits on the same devices, the same numbers on others.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from launch import settings
from launch.errors import STOPPED, UserError
from launch.paths import shown
from launch.record import provenance, store
from launch.terminal import coloured, duration, table

LIMIT = 60.0  # seconds in which a run that lost a process must have ended
SAME = {True: 1e-7, False: 2e-3}  # by x64: of an array's scale, on another number of devices
TRIES = 4  # a save may take less time than it takes to notice


class Drill:
    """The stages, in a temporary folder; `rows` tells what happened."""

    def __init__(self, slug: str, preset: str, overrides: list[str]) -> None:
        self.name = f"{slug}:{preset}"
        self.overrides = overrides
        self.cfg = settings.get(slug, preset, overrides)
        self.home = Path(tempfile.mkdtemp(prefix="reprise-drill-"))
        self.said = self.home / "said.txt"  # by the run that was started last
        self.rows: list[dict] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.checkpoints = False  # whether this run writes any
        self.later = False  # whether it writes a second of the same loop

    def command(self, folder: Path, *more: str) -> list[str]:
        command = [sys.executable, "-P", "-m", "launch", "run", self.name, *self.overrides]
        return [*command, "--workdir", str(folder), *more]

    def environment(self, devices: int = 1) -> dict[str, str]:
        env = os.environ | {"REPRISE_CHECKPOINT_SECONDS": "0", "JAX_NUM_CPU_DEVICES": str(devices)}
        env.pop("XLA_FLAGS", None)
        return env | {"PJRT_NPROC": "32"}

    def start(self, folder: Path, *more: str, devices: int = 1) -> subprocess.Popen:
        """A run; what it says goes to the file `said`: a pipe that nobody reads fills up."""
        command, env = self.command(folder, *more), self.environment(devices)
        with self.said.open("w") as out:
            return subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)

    def finish(self, folder: Path, *more: str, devices: int = 1) -> str:
        """Run to the end; what to add if a checkpoint was not used.

        Errors: UserError with the run's last line.
        """
        process = self.start(folder, *more, devices=devices)
        process.wait()
        said = self.said.read_text(errors="replace")
        if process.returncode:
            last = (said.strip().splitlines() or ["?"])[-1]
            raise UserError(f"{self.name} does not run ({shown(folder)}): {last[:300]}")
        return ", but its checkpoint was of no use there" if "begins anew" in said else ""

    def tell(self, what: str, ok: bool, found: str, start: float) -> None:
        seconds = round(time.monotonic() - start, 1)
        self.rows.append({"what": what, "ok": ok, "found": found, "seconds": seconds})
        sign = coloured("✓", "green", sys.stderr) if ok else coloured("✗", "red", sys.stderr)
        print(f"{sign} {what}: {found}", file=sys.stderr, flush=True)

    def compared(self, folder: Path, tolerance: float) -> tuple[bool, str]:
        """Whether a run has the arrays of the uninterrupted one, to a share of their scale."""
        found = store.arrays(folder)
        if found.keys() != self.arrays.keys():
            return False, "other arrays"
        worst, where = 0.0, ""
        for name, want in self.arrays.items():
            scale = float(np.abs(want).max(initial=0.0)) or 1.0
            difference = np.abs(np.subtract(found[name], want, dtype=float)).max(initial=0.0)
            if not difference / scale <= worst:
                worst, where = float(difference / scale), name
        if worst == 0:
            return True, "the same bits"
        return worst <= tolerance, f"{where} differs by {worst:.1e} of its scale"


def drill(slug: str, preset: str, overrides: list[str]) -> dict:
    """Every stage; {'rows': …, 'holds': whether all went well, 'folder': kept if not}."""
    d = Drill(slug, preset, overrides)
    for stage in (whole, killed_in_a_save, stopped_through_one, robbed):
        stage(d)
    holds = all(r["ok"] for r in d.rows)
    if holds:
        shutil.rmtree(d.home, ignore_errors=True)
    value = {"experiment": slug, "preset": preset, "rows": d.rows, "holds": holds}
    return value | {"folder": None if holds else shown(d.home), "date": provenance.now()}


def whole(d: Drill) -> None:
    start, folder = time.monotonic(), d.home / "whole"
    process = d.start(folder)
    d.checkpoints = bool(_until(partial(_saving, folder, "checkpoints-"), process))
    d.later = bool(_until(partial(_saving, folder, "checkpoints-", later=True), process))
    process.wait()
    d.finish(folder)  # says why, if it did not
    d.arrays = store.arrays(d.home / "whole")
    how = "checkpoints" if d.checkpoints else "finished parts only"
    d.tell("uninterrupted", True, f"{len(d.arrays)} arrays; it saves {how}", start)


def killed_in_a_save(d: Drill) -> None:
    """SIGKILL while a checkpoint (or, where there is none, a finished cell) is being written."""
    start, hit, folder = time.monotonic(), "", d.home / "killed0"
    kind = "checkpoints-" if d.checkpoints else "cell-"
    for n in range(TRIES):
        folder = d.home / f"killed{n}"
        process = d.start(folder)
        _until(partial(_saving, folder, kind, later=d.later), process)
        process.kill()
        process.wait()
        hit = _saving(folder, kind)  # what it left
        if hit:
            break
    if not hit:
        folder, hit = _killed_anywhere(d)
    d.finish(folder)
    ok, found = d.compared(folder, 0.0)
    d.tell("killed in the middle of a save", ok, f"{hit}; then {found}", start)


def _killed_anywhere(d: Drill) -> tuple[Path, str]:
    """For runs whose saves are too short to hit: killed once something is saved, or early."""
    folder = d.home / "killed-later"
    process = d.start(folder)
    seen = _until(lambda: _saved(folder), process)
    process.kill()
    process.wait()
    return folder, f"no save lasted long enough; killed after {seen or 'it had ended'}"


def stopped_through_one(d: Drill) -> None:
    """SIGTERM to the second of two processes; finished by one process on four devices."""
    start, folder = time.monotonic(), d.home / "stopped"
    process = d.start(folder, "--processes", "2")
    _until(lambda: _saved(folder), process)
    _signal(folder, 1, signal.SIGTERM)
    asked = time.monotonic()
    process.wait()
    took = time.monotonic() - asked
    if process.returncode not in (0, STOPPED):
        status = process.returncode
        d.tell("SIGTERM to one of two processes", False, f"exit status {status}", start)
        return
    left = "it had ended" if process.returncode == 0 else f"both saved and stopped in {took:.1f} s"
    d.tell("SIGTERM to one of two processes", True, left, start)
    start = time.monotonic()
    lost = d.finish(folder, devices=4)
    ok, found = d.compared(folder, SAME[bool(d.cfg.x64)])
    d.tell("continued by one process on 4 devices", ok, found + lost, start)


def robbed(d: Drill) -> None:
    """SIGKILL to one of two processes, in a save if it has any: the run ends, names it, goes on."""
    start, hit = time.monotonic(), ""
    for n in range(TRIES if d.later else 1):
        folder = d.home / f"robbed{n}"
        process = d.start(folder, "--processes", "2")
        saving = partial(_saving, folder, "checkpoints-", later=True)
        _until(saving if d.later else partial(_saved, folder), process)
        _signal(folder, 1, signal.SIGKILL)
        lost = time.monotonic()
        process.wait()
        took = time.monotonic() - lost
        hit = _saving(folder, "checkpoints-")  # what it left
        if hit:
            break
    said = d.said.read_text(errors="replace").splitlines()
    errors = [x for x in said if x.startswith("error:")]
    named = len(errors) == 1 and "process 1 of 2" in errors[0]
    ok = process.returncode == 0 or (named and took < LIMIT)
    found = f"ended in {took:.1f} s, {'named' if named else 'NOT NAMED'}{hit and '; '}{hit}"
    d.tell("SIGKILL to one of two processes", ok, found, start)
    start = time.monotonic()
    d.finish(folder, "--processes", "2")
    ok, found = d.compared(folder, SAME[bool(d.cfg.x64)])
    d.tell("continued by two processes", ok, found, start)


# --- moments -------------------------------------------------------------------------------------


def _until(condition: Callable[[], str], process: subprocess.Popen) -> str:
    """What `condition` says once it says something; empty if the process ends before."""
    while process.poll() is None:
        said = condition()
        if said:
            return said
        time.sleep(0.0005)
    return ""


def _saving(folder: Path, kind: str, *, later: bool = False) -> str:
    """What is half written: a checkpoint ("checkpoints-") or a finished part ("cell-").

    later: a checkpoint that has a whole one before it, from which the run will go on.
    """
    with contextlib.suppress(OSError):
        for path in (folder / "scratch").glob(f"{kind}*"):
            if kind == "cell-" and path.suffix == ".tmp":
                return f"{path.stem[5:-9]} was half written"
            names = os.listdir(path) if path.is_dir() else []
            half = [n.split(".")[0] for n in names if n.endswith("checkpoint-tmp")]
            if half and (not later or any(n.isdigit() for n in names)):
                return f"step {half[0]} of {path.name[12:]} was half written"
    return ""


def _saved(folder: Path) -> str:
    with contextlib.suppress(OSError):
        for entry in sorted((folder / "scratch").rglob("*")):
            if entry.name.startswith("cell-") or entry.name == "_CHECKPOINT_METADATA":
                return f"{entry.parent.name}/{entry.name}" if entry.is_dir() else entry.name
    return ""


def _pid(folder: Path, number: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((folder / "logs" / f"{number}.pid").read_text())
    return 0


def _signal(folder: Path, number: int, what: int) -> None:
    pid = _pid(folder, number)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def text(value: dict) -> str:
    """The stages as a table."""
    rows = [["✓" if r["ok"] else "✗", r["what"], duration(r["seconds"]), r["found"]]
            for r in value["rows"]]  # fmt: skip
    name = f"{value['experiment']}:{value['preset']}"
    end = f"{name} resumes" if value["holds"] else f"{name} DOES NOT RESUME; see {value['folder']}"
    return f"{table(rows)}\n{end}"
