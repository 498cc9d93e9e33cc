"""Run folders: created exclusively, written by one process, every file whole or absent.

    results/runs/<slug>/<preset>/<UTC time>-<random>/
        run.json     what ran: config, code, versions, devices, state    (rewritten by rename)
        arrays.npz   what `run` returned                                  (once, at the end)
        source.diff  uncommitted changes, when there were any
        lock         held by the writing process for as long as it lives
        scratch/     checkpoints, finished cells, log.jsonl
NumPy and cat read all of it for ever; nothing is pickled.
"""

from __future__ import annotations

import datetime
import errno
import fcntl
import json
import math
import os
import secrets
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from common import files, png
from launch import settings
from launch.errors import UserError
from launch.paths import EXPERIMENTS, results, split
from launch.record import checks
from launch.record.reader import pass_over, peek, read_json
from launch.terminal import shell

if TYPE_CHECKING:
    import numpy as np  # `list` does without it

SCHEMA = 1


class Busy(Exception):
    """Somebody else writes, or may write, this run folder; the message says who."""


def write_json(file: Path, value: Any) -> None:
    """Write JSON (sorted, NaN as null) to a temporary name, then rename."""
    text = json.dumps(cleaned(value), indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_text(file, text)


def write_text(file: Path, text: str) -> None:
    """Write a text file to a temporary name, then rename."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, file)


def cleaned(value: Any) -> Any:
    """What JSON can hold and a reader takes: NumPy scalars as numbers, those that are not finite as
    null, characters that are no text (of a path, an error) as escapes."""
    if isinstance(value, dict):
        return {checks.texts(str(k)): cleaned(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(v) for v in value]
    if isinstance(value, str):
        return checks.texts(value)
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def arrays(folder: Path, name: str = "arrays.npz") -> dict[str, np.ndarray]:
    """The arrays of a finished run.  Errors: UserError if there are none or they are damaged;
    Unreadable."""
    file = folder / name
    if not files.exists(file):
        state = read_json(folder / "run.json").get("status", "unfinished")
        raise UserError(f"{folder} has no arrays (run {state}); run it again to finish it")
    try:
        found = files.read_npz(file)
    except files.Damaged as error:
        raise UserError(f"{error}; run again") from None
    for key, told in (peek(folder / "run.json").get("arrays") or {}).items():
        if key in found and [str(found[key].dtype), list(found[key].shape)] != told:
            what = f"{key} is {found[key].dtype} {list(found[key].shape)}, not {told[0]} {told[1]}"
            raise UserError(f"{file} is not of the run.json beside it ({what}); run again")
    return found


def has_run(folder: Path) -> bool:
    """Whether a folder holds a run.  Errors: Unreadable."""
    return files.exists(folder / "run.json")


def unused(slug: str, preset: str) -> Path:
    """A name for a run folder."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    return results() / "runs" / slug / preset / f"{now}-{secrets.token_hex(3)}"


def create(slug: str, preset: str) -> Path:
    """A new run folder, never an existing one."""
    while True:
        folder = unused(slug, preset)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue


def lock(folder: Path):
    """Hold the folder for this process; the kernel lets go however the process ends.

    Errors: Busy; FileError where its lock is a link, or the disk cannot lock.
    """
    files.own_file(folder / "lock")
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except PermissionError:
        raise Busy("is of another user") from None
    file = os.fdopen(handle, "w")
    try:
        hold(file, wait=False)
    except BlockingIOError:
        file.close()
        raise Busy("is being computed") from None
    return file


def hold(file: IO, *, wait: bool) -> None:
    """Lock an open file; where a disk has no flock, as it does for other machines (fcntl).

    Errors: BlockingIOError where another process holds it; FileError where nothing can be locked.
    """
    how = fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)
    for lock_it in (fcntl.flock, fcntl.lockf):
        try:
            lock_it(file, how)
            return
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise BlockingIOError(error.errno, error.strerror) from None
            why = error.strerror
    raise files.FileError(
        f"{file.name} cannot be locked, its disk does not do that ({why}): give a --workdir on "
        "another disk, or REPRISE_RESULTS=FOLDER"
    )


def runs(slug: str, preset: str | None = None) -> list[Path]:
    """Run folders of an experiment, oldest first."""
    home = results() / "runs" / slug
    files = [folder / "run.json" for folder in home.glob(f"{preset or '*'}/*/")]
    return sorted(filter(os.path.lexists, files), key=lambda p: p.parent.name)


def find(
    slug: str, preset: str, identity: str, *, done: bool, anywhere: bool = False
) -> Path | None:
    """The newest run with this identity that is finished (or, done=False, is not).

    anywhere: whatever the environment that it ran in asked of JAX (identity: without that).
    """
    for file in reversed(runs(slug, preset)):
        info = peek(file)
        who = info.get("anywhere", info.get("identity")) if anywhere else info.get("identity")
        if who == identity and (info.get("status") == "done") == done:
            return file.parent
    return None


def latest(slug: str, preset: str, overrides: dict | None = None) -> Path | None:
    """The newest finished run of a preset with exactly these settings changed (None: as it stands).

    overrides: JSON-able {key: value}, as in run.json.
    """
    for file in reversed(runs(slug, preset)):
        info = peek(file)
        same = (info.get("overrides") or {}) == (overrides or {}) and "wanted" not in info
        same = same and (info.get("experiment"), info.get("preset")) == (slug, preset)
        if info.get("status") == "done" and same:
            return file.parent
    return None


def reference(slug: str, preset: str = "laptop") -> Path | None:
    """The committed reference run of a preset."""
    folder = results() / slug / preset
    return folder if os.path.lexists(folder / "run.json") else None


def environment(info: dict) -> dict:
    """What the environment of a run asked of JAX and the compilers, beside what is fixed."""
    found = (info.get("jax") or {}).get("environment")
    return found if isinstance(found, dict) else {}


def seconds(info: dict) -> float:
    """What a run took by its run.json, all its attempts together."""
    return (info.get("seconds") or 0.0) + (info.get("seconds_before") or 0.0)


def figures(folder: Path | None) -> dict[str, dict]:
    """{figure: {caption, alt}} of a run folder, in order: the PNGs that we drew there.

    One that run.json names and that is none of ours now is passed over, and said.
    """
    if folder is None:
        return {}
    found = {p.stem: png.words(p) for p in sorted(folder.glob("fig*.png"))}
    # a copy under another name is somebody's own
    ours = {
        n: {k: w[k] for k in ("caption", "alt")} for n, w in found.items() if w.get("name") == n
    }
    for name in peek(folder / "run.json").get("figures", ()):
        if name not in ours:
            file = folder / f"{name}.png"
            what = "is damaged" if name in found else "is not there"
            pass_over(file, f"{file} {what}: ./lab report {shell([str(folder)])} draws it again")
    return ours


def locate(name: str, overrides: list[str] | None = None) -> Path:
    """A run folder, or NAME[:preset] with key=value: the newest finished run of exactly that.

    NAME[:preset] alone is the preset as it stands. What was never run here may be the committed
    reference. Errors: UserError.
    """
    if not name.strip():
        raise UserError("an empty name: give a run folder or NAME[:preset]")
    folder = Path(name)
    if os.path.lexists(folder / "run.json"):
        if overrides:
            raise UserError(f"{overrides[0]}: settings go with NAME[:preset], not with a folder")
        return folder.absolute()
    if folder.is_dir() and len(folder.parts) > 1 and folder.absolute().parent != EXPERIMENTS:
        raise UserError(f"{folder.absolute()} is no run folder (it has no run.json)")
    slug, preset = split(name)
    changed = settings.overrides(slug, preset, overrides) if overrides else {}
    committed = reference(slug, preset)
    if committed and changed and peek(committed / "run.json").get("overrides") != changed:
        committed = None
    found = latest(slug, preset, changed) or committed
    if found is None:
        what = shell([f"{slug}:{preset}", *(overrides or [])])
        raise UserError(f"no finished run of {what}; ./lab run {what} makes one")
    return found


def reference_of(folder: Path) -> Path:
    """The committed reference that a run is compared with.  Errors: UserError."""
    info = read_json(folder / "run.json")
    found = reference(info["experiment"], info["preset"])
    if found is None or found == folder:
        raise UserError(
            f"no committed reference of {info['experiment']}:{info['preset']} beside it"
        )
    return found
