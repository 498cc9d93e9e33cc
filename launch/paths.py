"""Where things are, and how an experiment is named. Imports nothing heavy."""

import keyword
import os
import re
import tomllib
from pathlib import Path

from common import files
from launch.errors import CONTROL, UserError, clip, nearest

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENTS = ROOT / "experiments"
PRESETS = ("smoke", "laptop", "paper")
VARIABLES = {  # of the environment, for people
    "REPRISE_RESULTS": "where results are, in place of results/",
    "REPRISE_DATA": "a folder of data sets that are here already",
    "REPRISE_CACHE": "what may be deleted at any time, in place of .cache/",
    "REPRISE_VENV": "the virtual environment, in place of .venv/",
    "REPRISE_ACCELERATOR": "cuda or tpu: ./lab installs its packages too",
    "REPRISE_CHECKPOINT_SECONDS": "the least time between two checkpoints, 15 where not set",
    "REPRISE_QUIET": "1: verify and refresh say what they found, not what they do meanwhile",
}
PASSED_ON = {  # of the environment, from one of our processes to those that it starts
    "REPRISE_LAB": "commands are shown as ./lab, since that was typed",
    "REPRISE_COMMAND": "the command that was typed, to be shown for continuing",
    "REPRISE_WORKER": "one of several processes that are watched",
    "REPRISE_HELD": "the run folder whose lock the process that started this one holds",
    "REPRISE_ALL": "./lab test --all: the dear tests too",
    "REPRISE_ONLY": "./lab test NAME: that paper alone",
    "REPRISE_SPARE": "./lab test: without the dear tests of launch/ while it is as it was",
    "REPRISE_TODAY": "the date that all processes of a test call take",
}
MANY = ("all", "theme")  # `run all`, `run theme:NAME`: no experiment is called so
TAKEN = (*MANY, "runs", "gallery")  # folders of results/ that are not a paper's
CODE = ("experiments", "common", "launch", "tests", "benchmarks", ".git")  # hold no results
SYSTEM = ("/proc", "/sys", "/dev")  # what the kernel shows, not a disk
MOST_SEEDS = 10_000


def results() -> Path:
    """The results folder (REPRISE_RESULTS moves it, for tests and shared disks)."""
    return Path(os.environ.get("REPRISE_RESULTS") or ROOT / "results").absolute()


def cache() -> Path:
    """Generated files that may be deleted at any time."""
    return Path(os.environ.get("REPRISE_CACHE") or ROOT / ".cache").absolute()


def place(text: str | os.PathLike, what: str) -> Path:
    """A folder for results, data or caches that a person named by `what`: absolute, ~ expanded.

    Errors: UserError for what is no such folder of this machine.
    """
    said = os.fspath(text)
    if not said.strip():
        raise UserError(f"{what} is empty; name a folder")
    shown_as = clip(said, 200)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", said):
        raise UserError(f"{what} is a folder of this machine, not an address ({shown_as})")
    if CONTROL.search(said):
        raise UserError(f"{what} holds characters that are no text ({shown_as}); rename the folder")
    whole = os.path.expanduser(said)
    if said[0] == "~" == whole[0]:
        raise UserError(f"{what}: there is no home folder {shown_as}")
    path = Path(os.path.abspath(whole))
    real = Path(os.path.realpath(path))
    for home in [*map(Path, SYSTEM), *(ROOT / name for name in CODE)]:
        if real.is_relative_to(home):
            why = "is code" if home.is_relative_to(ROOT) else "is no disk"
            raise UserError(f"{what} cannot be in {home}, which {why} ({shown_as}); name another")
    return path


def slugs() -> list[str]:
    """Every experiment: a folder of experiments/ with a config.py and a name of Python's."""
    found = (p.parent.name for p in EXPERIMENTS.glob("*/config.py"))
    return sorted(name for name in found if name.isidentifier())


def folder(slug: str) -> Path:
    """The folder of an experiment.  Errors: UserError with the nearest name."""
    if slug not in slugs():
        raise UserError(f"no experiment {slug!r}; {nearest(slug, slugs())} (see ./lab list)")
    return EXPERIMENTS / slug


def unused(name: str) -> Path:
    """The folder of an experiment to be made.  Errors: UserError if the name is taken or bad."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise UserError(
            f"{clip(name)!r} cannot name a paper: lower case letters, digits, _; at most 64"
        )
    if keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot name a paper: it is a word of Python, tests import it")
    if name in TAKEN:
        raise UserError(f"{name!r} cannot name a paper: it means something else here")
    if (EXPERIMENTS / name).exists():
        raise UserError(f"{shown(EXPERIMENTS / name)} exists; choose another name")
    return EXPERIMENTS / name


def split(name: str, default: str = "laptop") -> tuple[str, str]:
    """'NAME[:preset]' -> (slug, preset), both known.  Errors: UserError."""
    slug, _, preset = name.partition(":")
    path = folder(slug.strip("/").removeprefix("experiments/"))
    preset = preset or default
    known = presets(path.name)
    if preset not in known:
        raise UserError(f"{path.name} has no preset {preset!r}; {nearest(preset, known)}")
    return path.name, preset


def presets(slug: str) -> list[str]:
    """Names in the PRESETS table of config.py, read without importing it."""
    text = files.text(EXPERIMENTS / slug / "config.py")
    table = re.search(r"^PRESETS[^=]*=\s*\{(.*?)\}\s*$", text, re.M | re.S)
    return re.findall(r"[\"'](\w+)[\"']\s*:", table.group(1)) if table else list(PRESETS)


def claims(slug: str) -> dict:
    """The tables of claims.toml, not linted.  Errors: FileError, ValueError."""
    try:
        return tomllib.loads(files.text(EXPERIMENTS / slug / "claims.toml"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def paper(slug: str) -> dict:
    """The [paper] table of claims.toml, not linted."""
    return claims(slug).get("paper", {})


def verdict_seeds(slug: str) -> tuple[int, ...]:
    """The seeds that decide a paper's claims: [paper] verdict_seeds of them, from 1000 on."""
    return tuple(range(1000, 1000 + paper(slug).get("verdict_seeds", 5)))


def shown(path: Path) -> str:
    """A path for people: absolute."""
    return str(path.absolute())


def seed_list(text: str) -> tuple[int, ...]:
    """'2000-2004' or '1,2,5' -> seeds; settings.get checks them.  Errors: UserError."""
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch("([0-9]{1,10})(?:-([0-9]{1,10}))?", part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            raise UserError(f"seeds are given as 2000-2004 or 1,2,5, not {clip(text)!r}")
        if len(seeds) + last - first >= MOST_SEEDS:
            raise UserError(f"{clip(text)!r} are more than {MOST_SEEDS:,} seeds; give fewer")
        seeds += range(first, last + 1)
    return tuple(seeds)
