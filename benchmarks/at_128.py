"""What a workspace of 128 papers costs: the ten and 118 copies of them, each a paper of its own.

    python benchmarks/at_128.py                     all but `tests`: about half an hour
    python benchmarks/at_128.py list gallery size   these figures
    python benchmarks/at_128.py tests               ./lab test: nothing, then one paper changed

`sample` times the contracts and own tests of some papers and the dear tests of fewer, `rest` all
tests that are not of a paper; from the two ./lab test is extrapolated. The copies compile what
their parents compile, so after the first of ten the compilation cache is warm, as it is for a
developer who tests twice. One JSON line a figure, then a table.
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from launch.make.fork import rename

SKIP = shutil.ignore_patterns("__pycache__", ".*cache", ".venv", ".git", "runs", "gallery", "*.svg")
LIMITS = {"list": 0.5, "gallery": 60, "results": 64, "./lab test": 2700, "one changed": 60}
STAGES = ("list", "gallery", "size", "sample", "rest", "tests")
PYTEST = ("pytest", "-n", "2", "--dist", "loadgroup", "-m", "not kill")
# copies of copies are twins; and the copies are no part of what the committed pages show
UNTRUE_OF_COPIES = ("--deselect", "tests/test_duplication.py")
MARK = """
import datetime, sys
from launch import paths
from launch.record.fingerprint import fingerprint
from tests import rotation
keys = {rotation.LAUNCH: rotation.launch_key(paths.ROOT)}
keys |= {s: rotation.key(paths.ROOT, s, fingerprint(s)) for s in paths.slugs()}
day = datetime.date(2026, 1, 1)
rotation.write(rotation.RECORD, rotation.passed({}, keys, list(keys), day))
"""


class Took(NamedTuple):
    """Seconds of the clock, and of CPU with all that was started: a busy machine changes the
    second little."""

    seconds: float
    cpu: float

    @classmethod
    def now(cls) -> "Took":
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.monotonic(), usage.ru_utime + usage.ru_stime)

    def __sub__(self, other: "Took") -> "Took":
        return Took(self.seconds - other.seconds, self.cpu - other.cpu)

    def plus(self, other: "Took", times: float = 1) -> "Took":
        return Took(self.seconds + times * other.seconds, self.cpu + times * other.cpu)

    def each(self, number: int) -> "Took":
        return Took(self.seconds / number, self.cpu / number)


class Workspace:
    """A copy of the repository at `root` with `total` papers, all of them verified."""

    def __init__(self, root: Path, total: int) -> None:
        self.root = root
        shutil.copytree(ROOT, root, ignore=SKIP, dirs_exist_ok=True)
        parents = sorted(p.parent.name for p in (root / "experiments").glob("*/config.py"))
        self.papers = list(parents)
        for i in range(total - len(parents)):
            parent = parents[i % len(parents)]
            self.papers.append(f"{parent}_{i // len(parents) + 1:02}")
            self._copy(parent, self.papers[-1])

    def _copy(self, parent: str, name: str) -> None:
        home = self.root / "experiments" / name
        shutil.copytree(self.root / "experiments" / parent, home, ignore=SKIP)
        rename(home, parent, name)
        results = self.root / "results" / name
        shutil.copytree(self.root / "results" / parent, results, ignore=SKIP)
        for file in (f for f in results.rglob("*") if f.suffix in (".json", ".jsonl", ".md")):
            file.write_text(re.sub(rf"\b{parent}\b", name, file.read_text()))

    def run(self, *command: str, **more: str) -> tuple[Took, str]:
        """(what it took, what it said) of a command in the workspace, with this environment."""
        env = os.environ | {"REPRISE_VENV": sys.prefix, "PYTHONPATH": str(self.root)}
        env |= {"PJRT_NPROC": "32", "JAX_PLATFORMS": "cpu", "REPRISE_SPARE": "1"} | more
        for name in ("REPRISE_RESULTS", "REPRISE_CACHE", "REPRISE_DATA"):
            env.pop(name, None)
        start = Took.now()
        done = subprocess.run(
            command, cwd=self.root, env=env, capture_output=True, text=True, check=False
        )
        return Took.now() - start, done.stdout + done.stderr

    def python(self, *arguments: str, **more: str) -> tuple[Took, str]:
        return self.run(sys.executable, *arguments, **more)

    def pytest(self, *arguments: str, **more: str) -> tuple[Took, str]:
        """(what it took, pytest's last line); failures are told on stderr."""
        took, said = self.python("-m", *PYTEST, *arguments, **more)
        for line in said.splitlines():
            if line.startswith(("FAILED", "ERROR")):
                print(line[:200], file=sys.stderr)
        return took, said.strip().splitlines()[-1]

    def mark(self) -> None:
        """As if every paper had passed its dear tests."""
        said = self.python("-c", MARK)[1]
        assert (self.root / "results/checked.json").exists(), said


class Figures:
    """Told as they come, then as a table."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def add(self, figure: str, value: "Took | float", unit: str, how: str) -> None:
        row: dict = {"figure": figure, "limit": LIMITS.get(figure), "unit": unit, "how": how}
        row |= {"cpu": round(value.cpu, 2)} if isinstance(value, Took) else {}
        row["value"] = round(value.seconds if isinstance(value, Took) else value, 2)
        self.rows.append(row)
        print(json.dumps(row), flush=True)

    def table(self) -> str:
        wide = max(len(r["figure"]) for r in self.rows)
        return "\n".join(
            f"{r['figure']:<{wide}}  {r['value']:>9.2f} {r['unit']:<4} {r.get('cpu', ''):>9} CPU  "
            f"{'<= ' + str(r['limit']) if r['limit'] else '':<8}  {r['how']}"
            for r in self.rows
        )


def cheap(space: Workspace, stages: set[str], figures: Figures) -> None:
    """The verbs that only read, and what results take."""
    if "list" in stages:
        space.run("./lab", "list")
        times = [space.run("./lab", "list")[0] for _ in range(5)]
        figures.add("list", sorted(times)[2], "s", "measured, median of 5, warm")
    if "gallery" in stages:
        for name in ("gallery, first", "gallery"):
            figures.add(name, space.run("./lab", "gallery")[0], "s", "measured")
    if "size" in stages:
        files = [p for p in (space.root / "results").rglob("*") if p.is_file()]
        kept = [p for p in files if not {"runs", "gallery"} & set(p.parts) and p.suffix != ".svg"]
        size = sum(p.stat().st_size for p in kept) / 2**20
        figures.add("results", size, "MB", f"measured, {len(kept)} files")


def sample(space: Workspace, figures: Figures, papers: int, dear: int) -> dict[str, Took]:
    """What ./lab test takes a paper, and of a dear test, on two workers."""
    files = ("tests/test_contract.py", "experiments")
    started, _ = space.pytest(*files, "-k", "test_there_are_experiments")
    figures.add("collected", started, "s", f"measured: {len(space.papers)} papers, nothing run")
    chosen = space.papers[-papers:]
    words = " or ".join(f"{s}] or test_{s}.py" for s in chosen)
    space.pytest(*files, "-k", words)  # fills the compilation cache
    took, said = space.pytest(*files, "-k", words)
    each = (took - started).each(papers)
    figures.add("a paper's contract and own tests", each, "s", f"measured on {papers}: {said}")
    dears = ("tests/test_dear.py", "-k", " or ".join(f"{s}]" for s in chosen[:dear]))
    for _ in range(2):  # the first fills the cache of those that use one
        took, said = space.pytest(*dears, REPRISE_ALL="1")
    figures.add("a paper's dear tests", took.each(dear), "s", f"measured on {dear}: {said}")
    return {"collected": started, "paper": each, "dear": took.each(dear)}


def rest(space: Workspace, figures: Figures) -> Took:
    """What the tests take that belong to no paper."""
    papers = ("--ignore=tests/test_contract.py", "--ignore=tests/test_dear.py")
    took, said = space.pytest("common", "launch", "tests", *papers, *UNTRUE_OF_COPIES)
    figures.add("tests of common/ and launch/", took, "s", f"measured: {said}")
    return took


def extrapolate(figures: Figures, found: dict[str, Took], papers: int) -> None:
    turns = -(-papers // 10)
    total = found["rest"].plus(found["collected"]).plus(found["paper"], papers)
    total = total.plus(found["dear"], turns)
    how = f"extrapolated: the rest, {papers} contracts, {turns} dear"
    figures.add("./lab test", total, "s", f"{how}; on 2 quiet cores {total.cpu / 2:.0f} s")
    figures.add("one changed", found["dear"], "s", "extrapolated: one dear test more")


def measured(space: Workspace, figures: Figures) -> None:
    """./lab test itself. Lint is left out: it is part of the gates and of seconds."""
    space.mark()
    space.pytest("-k", "test_same_numbers_on_1")  # fills the compilation cache
    nothing, said = space.pytest(*UNTRUE_OF_COPIES, REPRISE_TODAY="2026-01-01")
    figures.add("./lab test", nothing, "s", f"measured: {said}")
    config = space.root / "experiments" / space.papers[-1] / "measure.py"
    config.write_text(config.read_text() + "\n\ndef unheard(arrays):\n    return arrays\n")
    one, said = space.pytest(*UNTRUE_OF_COPIES, REPRISE_TODAY="2026-01-01")
    figures.add("one changed", one - nothing, "s", f"measured, the difference: {said}")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("stages", nargs="*", help=f"of {', '.join(STAGES)}; without: all but tests")
    ask.add_argument("--papers", type=int, default=128)
    ask.add_argument("--sample", type=int, default=10, help="papers that `sample` runs")
    ask.add_argument("--dear", type=int, default=2, help="papers whose dear tests it runs")
    asked = ask.parse_args()
    stages = set(asked.stages or STAGES[:-1])
    if stages - set(STAGES):
        ask.error(f"no stage {', '.join(stages - set(STAGES))}")
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load}", flush=True)
    figures, found = Figures(), {}
    with tempfile.TemporaryDirectory(prefix="at_128-") as folder:
        space = Workspace(Path(folder), asked.papers)
        cheap(space, stages, figures)
        if "sample" in stages:
            found = sample(space, figures, asked.sample, asked.dear)
        if "rest" in stages:
            found["rest"] = rest(space, figures)
        if {"rest", "paper"} <= found.keys():
            extrapolate(figures, found, asked.papers)
        if "tests" in stages:
            measured(space, figures)
    print(f"\n{figures.table()}\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
