"""Inputs of every kind at every door, and what becomes of them: run inside a tree.

    python -P tests/doors.py [KIND …]

Each must end in one line that says what, where and what to do, and leave the rest as it was. What
does not is printed as JSON, with how many were tried.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1]))  # after the tree, whose launch/ this is about
from tests.damaged import Said, verb
from tests.damages import places

ROOT = Path.cwd()
LONGEST = 2000  # characters of a line
ODD = ("a\nb", "a\rb", "\x1b[31mred", "a\x07", "a\u2028b", "\u202eba", "\x9b31m", "a\udcffb", "a\x7f")
MARKUP = ("<script>x()</script>", '"><img src=x onerror=x()>', "</style><b id=x>", "'><svg onload=x>")
MANY = ",".join(map(str, range(20_000)))
LONG = "x" * 2**20
NOWHERE = (
    " ", "~nobody_at_all/x", "gs://bucket/x", "s3://b", "file:/tmp/x", "https://a.b/c", "/proc",
    "/proc/self/x", "/sys/x", "/dev/x", "/proc/../proc/1", "a\nb", "a\x1b[2Jb", "a\udcffb", "a\u202eb",
    "experiments", "experiments/x", "experiments/toy/runs", "./common/../experiments/y", "launch/x",
    "common", "link/x",
)  # fmt: skip
HUGE = ("9" * 400, "9" * 5000, "1e30", "1e999", "-" + "9" * 400, "1" * 200_000, "0x" + "f" * 99,
        "9223372036854775808")  # fmt: skip


class Input(NamedTuple):
    """Words of a command; what is put somewhere before it; whether it is refused."""

    words: list[str]
    env: dict[str, str] = {}
    put: Callable[[], Any] = lambda: None
    back: Callable[[], Any] = lambda: None
    refused: bool = True
    says: str = ""  # part of its line


def amounts() -> Iterator[Input]:
    """Kind P: counted before they are made, cut when they are shown."""
    for seeds in ("0-99999999999", "0-4294967295", "0-2147483646", "1-999999999", "0-10000", MANY,
                  "9" * 400, "0-" + "9" * 400, LONG):  # fmt: skip
        yield Input(["verify", "toy", "--seeds", seeds], says="seeds")
    for name in ("run", "sweep", "plan", "verify", "drill"):
        yield from (Input([name, "toy:smoke", f"steps={n}"], says="steps") for n in HUGE)
        yield from (Input([name, "toy:smoke", f"lr={n}"], says="lr") for n in ("1e999", LONG))
        yield Input([name, "toy:smoke", f"seeds=({MANY})"], says="seeds")
        yield Input([name, "toy:smoke", f"{LONG}=1"], says="x")
        for deep in ("(" * 100_000, "[" * 300 + "]" * 300, "(" * 5000 + "1" + ",)" * 5000):
            yield Input([name, "toy:smoke", f"widths={deep}"], says="widths")
    values = {n: ",".join(map(str, range(1, n + 1))) for n in (1000, 20_000)}
    for more in ([], ["--on", "slurm", "--dry-run"]):
        grid = [f"lr={values[1000]}", f"dim={values[1000]}", f"steps={values[1000]}"]
        yield Input(["sweep", "toy:smoke", *grid, *more], says="1,000,000,000 cells")
        yield Input(["sweep", "toy:smoke", f"dim={values[20_000]}", *more], says="20,000 cells")
        yield Input(["sweep", "toy:smoke", "dim=" + "1," * 200_000 + "1", *more], says="twice")
    for on in ("cpu-99999999", "h100-80000000", "v5e:9999x9999", "v5e:2x999999999", "cpu-" + "9" * 5000,
               ",".join(["v5e-8"] * 1000), LONG):  # fmt: skip
        yield Input(["plan", "toy:smoke", "--on", on])
        yield Input(["plan", "all", "--on", on])
        yield Input(["submit", "toy:smoke", "--on", "gke", "--chips", on, "--set", "image=a",
                     "--set", "claim=b", "--dry-run"])  # fmt: skip
    for words in (["steps=3"], ["lr=0.1", "dim=2"], [LONG], ["--measure"]):
        yield Input(["plan", "all", *words], says="plan all takes")
    for number in ("0", "-1", "65", "1000000000", "9" * 400):
        yield Input(["run", "toy:smoke", "--processes", number], says="--processes")
    for words in (
        ["list"], ["cite"], ["check"], ["run"], ["report"], ["compare"], ["data"], ["logs"], ["fetch"],
        ["cancel"], ["fork", "toy"], ["new"], ["refresh"], ["submit", "toy:smoke", "--on"], [],
        ["submit", "toy:smoke", "--on", "slurm", "--set"], ["plan", "toy", "--price"], ["run", "toy", "--"],
        ["submit", "toy:smoke", "--on", "slurm", "--set", f"setup={LONG}", "--dry-run", "--set"],
    ):  # fmt: skip
        yield from (Input([*words, text]) for text in (LONG, f"toy:{LONG}", f"a={LONG}"))
    for text in ("nan", "-1", "abc", "1e999", "9" * 100_000, "15s", " "):
        says = {"REPRISE_CHECKPOINT_SECONDS": text}
        yield Input(["list"], says, says="REPRISE_CHECKPOINT_SECONDS")


def paths() -> Iterator[Input]:
    """Kind Q: what a folder's name may be; what may stand in the place of a file."""
    link = ROOT / "link"
    for text in NOWHERE:
        back = lambda: link.unlink(missing_ok=True)  # noqa: E731
        put = lambda: link.symlink_to(ROOT / "experiments")  # noqa: E731
        yield Input(["run", "toy:smoke", f"--workdir={text}"], {}, put, back, says="--workdir")
        for name in ("REPRISE_RESULTS", "REPRISE_CACHE", "REPRISE_DATA", "XDG_CACHE_HOME"):
            yield Input(["list"], {name: text}, put, back, says=name)
    yield Input(["run", "toy:smoke", "--workdir="], says="--workdir")
    home, results = ROOT / "experiments/toy", ROOT / "results/toy"
    shown = (["list"], ["gallery"], ["cite", "toy"], ["report", "toy"], ["run", "toy:smoke"])
    read = {
        home / "claims.toml": shown, home / "config.py": shown, home / "measure.py": shown[3:],
        home / "figures.py": shown[3:], home / "run.py": shown[3:], home / "README.md": shown[:2],
        home / "note.py": shown[3:4], results / "ledger.jsonl": shown[:3],
        results / "laptop/run.json": shown[:2], results / "laptop/arrays.npz": (["report", str(results / "laptop")],),
        ROOT / "CITATION.cff": (["cite"],), ROOT / "requirements.txt": (["doctor"],),
        ROOT / "matplotlibrc": (["report", "toy"],), ROOT / "common/note.py": (["report", "toy"],),
        ROOT / "config/reprise/targets.toml": (["submit", "toy:smoke", "--on", "slurm", "--dry-run"],),
    }  # fmt: skip
    for file, verbs in read.items():
        kept = file.with_name(f"{file.name}.kept")
        for put in places(file).values():
            for words in verbs:
                env = {"XDG_CONFIG_HOME": str(ROOT / "config")}
                yield Input(words, env, lambda p=put, f=file, k=kept: away(f, k, p),  # type: ignore[misc]
                            lambda f=file, k=kept: again(f, k), refused=False)  # fmt: skip


def away(file: Path, kept: Path, put: Callable) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        file.rename(kept)
    put()


def again(file: Path, kept: Path) -> None:
    file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink(missing_ok=True)
    if kept.exists():
        kept.rename(file)


def words_that_end_lines() -> Iterator[Input]:
    """Kind O, at the doors of scripts and settings: refused."""
    fields = {
        "slurm": ("partition", "account", "mem", "time", "setup", "options"),
        "tpu": ("infra", "bucket", "setup", "kind"),
        "gke": ("image", "claim", "namespace", "nodes"),
    }
    need = {"slurm": [], "tpu": ["bucket=gs://a"], "gke": ["image=a", "claim=b"]}
    quotes = ("a b", "a;b", "$(id)", "`id`", "a'b", 'a"b', "a: b", "{a}", "a#b", "-x y", "a\\b", "é")
    for on, names in fields.items():
        for name in names:
            free = name in ("setup", "options")
            for text in (*ODD, *(() if free else quotes)):
                given = f"--set={name}=('{text}',)" if free or name == "nodes" else f"--set={name}={text}"
                more = [w for n in need[on] if n.split("=")[0] != name for w in ("--set", n)]
                chips = [] if on == "slurm" else ["--chips", "v5e-8"]
                yield Input(["submit", "toy:smoke", "lr=0.777", "--on", on, given, *chips, *more, "--dry-run"])
    for text in ODD:
        for name in ("run", "sweep", "plan", "verify", "drill"):
            yield Input([name, "toy:smoke", f"trouble={text}"])
        send = ["submit", "toy:smoke", "lr=0.777", "--on", "slurm", "--dry-run"]
        yield Input(send, {"REPRISE_COMMAND": text.replace("\udcff", "\n")})
        for words in (["run"], ["report"], ["logs"], ["list"], ["data"], ["fork", "toy"], ["new"], ["check"]):
            yield Input([*words, text])
        for key in ("title", "authors", "venue", "hardware", "shards"):
            yield claims(f'\n{key} = "', text)
    for key in ("text", "where", "why", "note"):
        yield from (claims(f'\n{key} = "', text) for text in ODD)
    yield from (claims('value = "', text) for text in ODD)
    yield from (claims('name = "', text) for text in ODD)


def claims(before: str, text: str) -> Input:
    """A text in claims.toml, as TOML writes it; `list` tells and goes on."""
    file = ROOT / "experiments/toy/claims.toml"
    good = file.read_text()
    start = good.find(before) + len(before) if before in good else None
    escaped = "".join(f"\\u{ord(c):04x}" if not c.isprintable() else c for c in text)
    if start is None:
        made = good + f'note = "{escaped}"\n'
    else:
        made = good[:start] + escaped + good[start:]
    return Input(["cite", "toy"], {}, lambda: file.write_text(made), lambda: file.write_text(good),
                 says="claims.toml")  # fmt: skip


def strangers() -> Iterator[Input]:
    """Kind R: what does not belong together."""
    (own,) = list((ROOT / "results/runs/toy/laptop").glob("*"))[:1]
    other = ROOT / "w"
    put, back = lambda: shutil.copytree(own, other), lambda: shutil.rmtree(other, ignore_errors=True)  # noqa: E731
    for words in (["toy:smoke"], ["toy", "lr=0.3"], ["toy", "dim=3"], ["toy:smoke", "seeds=7,8,9"]):
        yield Input(["run", *words, "--workdir", str(other)], {}, put, back, says="holds a run")
        full = lambda: (other.mkdir(), (other / "mine").write_text("x"))  # noqa: E731
        yield Input(["run", *words, "--workdir", str(other)], {}, full, back, says="not empty")
    wrong: list[dict] = [{"status": s} for s in ("running", "failed", "stopped", "submitted", "x")]
    wrong += [{"arrays": {"error": ["float64", [9, 9]]}}, {"arrays": {"error": ["int8", [5, 200]]}}]
    for change in (*wrong, {"config": {"seeds": [0]}}, {"experiment": "to"}, {"preset": "lap"}):
        yield Input(["report", str(other)], {}, lambda c=change: copied(own, other, c), back)  # type: ignore[misc]
    for seeds in ("", " ", ",", "5-1", "-", "1000-", "a"):
        yield Input(["verify", "toy", f"--seeds={seeds}"], says="seeds")
    for item in ("seeds=5,6,7,8,9", "seeds=(1000,1001)", "seeds=", " seeds=1"):
        yield Input(["verify", "toy", item])
    for words in (["compare", "toy", ""], ["compare", ""], ["report", " "], ["logs", ""], ["run", ""],
                  ["compare", "toy", "toy", "toy"], ["compare", "toy", "nobody"], ["fetch", str(own)],
                  ["run", "all", "lr=1"], ["run", "all", "--workdir", "/tmp/x"], ["run", "theme:x"],
                  ["run", "theme:theory", "lr=1"], ["sweep", "toy", "lr=1,2", "--chips", "v5e-8"],
                  ["sweep", "toy", "lr=1,2", "--set", "nodes=2"], ["submit", "toy"], ["run", "all", "--processes", "2"],
                  ["submit", "toy:smoke", "--on", "slurm", "--chips", "v5e-8"],
                  ["submit", "toy:smoke", "--on", "tpu", "--chips", "h100-8", "--set", "bucket=gs://b"],
                  ["submit", "toy:paper", "--on", "slurm"], ["report", "toy:paper"], ["report", "toy:smoke:x"],
                  ["fork", "toy", "toy"], ["fork", "toy", "class"], ["fork", "toy", "import"],
                  ["fork", "toy", "runs"], ["fork", "toy", "gallery"], ["fork", "toy", "all"], ["new", "None"],
                  ["new", "lambda"], ["new", "gallery"], ["new", "theme"], ["new", "a" * 300], ["new", "../x"]):  # fmt: skip
        yield Input(words)


def copied(own: Path, other: Path, change: dict) -> None:
    shutil.copytree(own, other)
    info = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps(info | change))


# --- what becomes of them -------------------------------------------------------------------------


class Hang(BaseException):
    """Nobody catches it."""


def state() -> dict[str, str]:
    """What no refused input changes: the paper, its results, which runs there are."""
    homes = [ROOT / "experiments", ROOT / "results/toy"]
    files = [p for home in homes for p in home.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    found = {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    runs = sorted(map(str, (ROOT / "results/runs").glob("*/*/*")))
    return found | {"runs": " ".join(runs), "tmp": str((Path("/tmp") / "x").exists())}


def outcome(asked: Input, said: Said, same: bool) -> str:
    """'' where all is well, else the kind of what is not, and what was said."""
    if isinstance(said.status, str):
        return f"{'hang' if 'Hang' in said.status else 'traceback'}: {said.status}"
    lines = [x for x in said.err if x.strip()]
    errors = [x for x in lines if x.startswith("error: ")]
    if "Traceback" in "".join(lines):
        return f"traceback: {lines[-1]}"
    if asked.refused and not said.status:
        return "silent: it is taken"
    if (asked.refused or said.status == 2) and (len(errors), len(lines)) != (1, 1):
        return f"unclear: {len(lines)} lines"
    told = errors or lines
    if len(told) > 1 or any(len(x) > LONGEST for x in told):
        return f"unclear: {len(told)} lines, the longest of {max(map(len, told))} characters"
    if asked.says and asked.says not in told[0]:
        return f"unclear: no {asked.says!r} in it"
    shown = said.out + "".join(said.err)
    if odd := next((c for c in shown if not c.isprintable() and c not in "\n\t"), ""):
        return f"escapes: {odd!r} is shown"
    return "" if same else "lost: the rest is not as it was"


KINDS = {
    "O": words_that_end_lines,
    "P": amounts,
    "Q": paths,
    "R": strangers,
}


def tried(kind: str) -> dict:
    """{"count": {outcome: how many}, "wrong": […], "seconds"} of a kind."""
    count: Counter[str] = Counter()
    wrong, start, good, before = [], time.process_time(), state(), dict(os.environ)
    for asked in KINDS[kind]():
        try:
            asked.put()
            os.environ.update({k: v for k, v in asked.env.items() if "\0" not in v})
            said = verb(asked.words, 5)
        finally:
            os.environ.clear()
            os.environ.update(before)
            asked.back()
        after = state()
        what = outcome(asked, said, after == good or not asked.refused)
        good = after
        count[what.partition(":")[0] or "one line"] += 1
        if what:
            words = [w if len(w) < 60 else f"{w[:40]}… ({len(w)})" for w in asked.words]
            wrong.append(f"{words} {list(asked.env.items())!r:.80} {what} {said.err[:2]!r:.300}")
    return {"count": count, "wrong": wrong, "seconds": time.process_time() - start}


def main() -> None:
    def hung(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, hung)
    kinds = sys.argv[1:] or list(KINDS)
    sys.stdout.write(json.dumps({kind: tried(kind) for kind in kinds}))


if __name__ == "__main__":
    main()
