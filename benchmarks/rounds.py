"""Interleaved timing: every contestant in a process of its own, one run each, A B C A B C …

A benchmark file calls `contest` with its contestants and, as a worker, `serve`.  Processes stay
alive with everything compiled and answer one line for every line read, so that a slow minute of the
machine meets all of them alike.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]


def serve(run: Callable[[], Any]) -> None:
    """As a worker: run once (compile), tell what came out; then once for every line read.

    `run` waits for its result and returns a JSON-able dict, sent along with the seconds.
    """
    start = time.perf_counter()
    found = run()
    print(json.dumps({"first": time.perf_counter() - start, **found}), flush=True)
    for _ in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        found = run()
        seconds = time.perf_counter() - start
        line = {"seconds": seconds, "cpu": time.process_time() - cpu, **found}
        print(json.dumps(line), flush=True)


class Worker:
    """One contestant's process: `python FILE --worker NAME --case CASE`."""

    def __init__(self, python: str, file: str, name: str, case: str, threads: int) -> None:
        env = os.environ | {"JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "cpu")}
        env |= {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "THREADS": str(threads)}
        env |= {"OMP_NUM_THREADS": str(threads)}
        command = [python, file, "--worker", name, "--case", case]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.PIPE, text=True
        )
        self.first = self.read()

    def read(self) -> dict:
        """The next answer; {"failed": last line of stderr} when the worker died."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        while line and not line.startswith("{"):  # what a library prints
            line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        errors = self.process.stderr.read().strip().splitlines() or ["no output"]
        return {"failed": errors[-1][:200]}

    def run(self) -> dict:
        """One timed run."""
        assert self.process.stdin is not None
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


def contest(
    file: str, case: str, pythons: dict[str, str], *, rounds: int, threads: int
) -> dict[str, dict]:
    """One record a contestant: first (compilation and one run), median, minimum, CPU seconds.

    pythons: contestant -> interpreter.  What else a worker reports is kept from its last run.
    """
    workers = {name: Worker(python, file, name, case, threads) for name, python in pythons.items()}
    runs: dict[str, list[dict]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            if "failed" not in worker.first:
                runs[name].append(worker.run())
    records = {}
    for name, worker in workers.items():
        worker.close()
        done = [r for r in runs[name] if "seconds" in r]
        record = {"case": case, "peer": name, "threads": threads, "rounds": len(done)}
        if not done:
            failed = worker.first.get("failed") or runs[name][-1]["failed"]
            records[name] = record | {"failed": failed}
            continue
        seconds = [r["seconds"] for r in done]
        record |= {"first": worker.first["first"], "median": float(np.median(seconds))}
        record |= {"minimum": min(seconds), "cpu": min(r["cpu"] for r in done)}
        extra = {k: v for k, v in done[-1].items() if k not in ("seconds", "cpu")}
        records[name] = record | extra
    return records
