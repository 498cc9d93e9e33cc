"""The absl form of `./lab run`, which remote machines may run:

python -m launch.run --config=experiments/NAME/config.py:PRESET --config.key=value --workdir=FOLDER
"""

import re
import sys
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from launch.compute import run, stop
from launch.errors import TRACEBACK, UserError, clip
from launch.guard import guarded
from launch.paths import EXPERIMENTS, place, shown, split
from launch.read import report
from launch.scale import plan
from launch.settings import Job
from launch.surroundings import wide

SETS_CONFIG = re.compile(r"--?(config|flagfile)(=|$)")  # what names a file that absl would run


def main() -> int:
    """Exit status as ./lab."""
    whole = TRACEBACK in sys.argv
    sys.argv = [a for a in sys.argv if a != TRACEBACK]
    with stop.heard("run"):
        return guarded(_run, whole=whole)


def _run() -> int:
    config = config_flags.DEFINE_config_file("config", None, "experiments/NAME/config.py:PRESET")
    workdir = flags.DEFINE_string("workdir", None, "run folder; continued if it holds this run")
    slug, preset = _named(sys.argv[1:])
    others = [a for a in sys.argv[1:] if not SETS_CONFIG.match(a)]
    file = EXPERIMENTS / slug / "config.py"
    try:
        flags.FLAGS([sys.argv[0], f"--config={file}:{preset}", *others])
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(clip(str(error).strip("'\""), 300)) from None
    where = None if workdir.value is None else place(workdir.value, "--workdir")
    job = Job(slug, preset, config.value).but(())
    folder = run.execute(job, workdir=where, predict=plan.here)
    print(run.finished_line(folder))
    report.write(folder)
    print(shown(folder))
    return 0


def _named(arguments: list[str]) -> tuple[str, str]:
    """The experiment and preset of --config.  Errors: UserError."""
    named = [a for a in arguments if SETS_CONFIG.match(a)]
    if len(named) != 1 or "config=" not in named[0]:
        raise UserError("give --config=experiments/NAME/config.py:PRESET, once, and no flagfile")
    path, _, preset = named[0].split("=", 1)[1].partition(":")
    home = Path(path).absolute().parent
    if home.parent != EXPERIMENTS or Path(path).name != "config.py":
        raise UserError(f"--config must be {EXPERIMENTS}/NAME/config.py, not {path}")
    return split(f"{home.name}:{preset}")


if __name__ == "__main__":
    wide()
    sys.exit(main())
