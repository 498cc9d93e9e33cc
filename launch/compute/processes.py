"""Starts and watches the processes of a run on this machine; they end together.

One child for each process, output marked by its number; the first that fails is named in one
message, the others are stopped, and the command that continues the run is shown. Where a run has
processes on several machines, each machine runs this for its own.
"""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any

from common import files
from launch import surroundings
from launch.compute import cluster, stop
from launch.compute import run as launch_run
from launch.errors import STOPPED, UserError, clip
from launch.record import provenance, store
from launch.settings import Job

NOISE = re.compile(
    r"\[Gloo\]|[IWEF]\d{4} |WARNING: All log messages before absl|ERROR:absl|RPC: /xla|"
    r"The tasks have crashed|\d+$"
)
MOST = 64  # processes of a machine
COLLAPSE = ("Traceback (most recent", "Fatal Python error", "*** ")  # shown of the one at fault
LOST = re.compile(r"/task:(\d+)|[Tt]ask (\d+) heartbeat|leader task (?:was|died)()|^(\d+)$")


def wanted(processes: int | None) -> bool:
    """Whether this process is to watch others rather than to compute.  Errors: UserError."""
    if processes is not None and not 1 <= processes <= MOST:
        raise UserError(
            f"--processes is a number of processes, 1 or more and at most {MOST}, not "
            f"{clip(processes)}"
        )
    return bool(processes and processes > 1) or (
        cluster.count() > 1 and not os.environ.get("REPRISE_WORKER")
    )


def supervise(
    command: list[str], processes: int | None, again: str, *, logs: Path | None = None
) -> int:
    """Run `command` as `processes` children, or as the one of JAX_PROCESS_ID.  -> exit status.

    again: the command that continues the run. logs: folder for N.txt, what each process says.
    """
    if processes and processes > 1:
        total, ids = processes, list(range(processes))
        address = f"127.0.0.1:{free_port()}"
    else:
        total, ids = cluster.count(), [cluster.index()]
        address = os.environ.get("JAX_COORDINATOR_ADDRESS", "")
    with stop.heard("run") as request:
        children = [Child(command, i, total, address, logs, show=i == ids[0]) for i in ids]
        request.tell(_Asked(children))
        fault = _watch(children)
    if fault is None:
        return STOPPED if any(c.status == STOPPED for c in children) else 0
    what, status, own = _blame(fault, total)
    for line in fault.last if own and not fault.said else []:  # else the log has it
        print(line, file=sys.stderr)
    if own and fault.said:  # its own one line says what to do
        if not fault.show:
            print(fault.said, file=sys.stderr)
        return status
    print(
        f"error: {what}; the others were stopped, what was saved is kept. Continue: {again}",
        file=sys.stderr,
    )
    return status


class Child:
    """One process and what it says."""

    def __init__(
        self, command: list[str], number: int, total: int, address: str, logs: Path | None, show
    ) -> None:
        env = os.environ | {
            "JAX_COORDINATOR_ADDRESS": address,
            "JAX_NUM_PROCESSES": str(total),
            "JAX_PROCESS_ID": str(number),
            "REPRISE_WORKER": "1",
            "PJRT_NPROC": os.environ.get("PJRT_NPROC", "32"),  # fewer threads deadlock
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
            "PYTHONUNBUFFERED": "1",
        }
        self.number, self.show = number, show  # one of a machine speaks for all
        self.said = ""  # the line that it ended with
        self.last: deque[str] = deque(maxlen=40)  # not yet shown
        self.lost: set[int] = set()  # processes that the runtime says have gone
        if logs:
            files.own_file(logs / f"{number}.txt")
        self._log = (logs / f"{number}.txt").open("a") if logs else None
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, env=env, stdout=pipe, stderr=pipe, text=True, preexec_fn=_in_the_child
        )
        if logs:  # for a person or a drill that signals one of them
            store.write_text(logs / f"{number}.pid", str(self.process.pid))
        self._threads = [
            threading.Thread(target=self._read, args=(stream, out), daemon=True)
            for stream, out in (
                (self.process.stdout, sys.stdout),
                (self.process.stderr, sys.stderr),
            )
        ]
        for thread in self._threads:
            thread.start()

    @property
    def status(self) -> int | None:
        return self.process.poll()

    def _read(self, stream: IO[str], out: IO[str]) -> None:
        collapsing = False
        for line in stream:
            if self._log:
                self._log.write(line)
                self._log.flush()
            for found in LOST.finditer(line) if out is sys.stderr else ():  # the leader: process 0
                self.lost.add(int(next((g for g in found.groups() if g), 0)))
            if NOISE.match(line) or not line.strip():
                continue
            if out is sys.stderr and line.startswith("error: "):
                self.said = line.rstrip()
            collapsing |= line.startswith(COLLAPSE)
            if self.show and not collapsing:
                print(line, end="", file=out, flush=True)
            else:
                self.last.append(line.rstrip() if self.show else f"[{self.number}] {line.rstrip()}")

    def finish(self) -> None:
        """Wait for the last of its output."""
        for thread in self._threads:
            thread.join(timeout=2.0)


def _watch(children: list[Child]) -> Child | None:
    """Wait for all; the child that failed first, or None. Nothing runs when this returns."""
    fault: Child | None = None
    while fault is None and any(c.status is None for c in children):
        time.sleep(0.05)
        fault = next((c for c in children if c.status not in (None, 0, STOPPED)), None)
    fault = fault or next((c for c in children if c.status not in (0, STOPPED)), None)
    if fault is not None:
        time.sleep(0.2)  # a process killed in the same moment is seen too
        killed = [c for c in children if (c.status or 0) < 0 and c.status != -signal.SIGABRT]
        fault = killed[0] if killed else fault
        for c in children:  # they wait for the lost one and cannot save any more
            c.process.kill()
    for c in children:
        c.process.wait()
        c.finish()
    return fault


def _blame(fault: Child, total: int) -> tuple[str, int, bool]:
    """(what happened to which process, exit status, whether its own last words explain it)."""
    status, lost = fault.status or 0, fault.lost - {fault.number}
    name = f"process {fault.number} of {total}"
    if status == 2:
        return name, status, True
    if lost:
        return f"process {min(lost)} of {total} was lost (it or its machine is gone)", 1, False
    if fault.last and cluster.collateral(fault.last[-1], total):
        return f"a process other than {name} was lost", 1, False
    if status < 0:
        return f"{name} was killed by {signal.Signals(-status).name}", 1, False
    return f"{name} failed with exit status {status}", status, True


class _Asked:
    """What a request to stop is told: SIGTERM to the children, who save and stop together."""

    def __init__(self, children: list[Child]) -> None:
        self._children = children

    @property
    def asked(self) -> bool:
        return False

    @asked.setter
    def asked(self, asked: bool) -> None:
        for c in self._children if asked else ():
            if c.status is None:
                c.process.send_signal(signal.SIGTERM)


def _in_the_child() -> None:
    """A request to stop waits until it can be heard; Linux: killed when its supervisor is."""
    stop.hold()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(parsed, job: Job) -> int:
    """`./lab run … --processes N`, or the watcher of one process of several machines."""
    surroundings.flags()
    held: Any = contextlib.nullcontext()
    if cluster.count() > 1 and parsed.processes:
        raise UserError("--processes is for one machine; JAX_NUM_PROCESSES is set as well")
    if cluster.count() > 1:
        if parsed.workdir is None:
            raise UserError("JAX_NUM_PROCESSES is set: give --workdir, a folder all processes see")
        folder = parsed.workdir
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder, held = launch_run.reserve(job, parsed.workdir, parsed.fresh)
        os.environ["REPRISE_HELD"] = str(folder)
    os.environ["REPRISE_COMMAND"] = again = provenance.command()
    command = [sys.executable, "-P", "-m", "launch", "run", job.name]
    command += [*parsed.overrides, "--workdir", str(folder), *(["--json"] if parsed.json else [])]
    with held:
        files.own_folder(folder / "logs")
        for old in (folder / "logs").glob("*.pid") if parsed.processes else ():
            old.unlink()  # of those that computed here before
        return supervise(command, parsed.processes, again, logs=folder / "logs")
