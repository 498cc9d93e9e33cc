"""What an experiment's own code raised: one line, and the rest kept."""

import traceback
from pathlib import Path

from launch.errors import Failed, clip
from launch.paths import EXPERIMENTS, ROOT, shown
from launch.record import store
from launch.settings import typed


def failed(
    name: str, changes: dict, folder: Path, error: BaseException, *, process: int = 0
) -> Failed:
    """The error to raise in place of `error`, whose traceback goes to the run folder.

    name: 'NAME:preset'; changes: what is not the preset's.
    """
    kept = folder / (f"traceback-{process}.txt" if process else "traceback.txt")
    store.write_text(kept, "".join(traceback.format_exception(error)))
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(EXPERIMENTS)]
    at = f" at {Path(own[-1].filename).relative_to(ROOT)}:{own[-1].lineno}" if own else ""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    asked = f"{name} {clip(typed(changes), 300)}".rstrip()
    return Failed(f"{asked} failed{at}: {what} (traceback in {shown(kept)}, or with --traceback)")
