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
import shlex
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.errors import UserError, nearest
from launch.settings import parse

STATES = ("waiting", "running", "gone")


@dataclass(frozen=True)
class Job:
    """What is to run: `./lab run` with these arguments, or several, one for each cell."""

    name: str  # of letters, digits, - only
    folder: Path  # of the run, or of the sweep; job/ inside it holds what was submitted
    cells: tuple[tuple[str, ...], ...]  # arguments of `./lab run` for each
    chips: str = ""  # as launch.hardware names them, for clouds
    workdirs: tuple[str, ...] = ()  # run folder of each cell
    again: str = "./lab submit"  # the command that continues what was lost

    def arguments(self, cell: int, workdir: str = "") -> str:
        """Shell text of a cell's arguments, its run folder (or another place for it) included."""
        words = [*self.cells[cell], "--workdir", workdir or self.workdirs[cell]]
        return " ".join(shlex.quote(w) for w in words)


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
        raise UserError(
            f"no target {name!r}; {nearest(name, [*ENGINES, *tables])} (others are described in "
            f"{config_file()})"
        )
    module, cls_name = ENGINES[engine]
    cls = getattr(importlib.import_module(f"launch.targets.{module}"), cls_name)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for item in changes:
        key, equals, text = item.partition("=")
        if not equals:
            raise UserError(f"--set takes key=value, not {item!r}")
        table[key] = text
    values = {}
    for key, value in table.items():
        if key not in fields:
            raise UserError(f"target {name!r} has no setting {key!r}; {nearest(key, fields)}")
        default = fields[key].default
        values[key] = parse(key, value, default) if isinstance(value, str) else value
        if isinstance(values[key], list):
            values[key] = tuple(values[key])
    if "kind" in fields:
        values.setdefault("kind", engine)
    return cls(**values)


def _tables() -> dict[str, dict]:
    file = config_file()
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is not valid TOML: {error}") from None


def call(command: list[str], what: str) -> str:
    """Output of an engine's command.  Errors: UserError with its last line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed here, so {what} cannot be done") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]} did not answer in 30 minutes ({what})") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise UserError(f"{what}: {command[0]} said: {said[-1][:300]}")
    return done.stdout
