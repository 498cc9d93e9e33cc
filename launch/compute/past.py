"""What the code of a commit computes here: its files in a temporary folder, run by their own lab.

The files come from `git archive`, so that index, branches and work trees stay as they are, also
when this is killed. Old code is asked in words that every commit understands: its insides may be
other than today's.
"""

import contextlib
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common import files
from common.claims import digest
from common.scratch import write_npz
from launch.compute import numerics
from launch.errors import UserError
from launch.paths import ROOT, cache
from launch.record import git, provenance, store

LATER = 12  # commits after a dirty one that are asked whether they are its code
ALSO_HERE = ("XLA_FLAGS", "JAX_NUM_CPU", "JAX_PLATFORM", "PJRT_", "OPENBLAS_", "OMP_",
             "CUDA_VISIBLE", "REPRISE_DATA")  # fmt: skip  # devices, threads: bits may hang on them
# The command line also draws figures, which costs twice what computing does: it is the way out
# where `execute` has moved.
COMPUTE = """import sys
name, grid, *seeds = sys.argv[1:]
slug, _, preset = name.partition(":")
try:
    from launch.compute.run import execute
    from launch.settings import job
except ImportError:
    from launch.__main__ import main
    sys.exit(main(["sweep", name, grid]))
for one in seeds:
    execute(job(slug, preset, ["seeds=" + one]), note="verify")
"""
ASK = """import sys
try:
    from launch.record.fingerprint import fingerprint
except ImportError:
    from launch.fingerprint import fingerprint
print(fingerprint(sys.argv[1])["compute"])
"""

Arrays = dict[str, np.ndarray]


class Shallow(UserError):
    """History is not here: no paper whose old run is not kept can be compared."""


class Task(NamedTuple):
    """What is computed: a preset of an experiment on sets of seeds."""

    slug: str
    preset: str
    seeds: tuple[tuple[int, ...], ...]


class Past:
    """Trees of commits, and processes that compute in them; all are gone when it is left.

    Threads hold `turn` but while they wait for a process: CPython 3.11 fails now and then where two
    threads read syntax trees together, as those of code and of the headers of arrays (gh-106905).
    """

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="reprise-", ignore_cleanup_errors=True)
        self.turn = threading.Lock()
        self._running: list[subprocess.Popen] = []
        self._left = False
        self.cpu: dict[str, float] = {}  # seconds spent, by experiment

    def __enter__(self) -> "Past":
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        self._home.cleanup()

    def now(self, task: Task, compute: str) -> Arrays:
        """The arrays of the present code, by '<set>/<name>'.  Errors: UserError."""
        return _kept(task, compute, lambda: self._computed(task, ROOT))

    def then(self, task: Task, compute: str, commit: str) -> Arrays:
        """The arrays of the code that had this fingerprint, at `commit` or, where that was not all
        committed, soon after.  Errors: UserError."""
        return _kept(task, compute, lambda: self._computed(task, self._tree(task, compute, commit)))

    def _tree(self, task: Task, compute: str, commit: str) -> Path:
        try:
            return self._of_commit(task, compute, commit)
        except git.Unanswered as error:
            raise UserError(f"the old code of {task.slug} cannot be had: {error}") from None

    def _of_commit(self, task: Task, compute: str, commit: str) -> Path:
        if not _has(commit):
            what = f"commit {commit[:7]}, which made the verdicts of {task.slug}, is not here"
            if git.text("rev-parse", "--is-shallow-repository").strip() == "true":
                raise Shallow(f"{what}, the clone is shallow: git fetch --unshallow")
            raise UserError(f"{what}: ./lab verify {task.slug}")
        path = ("rev-list", "--reverse", "--ancestry-path", f"{commit}..HEAD")
        for candidate in (commit, *git.text(*path).split()[:LATER]):
            root = self._extracted(candidate)
            if self._python(task.slug, root, "-c", ASK, task.slug).strip() == compute:
                return root
        raise UserError(
            f"{task.slug}: its verdicts were made by code that commit {commit[:7]} and those after "
            f"it do not have (it was not committed): ./lab verify {task.slug}"
        )

    def _extracted(self, commit: str) -> Path:
        root = Path(self._home.name) / commit
        if not root.exists():
            packed = root.with_suffix(".tar")
            what = ("archive", f"--output={packed}", commit, "--", ".", ":!results")
            git.asked(*what)
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # 3.11.4
            with tarfile.open(packed) as archive:
                archive.extractall(root, **safe)  # type: ignore[arg-type]
            packed.unlink()
        return root

    def _computed(self, task: Task, root: Path) -> Arrays:
        results = Path(tempfile.mkdtemp(dir=self._home.name))
        sets = [str(s).replace(" ", "") for s in task.seeds]
        what = (f"{task.slug}:{task.preset}", f"seeds={','.join(sets)}", *sets)
        self._python(task.slug, root, "-c", COMPUTE, *what, into=results)
        found: Arrays = {}
        for file in results.glob("runs/*/*/*/run.json"):
            place = task.seeds.index(tuple(store.read_json(file)["config"]["seeds"]))
            found |= {f"{place}/{k}": a for k, a in store.arrays(file.parent).items()}
        return found

    def _python(self, slug: str, root: Path, *arguments: str, into: Path | None = None) -> str:
        """What Python says in a tree, results and caches aside.  Errors: UserError, its last line.

        Compiled programs are shared with today's runs: where nothing changed, nothing is compiled.
        """
        own = Path(tempfile.mkdtemp(dir=self._home.name))
        xla = os.environ.get("JAX_COMPILATION_CACHE_DIR") or str(cache() / "xla")
        env = numerics.without_fixed() | {
            "PYTHONPATH": str(root),
            "REPRISE_RESULTS": str(into or own),
        }
        env |= {"REPRISE_CACHE": str(own), "JAX_COMPILATION_CACHE_DIR": xla, "REPRISE_QUIET": "1"}
        command = [sys.executable, "-P", *arguments]
        with (own / "out").open("w+") as out, (own / "err").open("w+") as err:
            process = subprocess.Popen(command, env=env, cwd=own, stdout=out, stderr=err)
            self._running.append(process)
            if self._left:
                process.kill()
            self.turn.release()
            try:
                _, status, used = os.wait4(process.pid, 0)
            finally:
                self.turn.acquire()
            self._running.remove(process)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu[slug] = self.cpu.get(slug, 0.0) + used.ru_utime + used.ru_stime
        if process.returncode:
            said = _last((own / "err").read_text())
            raise UserError(
                f"{slug}: the {'present' if root == ROOT else 'old'} code fails: {said}"
            )
        return (own / "out").read_text()


def _has(commit: str) -> bool:
    """Whether the repository holds a commit.  Errors: git.Unanswered where there is none here."""
    git.text("rev-parse", "--git-dir")
    try:
        return git.text("cat-file", "-t", commit).strip() == "commit"
    except git.Unanswered:
        return False


def _kept(task: Task, compute: str, make) -> Arrays:
    """Arrays that were computed before by the same code, versions and kind of machine."""
    file = cache() / "refresh" / f"{_key(task, compute)}.npz"
    try:
        return files.read_npz(file)
    except files.FileError:
        found = make()
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        file.parent.mkdir(parents=True, exist_ok=True)
        write_npz(file, found)
    return found


def _key(task: Task, compute: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k.startswith(ALSO_HERE)}
    environment |= numerics.environment()
    machine = [_processor(), os.cpu_count(), provenance.versions()]
    return digest([*task, compute, machine, environment])


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line
    return platform.processor() or platform.machine()


def _last(said: str) -> str:
    lines = [x for x in said.splitlines() if x.strip()]
    return lines[-1].strip() if lines else "it says nothing"
