"""Inputs of every kind that comes in at a door: amounts, paths, texts, strangers, markup.

For tests/doors.py, which runs inside a tree and looks at what becomes of them.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.damages import places

ROOT = Path.cwd()
HOME, RESULTS, LINK, OTHER = (
    ROOT / name for name in ("experiments/toy", "results/toy", "link", "w")
)
ODD = (
    "a\nb", "a\rb", "\x1b[31mred", "a\x07", "a\u2028b", "\u202eba", "\x9b31m", "a\udcffb", "a\x7f",
)  # fmt: skip
MARKUP = (
    "<script>x()</script>", '"><img src=x onerror=x()>', "</style><b id=x>", "'><svg onload=x>",
)  # fmt: skip
MANY = ",".join(map(str, range(20_000)))
LONG = "x" * 2**20
NOWHERE = (
    " ", "~nobody_at_all/x", "gs://bucket/x", "s3://b", "file:/tmp/x", "https://a.b/c", "/proc",
    "/proc/self/x", "/sys/x", "/dev/x", "/proc/../proc/1", "a\nb", "a\x1b[2Jb", "a\udcffb",
    "a\u202eb", "experiments", "experiments/x", "experiments/toy/runs", "launch/x", "common",
    "./common/../experiments/y", "link/x",
)  # fmt: skip
HUGE = ("9" * 400, "9" * 5000, "1e30", "1e999", "-" + "9" * 400, "1" * 200_000, "0x" + "f" * 99,
        "9223372036854775808")  # fmt: skip
TOO_MANY = ("cpu-99999999", "h100-80000000", "v5e:9999x9999", "v5e:2x999999999", LONG,
            "cpu-" + "9" * 5000, ",".join(["v5e-8"] * 1000))  # fmt: skip
NOTHING: dict[str, str] = {}


class Input(NamedTuple):
    """Words of a command; what is put somewhere before it; whether it is refused."""

    words: list[str]
    env: dict[str, str] = NOTHING
    put: Callable[[], Any] = lambda: None
    back: Callable[[], Any] = lambda: None
    refused: bool = True
    says: str = ""  # part of its line


# --- P: counted before they are made, cut when they are shown -------------------------------------


def amounts() -> Iterator[Input]:
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
    thousand, more = (",".join(map(str, range(1, n + 1))) for n in (1000, 15_000))
    for on in ([], ["--on", "slurm", "--dry-run"]):
        grid = [f"{key}={thousand}" for key in ("lr", "dim", "steps")]
        yield Input(["sweep", "toy:smoke", *grid, *on], says="1,000,000,000 cells")
        yield Input(["sweep", "toy:smoke", f"dim={more}", *on], says="15,000 cells")
        yield Input(["sweep", "toy:smoke", "dim=" + "1," * 20_000 + "1", *on], says="twice")
    for on in TOO_MANY:
        yield Input(["plan", "toy:smoke", "--on", on])
        yield Input(["plan", "all", "--on", on])
        gke = ["--set", "image=a", "--set", "claim=b", "--dry-run"]
        yield Input(["submit", "toy:smoke", "--on", "gke", "--chips", on, *gke])
    for words in (["steps=3"], ["lr=0.1", "dim=2"], [LONG], ["--measure"]):
        yield Input(["plan", "all", *words], says="plan all takes")
    for number in ("0", "-1", "65", "1000000000", "9" * 400):
        yield Input(["run", "toy:smoke", "--processes", number], says="--processes")
    slurm = ["submit", "toy:smoke", "--on", "slurm", "--set"]
    one = ("list", "cite", "check", "run", "report", "compare", "data", "logs", "fetch", "cancel",
           "new", "refresh")  # fmt: skip
    several = (
        ["fork", "toy"], ["submit", "toy:smoke", "--on"], [], ["plan", "toy", "--price"],
        ["run", "toy", "--"], slurm, [*slurm, f"setup={LONG}", "--dry-run", "--set"],
    )  # fmt: skip
    for words in (*([name] for name in one), *several):
        yield from (Input([*words, text]) for text in (LONG, f"toy:{LONG}", f"a={LONG}"))
    for text in ("nan", "-1", "abc", "1e999", "9" * 100_000, "15s", " "):
        name = "REPRISE_CHECKPOINT_SECONDS"
        yield Input(["list"], {name: text}, says=name)


# --- Q: what a folder's name may be; what may stand in the place of a file ------------------------


def paths() -> Iterator[Input]:
    def put() -> None:
        LINK.symlink_to(ROOT / "experiments")

    for text in NOWHERE:
        yield Input(["run", "toy:smoke", f"--workdir={text}"], NOTHING, put, LINK.unlink)
        for name in ("REPRISE_RESULTS", "REPRISE_CACHE", "REPRISE_DATA", "XDG_CACHE_HOME"):
            yield Input(["list"], {name: text}, put, LINK.unlink, says=name)
    yield Input(["run", "toy:smoke", "--workdir="], says="--workdir")
    shown = (["list"], ["gallery"], ["cite", "toy"], ["report", "toy"], ["run", "toy:smoke"])
    read = {
        HOME / "claims.toml": shown, HOME / "config.py": shown, HOME / "measure.py": shown[3:],
        HOME / "figures.py": shown[3:], HOME / "run.py": shown[3:], HOME / "README.md": shown[:2],
        HOME / "note.py": shown[3:4], RESULTS / "ledger.jsonl": shown[:3],
        RESULTS / "laptop/run.json": shown[:2],
        RESULTS / "laptop/arrays.npz": (["report", str(RESULTS / "laptop")],),
        ROOT / "CITATION.cff": (["cite"],), ROOT / "requirements.txt": (["doctor"],),
        ROOT / "matplotlibrc": (["report", "toy"],), ROOT / "common/note.py": (["report", "toy"],),
        ROOT / "config/reprise/targets.toml": (["submit", "toy", "--on", "slurm", "--dry-run"],),
    }  # fmt: skip
    env = {"XDG_CONFIG_HOME": str(ROOT / "config")}
    for file, verbs in read.items():
        for there in places(file).values():
            for words in verbs:
                yield Input(words, env, *in_place(file, there), refused=False)


def in_place(file: Path, there: Callable) -> tuple[Callable, Callable]:
    """(what puts something else in the place of a file, what puts it back)"""
    kept = file.with_name(f"{file.name}.kept")

    def put() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            file.rename(kept)
        there()

    def back() -> None:
        folder = file.is_dir() and not file.is_symlink()
        file.rmdir() if folder else file.unlink(missing_ok=True)
        if kept.exists():
            kept.rename(file)

    return put, back


# --- O: text that becomes a script, a line of the terminal, a page --------------------------------

FIELDS = {
    "slurm": ("partition", "account", "mem", "time", "setup", "options"),
    "tpu": ("infra", "bucket", "setup", "kind"),
    "gke": ("image", "claim", "namespace", "nodes"),
}
NEEDED = {"slurm": (), "tpu": ("bucket=gs://a",), "gke": ("image=a", "claim=b")}
QUOTES = ("a b", "a;b", "$(id)", "`id`", "a'b", 'a"b', "a: b", "{a}", "a#b", "-x y", "a\\b", "é")
TEXTS = {
    '\ntitle = "': MARKUP, '\nauthors = "': MARKUP, '\nvenue = "': MARKUP, '\nhardware = "': MARKUP,
    '\nshards = "': MARKUP, '\ntext = "': MARKUP, '\nwhere = "': MARKUP, '\nwhy = "': MARKUP,
    'value = "': MARKUP, 'name = "': MARKUP, '\nnote = "': MARKUP,
}  # fmt: skip


def texts() -> Iterator[Input]:
    for on, names in FIELDS.items():
        for name in names:
            line = name in ("setup", "options")  # of a script: what is in it is the user's
            for text in (*ODD, *(() if line else QUOTES)):
                value = repr((text,)) if line or name == "nodes" else text
                more = [w for n in NEEDED[on] if not n.startswith(name) for w in ("--set", n)]
                chips = [] if on == "slurm" else ["--chips", "v5e-8"]
                send = ["submit", "toy:smoke", "lr=0.777", "--on", on, f"--set={name}={value}"]
                yield Input([*send, *chips, *more, "--dry-run"])
    for text in ODD:
        for name in ("run", "sweep", "plan", "verify", "drill"):
            yield Input([name, "toy:smoke", f"trouble={text}"])
        send = ["submit", "toy:smoke", "lr=0.777", "--on", "slurm", "--dry-run"]
        yield Input(send, {"REPRISE_COMMAND": text})
        for words in ("run", "report", "logs", "list", "data", "new", "check", "compare", "cite"):
            yield Input([words, text])
        yield from (Input(["cite", "toy"], NOTHING, *claims(k, text)) for k in TEXTS)


def claims(before: str, text: str) -> tuple[Callable, Callable]:
    """A text in claims.toml, as TOML writes it."""
    file = HOME / "claims.toml"
    good = file.read_text()
    escaped = "".join(f"\\u{ord(c):04x}" if not c.isprintable() else c for c in text)
    escaped = escaped.replace('"', '\\"')
    if before in good:
        start = good.index(before) + len(before)
        made = good[:start] + escaped + good[start:]
    else:
        made = f'{good}{before.lstrip()}{escaped}"\n'
    return lambda: file.write_text(made), lambda: file.write_text(good)


def markup() -> Iterator[Input]:
    """Taken, and shown as it is written: every page is parsed, what is alien in it is told."""
    for key, some in TEXTS.items():
        for text in some:
            yield Input(["gallery"], NOTHING, *claims(key, text), refused=False)
    ledger, run = RESULTS / "ledger.jsonl", RESULTS / "laptop/run.json"
    for file, keys in ((ledger, ("word", "reason", "date", "commit", "run")),
                       (run, ("started", "note", "command", "dirty"))):  # fmt: skip
        good = file.read_text()
        for key in keys:
            for text in MARKUP:
                lines = [json.loads(line) | {key: text} for line in (
                    good.splitlines() if file is ledger else [good])]  # fmt: skip
                made = "\n".join(map(json.dumps, lines)) + "\n"
                yield Input(["gallery"], NOTHING, lambda f=file, m=made: f.write_text(m),  # type: ignore[misc]
                            lambda f=file, g=good: f.write_text(g), refused=False)  # fmt: skip
    for text in MARKUP:
        for name in ("fig1", f"fig{text.replace('/', '')}"):
            yield Input(["gallery"], NOTHING, *figure(name, text), refused=False)


def figure(name: str, text: str) -> tuple[Callable, Callable]:
    """A figure of ours with that name, its words a text."""
    from common import png

    file, good = RESULTS / f"laptop/{name}.png", (RESULTS / "laptop/fig1.png").read_bytes()

    def put() -> None:
        file.write_bytes(png.write(good, name=name, caption=text, alt=text))

    return put, lambda: file.write_bytes(good) if name == "fig1" else file.unlink()


# --- R: what does not belong together -------------------------------------------------------------

PAIRS = (
    ["compare", "toy", ""], ["compare", ""], ["report", " "], ["logs", ""], ["run", ""],
    ["compare", "toy", "toy", "toy"], ["compare", "toy", "nobody"], ["fetch", "toy"],
    ["run", "all", "lr=1"], ["run", "all", "--workdir", "/tmp/x"], ["run", "theme:x"],
    ["run", "theme:theory", "lr=1"], ["sweep", "toy", "lr=1,2", "--chips", "v5e-8"],
    ["sweep", "toy", "lr=1,2", "--set", "nodes=2"], ["submit", "toy"],
    ["run", "all", "--processes", "2"],
    ["submit", "toy", "lr=2", "--on", "slurm", "--chips", "v5e-8"],
    ["submit", "toy", "lr=2", "--on", "tpu", "--chips", "h100-8", "--set", "bucket=gs://b"],
    ["submit", "toy:paper", "--on", "slurm"], ["report", "toy:paper"], ["report", "toy:smoke:x"],
    ["cite", "toy:x"], ["refresh", "toy:x"], ["check", "toy:smoke"], ["plan", "toy:x"],
    *(["fork", "toy", n] for n in ("toy", "class", "import", "runs", "gallery", "all", "theme")),
    *(["new", n] for n in ("None", "lambda", "gallery", "a" * 300, "../x", "A", "a-b", "é")),
)  # fmt: skip


def strangers() -> Iterator[Input]:
    runs = sorted((ROOT / "results/runs/toy/laptop").glob("*/run.json"))
    own = next(p.parent for p in runs if "wanted" not in json.loads(p.read_text()))

    def back() -> None:
        shutil.rmtree(OTHER, ignore_errors=True)

    def full() -> None:
        OTHER.mkdir()
        (OTHER / "mine").write_text("x")

    def copied(change: dict) -> None:
        shutil.copytree(own, OTHER)
        info = json.loads((OTHER / "run.json").read_text())
        (OTHER / "run.json").write_text(json.dumps(info | change))

    for words in (["toy:smoke"], ["toy", "lr=0.3"], ["toy", "dim=3"], ["toy", "seeds=7,8,9"]):
        run = ["run", *words, "--workdir", str(OTHER)]
        yield Input(run, NOTHING, lambda: copied({}), back, says="holds a run")
        yield Input(run, NOTHING, full, back, says="not empty")
    states = ("running", "failed", "stopped", "submitted", "x")
    changes: list[dict] = [{"status": s} for s in states]
    changes += [{"arrays": {"error": a}} for a in (["float64", [9, 9]], ["int8", [5, 200]])]
    changes += [{"config": {"seeds": [0]}}, {"experiment": "to"}, {"preset": "lap"}]
    for change in changes:
        yield Input(["report", str(OTHER)], NOTHING, lambda c=change: copied(c), back)  # type: ignore[misc]
    for seeds in ("", " ", ",", "5-1", "-", "1000-", "a"):
        yield Input(["verify", "toy", f"--seeds={seeds}"], says="seeds")
    for item in ("seeds=5,6,7,8,9", "seeds=(1000,1001)", "seeds=", " seeds=1"):
        yield Input(["verify", "toy", item])
    yield from (Input(words) for words in PAIRS)
