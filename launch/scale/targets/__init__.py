"""Where a run can be sent: plain objects that render text, hand it to the user's own engine, ask.

A target is a frozen dataclass of settings with
    render(job) -> {file name: text}      pure; what --dry-run prints is what is submitted
    submit(job) -> id                     writes those files into job.folder/job, calls the engine
    status(id) -> one of STATES           asks the engine
    logs(job, id) -> command              that shows what the job says
    cancel(id)
Settings come from $XDG_CONFIG_HOME/reprise/targets.toml (a table for each name, `engine = …`) and
from `--set key=value`. Credentials are the engine's business and never pass through here.
"""

import dataclasses
import importlib
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.files import FileError, text
from launch.errors import CONTROL, UserError, clip, nearest
from launch.terminal import shell
from launch.values import parse

LONG = 4000  # characters of a setting
STATES = ("waiting", "running", "gone")
ASKING = 60.0  # seconds in which an engine must say what became of a job
# a value that is read where the job runs ($…) or names a file is none
CREDENTIAL = re.compile(
    r"(?i)\b(\w*(?:API_?KEY|ACCESS_?KEY|TOKEN|SECRET|PASSWORD|PASSWD)\w*)\s*=(?![\"']?[$/~`])\s*\S"
)


@dataclass(frozen=True)
class Job:
    """What is to run: `./lab run` with these arguments, or several, one for each cell."""

    name: str  # of letters, digits, - only
    folder: Path  # of the run, or of the sweep; job/ inside it holds what was submitted
    cells: tuple[tuple[str, ...], ...]  # arguments of `./lab run` for each
    chips: str = ""  # as launch.scale.hardware names them, for clouds
    workdirs: tuple[str, ...] = ()  # run folder of each cell
    again: str = "./lab submit"  # the command that continues what was lost

    def __post_init__(self) -> None:
        """Errors: UserError for text that would end a line of what is rendered."""
        cells = (word for cell in self.cells for word in cell)
        for said in (self.name, str(self.folder), self.again, *self.workdirs, *cells):
            if CONTROL.search(said):
                raise UserError(
                    f"a job cannot hold a line break or control character: {clip(said)}"
                )

    def arguments(self, cell: int, workdir: str = "") -> str:
        """Shell text of a cell's arguments, its run folder (or another place for it) included."""
        words = [*self.cells[cell], "--workdir", workdir or self.workdirs[cell]]
        return shell(words)


ENGINES = {  # imported when asked for
    "slurm": ("slurm", "Slurm"),
    "tpu": ("sky", "Sky"),
    "gpu-cloud": ("sky", "Sky"),
    "gke": ("jobset", "JobSet"),
}


def config_file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "reprise" / "targets.toml"


def named(name: str, changes: list[str]) -> Any:
    """The target of that name with the user's settings and `changes`.  Errors: UserError."""
    tables = _tables()
    table = dict(tables.get(name, {}))
    engine = table.pop("engine", name)
    if engine not in ENGINES:
        if name in tables:
            raise UserError(f"[{name}] in {config_file()} needs engine = one of {list(ENGINES)}")
        raise UserError(
            f"no target {clip(name)!r}; {nearest(name, [*ENGINES, *tables])} (others are described "
            f"in {config_file()})"
        )
    cls = _class(engine)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for item in changes:
        key, equals, text = item.partition("=")
        if not equals:
            raise UserError(f"--set takes key=value, not {clip(item)!r}")
        table[key] = text
    values = {}
    for key, value in table.items():
        if key not in fields:
            what = f"target {name!r} has no setting {clip(key)!r}"
            raise UserError(f"{what}; {nearest(key, fields)}")
        values[key] = _value(name, key, value, fields[key].default)
    if "kind" in fields:
        values.setdefault("kind", engine)
    return cls(**values)


def again(record: dict) -> Any:
    """The target with which a job was submitted, whatever targets.toml says today.

    Errors: UserError for what no target has, and for an id that its engine does not give.
    """
    if record["engine"] not in ENGINES:
        raise UserError(f"engine must be one of {', '.join(ENGINES)}, not {clip(record['engine'])}")
    cls = _class(record["engine"])
    fields = {f.name: f.default for f in dataclasses.fields(cls)}
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in record["target"].items()}
    for key, value in values.items():
        if key not in fields:
            raise UserError(f"target.{key:.40} is no setting of {record['engine']}")
        _value("target", key, value, fields[key], texts=False)
    if not re.fullmatch(cls.ID, record["id"], re.ASCII):
        raise UserError(f"id must be one that {record['engine']} gives, not {clip(record['id'])}")
    return cls(**values)


def engine_of(target: Any) -> str:
    """The name under which ENGINES has a target's class."""
    return next(name for name in ENGINES if _class(name) is type(target))


def _class(engine: str) -> Any:
    module, name = ENGINES[engine]
    return getattr(importlib.import_module(f"launch.scale.targets.{module}"), name)


def _value(name: str, key: str, value: Any, default: Any, *, texts: bool = True) -> Any:
    """A setting in the type of its default.  Errors: UserError, also for a credential.

    texts: a value of another type may be given as text.
    """
    if isinstance(value, str) and texts:
        value = parse(key, value, default)
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    lines = value if isinstance(value, tuple) else (value,)
    if type(value) is not type(default) or (
        isinstance(value, tuple) and not all(isinstance(line, str) for line in value)
    ):
        what = "list of strings" if isinstance(default, tuple) else type(default).__name__
        said = clip(repr(value))
        raise UserError(f"setting {key!r} of target {name!r} must be a {what}, not {said}")
    for line in map(str, lines):
        if CONTROL.search(line) or len(line) > LONG:
            raise UserError(
                f"{key!r} of target {name!r} is one line of at most {LONG:,} characters without "
                f"control characters, not {clip(line)}"
            )
        found = CREDENTIAL.search(line)
        if found:
            raise UserError(
                f"{key!r} of target {name!r} holds a credential ({found[1]}=…), which would be "
                f'written into run folders; let the job read it: {found[1]}="$(cat FILE)"'
            )
    return value


def whole(name: str, value: int, least: int) -> None:
    """Errors: UserError unless a setting is a number of things, `least` or more."""
    if not least <= value <= 100_000:
        raise UserError(f"{name} is a number from {least} to 100000, not {value}")


def shaped(name: str, value: str, pattern: str, example: str) -> None:
    """Errors: UserError unless a setting is empty or the whole of it is of a pattern."""
    if value and not re.fullmatch(pattern, value, re.ASCII):
        raise UserError(f"{name} is as {example}, not {clip(value)!r}")


def tried(act: Callable[[str], object], items: Iterable[str]) -> None:
    """`act` on every item, whatever becomes of one.  Errors: UserError, the first, at the end."""
    errors = []
    for item in items:
        try:
            act(item)
        except UserError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _tables() -> dict[str, dict]:
    file = config_file()
    if not os.path.lexists(file):
        return {}
    try:
        found = tomllib.loads(text(file))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not valid TOML: {clip(error, 200)}") from None
    except FileError as error:
        raise UserError(f"{error}; mend or remove it") from None
    for name, table in found.items():
        if not isinstance(table, dict) or not isinstance(table.get("engine", ""), str):
            said = clip(name)
            raise UserError(f"{file}: {said} must be a table, [{said}], its engine a name")
    return found


def call(command: list[str], what: str, seconds: float = 1800) -> str:
    """Output of an engine's command.  Errors: UserError with its last line."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=seconds, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed here, so {what} cannot be done") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]} did not answer in {seconds:.0f} s ({what})") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise UserError(f"{what}: {command[0]} said: {said[-1][:300]}")
    return done.stdout
