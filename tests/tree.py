"""A copy of the repository with the toy experiment, in which tests may break things."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
os.environ.setdefault("PJRT_NPROC", "32")  # forced host devices on few cores hang without it
os.environ.setdefault("JAX_PLATFORMS", "cpu")


class Done(NamedTuple):
    status: int
    out: str
    err: str
    seconds: float
    cpu: float  # seconds of the process and its children: a busy machine changes them little

    @property
    def traceback(self) -> bool:
        return "Traceback" in self.err + self.out


class Tree:
    """A repository at `root`; `lab(...)` runs a verb in it as a user would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.started: list[subprocess.Popen] = []

    def environment(self, **more: str) -> dict[str, str]:
        env = os.environ | {"PYTHONPATH": str(self.root), "REPRISE_CACHE": str(ROOT / ".cache")}
        env |= {
            "OPENBLAS_NUM_THREADS": "1",
            "MPLCONFIGDIR": str(ROOT / ".cache/matplotlib"),
            "NO_COLOR": "1",
        }
        for name in (
            "REPRISE_RESULTS",
            "REPRISE_DATA",
            "REPRISE_LAB",
            "REPRISE_COMMAND",
            "XLA_FLAGS",
        ):
            env.pop(name, None)
        return env | more

    def start(self, *arguments: str, module: str = "launch", **more: str) -> subprocess.Popen:
        command = [sys.executable, "-P", "-m", module, *arguments]
        pipe = subprocess.PIPE
        env = self.environment(**more)
        process = subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)
        self.started.append(process)
        return process

    def end(self) -> None:
        """Nothing that was started goes on after a test."""
        for process in self.started:
            if process.poll() is None:
                process.kill()

    def lab(
        self, *arguments: str, module: str = "launch", seconds: float = 900, **more: str
    ) -> Done:
        start, cpu = time.monotonic(), children_cpu()
        process = self.start(*arguments, module=module, **more)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        took = time.monotonic() - start
        return Done(process.returncode, out, err, took, children_cpu() - cpu)

    def runs(self, slug: str) -> list[Path]:
        return sorted((self.root / "results/runs" / slug).glob("*/*"))


def read(done: Done):
    """What a verb said as JSON; 1 is its answer where something failed or does not hold."""
    assert done.status in (0, 1), done.err
    return json.loads(done.out)


def program(file: Path, body: str) -> None:
    """An executable of a few lines of bash."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/bash\n{body}\n")
    file.chmod(0o755)


def workers(folder: Path) -> dict[int, int]:
    """{process number: pid} of the processes that compute in a run folder."""
    return {int(p.stem): int(p.read_text()) for p in (folder / "logs").glob("*.pid")}


def waited(condition, seconds: float = 300.0, found=lambda: "") -> None:
    """Return once `condition()` holds; else fail with what `found()` says."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited too long\n{found()}"
        time.sleep(0.05)


def pace(folder: Path) -> float:
    """CPU-seconds of the toy's smoke run here and now over those where the limits were set (2.0).

    One core of a shared machine does a half or a third of its work while its neighbours are busy,
    and CPU-seconds grow with that: a limit in seconds holds times max(1, pace).
    """
    toy = copy_tree(folder, "toy")
    where, cold = str(folder / "run"), str(folder / "cache")
    done = toy.lab("run", "toy:smoke", "--workdir", where, REPRISE_CACHE=cold)
    assert done.status == 0, done.err
    return max(1.0, done.cpu / 2.0)


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def copy_tree(target: Path, *slugs: str) -> Tree:
    """The code of the repository with only the named experiments."""
    skip = shutil.ignore_patterns("__pycache__", ".*cache")
    for name in ("common", "launch"):
        shutil.copytree(ROOT / name, target / name, ignore=skip)
    for name in (
        "lab",
        "pyproject.toml",
        "CITATION.cff",
        *(p.name for p in ROOT.glob("requirements*.txt")),
    ):
        shutil.copy(ROOT / name, target / name)
    (target / "experiments").mkdir()
    (target / "experiments/__init__.py").touch()
    for slug in slugs:
        source = ROOT / "tests/toy" if slug == "toy" else ROOT / "experiments" / slug
        shutil.copytree(source, target / "experiments" / slug, ignore=skip)
    return Tree(target)
