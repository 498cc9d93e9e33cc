"""`./lab submit`: runs that compute elsewhere.

A submitted run is a run folder like any other with job/ in it: job.json (target, id, what was
asked), the very files that the engine got, and what the job printed. There is no other record.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any, NamedTuple

from common import files
from common.claims import digest
from launch import settings
from launch.compute import run
from launch.errors import UserError
from launch.paths import results, shown
from launch.record import fingerprint, provenance, store
from launch.scale import jobs, targets


class Cell(NamedTuple):
    """One run of a job."""

    overrides: list[str]
    cfg: Any
    who: str  # its identity
    done: Path | None  # the finished run of these settings


def submit(
    slug: str,
    preset: str,
    cells: list[list[str]],
    on: str,
    changes: list[str],
    *,
    chips: str = "",
    dry: bool = False,
    fresh: bool = False,
) -> dict:
    """Render a job of one or many cells and, unless dry, hand it to its engine.

    Cells that are finished are left out; a cell that waits or runs already is an error.
    """
    target = targets.named(on, changes)
    every = _cells(slug, preset, cells, fresh)
    if not getattr(target, "accelerated", True):
        _demand_none(slug, preset, every)
    value: dict[str, Any] = {
        "experiment": slug,
        "preset": preset,
        "on": on,
        "engine": targets.engine_of(target),
        "target": dataclasses.asdict(target),
        "finished": [shown(c.done) for c in every if c.done],
        "dry_run": dry,
    }
    chosen = [c for c in every if not c.done]
    if not chosen:
        return value | {"files": {}, "note": "every cell is finished; nothing was submitted"}
    workdirs: list[Path] = []
    for c in chosen:
        workdirs.append(_folder(slug, preset, c.who, dry, fresh, {*workdirs}))
    job = _job(slug, preset, chosen, workdirs, chips)
    files, names = target.render(job), [" ".join(c.overrides) for c in chosen]
    value |= {"folder": shown(job.folder), "cells": names, "files": files}
    if dry:
        return value
    for c, folder in zip(chosen, workdirs, strict=True):
        if not (folder / "run.json").exists():
            store.write_json(folder / "run.json", _stub(slug, preset, c))
    for name, content in files.items():
        store.write_text(job.folder / "job" / name, content)
    return _sent(target, job, value)


def _cells(slug: str, preset: str, cells: list[list[str]], fresh: bool) -> list[Cell]:
    """Each once, also if it is written twice."""
    found: dict[str, Cell] = {}
    for overrides in cells:
        cfg = settings.get(slug, preset, overrides)
        who = run.identity(slug, settings.plain(cfg), anywhere=True)
        done = None if fresh else store.find(slug, preset, who, done=True, anywhere=True)
        found.setdefault(who, Cell(overrides, cfg, who, done))
    return list(found.values())


def _demand_none(slug: str, preset: str, cells: list[Cell]) -> None:
    """Errors: UserError where a cell needs the accelerator that its target lacks."""
    if any(c.cfg.get("needs") == "accelerator" for c in cells):
        raise UserError(
            f"{slug}:{preset} needs an accelerator: --set gpus_per_node=8, or add needs= to "
            "compute on CPUs"
        )


def _job(slug: str, preset: str, cells: list[Cell], folders: list[Path], chips: str) -> targets.Job:
    """A run's own folder is that of its job; several share one, named after what they are."""
    home = folders[0]
    if len(cells) > 1:
        items = sorted(" ".join(c.overrides) for c in cells)
        home = results() / "runs" / slug / f"sweep-{digest([preset, *items])}"
    return targets.Job(
        name=re.sub(r"[^a-z0-9]+", "-", f"{slug}-{preset}-{home.name[-6:]}".lower()).strip("-"),
        folder=home,
        cells=tuple((f"{slug}:{preset}", *c.overrides) for c in cells),
        chips=chips,
        workdirs=tuple(shown(f) for f in folders),
        again=provenance.command().replace(" --dry-run", ""),
    )


def _sent(target: Any, job: targets.Job, value: dict) -> dict:
    """The record of a job, handed to its engine."""
    if hasattr(target, "check"):
        target.check(job)
    record = value | {
        "id": target.submit(job),
        "submitted": provenance.now(),
        "chips": job.chips,
        "command": job.again,
        "workdirs": list(job.workdirs),
        "name": job.name,
        "arguments": [list(c) for c in job.cells],
    }
    del record["files"]
    try:
        store.write_json(job.folder / "job" / "job.json", record)
    except OSError as error:
        raise UserError(f"submitted as job {record['id']}, but not recorded: {error}") from None
    return record


def _folder(slug: str, preset: str, who: str, dry: bool, fresh: bool, taken: set[Path]) -> Path:
    """The unfinished run to continue, or the name of a new folder: what is refused makes none."""
    found = None if fresh else store.find(slug, preset, who, done=False, anywhere=True)
    if found is None and not (fresh or dry):
        _refuse_if_unread(slug, preset)
    if found is None:
        while (folder := store.unused(slug, preset)) in taken or folder.exists():
            continue
        return folder
    if not dry:
        _refuse_if_taken(found)
    return found


def _refuse_if_taken(folder: Path) -> None:
    """Two jobs in one run folder, or one beside a run of this machine.  Errors: UserError."""
    for home in (folder, *folder.parents[1].glob("sweep-*")):  # no other job can have it
        job = home / "job" / "job.json"
        record = _job_record(job) if files.exists(job) else {}
        if shown(folder) not in (record.get("workdirs") or ()):
            continue
        state = jobs.state_of(record)
        if state in ("waiting", "running"):
            raise UserError(
                f"this run is job {record['id']} already ({state}); ./lab status shows it, "
                f"./lab cancel {shown(home)} ends it"
            )
        if state != "gone":
            raise UserError(
                f"this run is job {record['id']}, and whether it still runs is {state}; ask again, "
                "or start another with --fresh"
            )
    try:
        store.lock(folder).close()
    except store.Busy as busy:
        said = f"{shown(folder)} cannot be sent, it may be computed on this machine: it {busy}"
        raise UserError(said) from None


def _job_record(job: Path) -> dict:
    """Errors: UserError where it is damaged: whose runs it sent is not known then."""
    try:
        return store.read_json(job)
    except (UserError, files.FileError) as error:
        raise UserError(
            f"{error}; what it sent may still run: start another with --fresh"
        ) from None


def _refuse_if_unread(slug: str, preset: str) -> None:
    """A submitted run whose run.json is damaged may be the one that is asked for.

    Errors: UserError.
    """
    lost = [f.parent for f in store.runs(slug, preset) if not store.peek(f)]
    sweeps = (results() / "runs" / slug).glob("sweep-*/job/job.json") if lost else ()
    sent = {w for job in sweeps for w in _job_record(job).get("workdirs", ())}
    for folder in lost:
        if files.exists(folder / "job") or shown(folder) in sent:
            raise UserError(
                f"{shown(folder)} was submitted and its run.json is damaged: it may be this run; "
                "start another with --fresh"
            )


def _stub(slug: str, preset: str, cell: Cell) -> dict:
    """run.json of a run that has not started: enough to find and to continue it."""
    plain = settings.plain(cell.cfg)
    return {
        "schema": store.SCHEMA,
        "experiment": slug,
        "preset": preset,
        "config": plain,
        "overrides": settings.changed(plain, settings.plain(settings.get(slug, preset))),
        "identity": cell.who,
        "fingerprint": fingerprint.fingerprint(slug),
        "versions": provenance.versions(),
        "status": "submitted",
    }


def text(value: dict) -> str:
    """What `submit` did or, dry, would do."""
    lines = [f"finished, left out: {f}" for f in value["finished"]]
    if not value.get("files") and "id" not in value:
        return "\n".join([*lines, value["note"]])
    for name, content in value.get("files", {}).items():
        lines += [f"# ---- {name} {'-' * max(1, 90 - len(name))}", content.rstrip()]
    count = len(value["cells"])
    what = f"{count} cells" if count > 1 else "1 run"
    if value["dry_run"]:
        lines.append(f"# {what}; nothing was submitted (--dry-run)")
    else:
        lines.append(f"submitted {what} as job {value['id']}; folder: {value['folder']}")
        lines.append(f"next: ./lab status   ./lab logs {value['id']}")
    return "\n".join(lines)
