"""`./lab submit`, `status`, `logs`, `fetch`, `cancel`: runs that compute elsewhere.

A submitted run is a run folder like any other with job/ in it: job.json (target, id, what was
asked), the very files that the engine got, and what the job printed. There is no other record.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

from common.claims import digest
from launch import settings
from launch.compute import run
from launch.errors import UserError
from launch.paths import results, shown
from launch.record import fingerprint, provenance, store
from launch.scale import targets
from launch.terminal import duration, quoted, table

RECORD = dict.fromkeys(  # what job.json must hold
    ("id", "on", "engine", "experiment", "preset", "folder", "chips", "name", "command",
     "submitted"), str,
) | {"target": dict, "workdirs": list, "arguments": list}  # fmt: skip


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
    chosen: list[tuple] = []
    kept: list[tuple] = []
    seen = set()
    for overrides in cells:
        cfg = settings.get(slug, preset, overrides)
        if cfg.get("needs") == "accelerator" and not getattr(target, "accelerated", True):
            raise UserError(
                f"{slug}:{preset} needs an accelerator: --set gpus_per_node=8, or add needs= to "
                "compute on CPUs"
            )
        who = run.identity(slug, settings.plain(cfg))
        if who in seen:  # the same cell, written twice
            continue
        seen.add(who)
        done = None if fresh else store.find(slug, preset, who, done=True)
        (kept if done else chosen).append((overrides, cfg, who, done))
    value: dict[str, Any] = {
        "experiment": slug,
        "preset": preset,
        "on": on,
        "engine": targets.engine_of(target),
        "target": dataclasses.asdict(target),
        "finished": [shown(done) for *_, done in kept],
        "dry_run": dry,
    }
    if not chosen:
        return value | {"files": {}, "note": "every cell is finished; nothing was submitted"}
    folders = [_folder(slug, preset, who, dry, fresh) for _, _, who, _ in chosen]
    if len(chosen) > 1:
        items = sorted(" ".join(o) for o, *_ in chosen)
        home = results() / "runs" / slug / f"sweep-{digest([preset, *items])}"
    else:
        home = folders[0]
    command = provenance.command().replace(" --dry-run", "")
    job = targets.Job(
        name=re.sub(r"[^a-z0-9]+", "-", f"{slug}-{preset}-{home.name[-6:]}".lower()).strip("-"),
        folder=home,
        cells=tuple((f"{slug}:{preset}", *overrides) for overrides, *_ in chosen),
        chips=chips,
        workdirs=tuple(shown(f) for f in folders),
        again=command,
    )
    files = target.render(job)
    value |= {"folder": shown(home), "cells": [" ".join(o) for o, *_ in chosen], "files": files}
    if dry:
        return value
    for (overrides, cfg, who, _), folder in zip(chosen, folders, strict=True):
        if not (folder / "run.json").exists():
            store.write_json(folder / "run.json", _stub(slug, preset, overrides, cfg, who))
    for name, content in files.items():
        store.write_text(home / "job" / name, content)
    if hasattr(target, "check"):
        target.check(job)
    record = value | {"id": target.submit(job), "submitted": provenance.now()}
    record |= {"chips": chips, "command": command}
    record |= {"workdirs": list(job.workdirs), "name": job.name}
    record["arguments"] = [list(c) for c in job.cells]
    del record["files"]
    try:
        store.write_json(home / "job" / "job.json", record)
    except OSError as error:
        raise UserError(f"submitted as job {record['id']}, but not recorded: {error}") from None
    return record


def _folder(slug: str, preset: str, who: str, dry: bool, fresh: bool) -> Path:
    """The unfinished run to continue, or a new folder (a dry run only names one)."""
    found = None if fresh else store.find(slug, preset, who, done=False)
    if found is None:
        return store.unused(slug, preset) if dry else store.create(slug, preset)
    if not dry:
        _refuse_if_taken(found)
    return found


def _refuse_if_taken(folder: Path) -> None:
    """Two jobs in one run folder, or one beside a run of this machine.  Errors: UserError."""
    for home in jobs():
        record = store.peek(home / "job" / "job.json")
        if shown(folder) not in (record.get("workdirs") or ()):
            continue
        state = _engine_state(record)
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
    except store.Busy:
        raise UserError(f"{shown(folder)} is being computed on this machine already") from None


def _stub(slug: str, preset: str, overrides: list[str], cfg, who: str) -> dict:
    """run.json of a run that has not started: enough to find and to continue it."""
    plain = settings.plain(cfg)
    return {
        "schema": store.SCHEMA,
        "experiment": slug,
        "preset": preset,
        "config": plain,
        "overrides": settings.changed(plain, settings.plain(settings.get(slug, preset))),
        "identity": who,
        "fingerprint": fingerprint.fingerprint(slug),
        "versions": provenance.versions(),
        "status": "submitted",
    }


# --- what became of it ---------------------------------------------------------------------------


def jobs() -> list[Path]:
    """Folders of submitted jobs, newest first: runs, and sweeps.

    Nothing inside a run is searched: what it computes with comes and goes meanwhile.
    """
    home = results() / "runs"
    files = [*home.glob("*/*/*/job/job.json"), *home.glob("*/sweep-*/job/job.json")]
    return [p.parents[1] for p in sorted(files, key=_age, reverse=True)]


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # deleted meanwhile
        return 0.0


def _record(folder: Path) -> dict:
    """What was submitted.  Errors: UserError where job.json is damaged."""
    file = folder / "job" / "job.json"
    record = store.read_json(file)
    wrong = [k for k, kind in RECORD.items() if not isinstance(record.get(k), kind)]
    if wrong:
        raise UserError(f"{file} is damaged (its {wrong[0]}); what was computed is beside it")
    return record


def job_of(record: dict) -> targets.Job:
    cells = tuple(tuple(c) for c in record["arguments"])
    folder, dirs = Path(record["folder"]), tuple(record["workdirs"])
    return targets.Job(record["name"], folder, cells, record["chips"], dirs)


def _engine_state(record: dict, silent: dict[str, str] | None = None) -> str:
    """silent: what was said of targets that do not answer; they are not waited for again."""
    silent = {} if silent is None else silent
    target = repr((record["engine"], record["target"]))
    if target not in silent:
        try:
            return targets.again(record).status(record["id"])
        except UserError as error:
            silent[target] = f"unknown ({error})"
    return silent[target]


def rows() -> list[dict]:
    """A record for each job: id, engine's state, how far its runs are, what to do next."""
    found: list[dict] = []
    silent: dict[str, str] = {}
    for folder in jobs():
        try:
            found.append(_row(folder, silent))
        except UserError as error:  # the others are told all the same
            empty: dict[str, Any] = dict.fromkeys(("on", "name", "submitted", "next"), "")
            empty |= dict.fromkeys(("done", "runs", "attempts", "seconds"), 0)
            row = {"id": folder.name, "state": "damaged", "folder": shown(folder)}
            found.append(empty | row | {"error": str(error)})
    return found


def _row(folder: Path, silent: dict[str, str]) -> dict:
    record = _record(folder)
    target, job = targets.again(record), job_of(record)
    runs = [store.peek(Path(w) / "run.json") for w in record["workdirs"]]
    states = [r.get("status", "submitted") for r in runs]
    done = states.count("done")
    errors = [r["error"] for r in runs if r.get("status") == "failed" and r.get("error")]
    again = f"{record['experiment']}:{record['preset']}"
    here = quoted(shown(folder))
    if done == len(states):
        state, todo = "done", f"./lab report {here}" if len(runs) == 1 else ""
    elif (engine := _engine_state(record, silent)) != "gone":
        state, todo = engine, f"./lab logs {here}"
    elif "cancelled" in record:
        state, todo = "cancelled", record["command"]
    elif hasattr(target, "fetch"):
        state, todo = "ended", f"./lab fetch {here}"
    elif set(states) == {"submitted"} and target.logs(job, record["id"]):
        state, todo = "failed", f"./lab logs {here}"
        errors = ["ended before it computed anything; its log says why"]
    else:
        state, todo = "failed" if errors else "lost", record["command"]
    spent = sum((r.get("seconds") or 0) + (r.get("seconds_before") or 0) for r in runs)
    return {
        "id": record["id"],
        "on": record["on"],
        "name": again,
        "state": state,
        "done": done,
        "runs": len(states),
        "attempts": max([r.get("attempts") or 0 for r in runs], default=0),
        "seconds": spent,
        "submitted": record["submitted"],
        "folder": shown(folder),
        "error": errors[0] if errors else "",
        "next": todo,
    }


def find(name: str, *, only: bool = False) -> Path:
    """The newest job that an id, a run folder (of a cell, too) or an experiment's name means.

    only: there must be one.  Errors: UserError.
    """
    folder = Path(name).absolute()
    if name and (folder / "job" / "job.json").exists():
        return folder
    found = []
    for home in jobs():
        record = store.peek(home / "job" / "job.json")
        slug = record.get("experiment")
        names = (record.get("id"), slug, f"{slug}:{record.get('preset')}", record.get("name"))
        if name and (name in names or shown(folder) in (record.get("workdirs") or ())):
            found.append(home)
    if not found:
        raise UserError(f"no submitted job {name!r}; ./lab status lists them")
    if only and len(found) > 1:
        raise UserError(f"{len(found)} jobs are called {name!r}: give one's folder (./lab status)")
    return found[0]


def logs_command(folder: Path, follow: bool) -> list[str]:
    """The command that shows what a job says; empty where it has said nothing yet."""
    record = _record(folder)
    command = targets.again(record).logs(job_of(record), record["id"])
    if follow and command[:1] == ["tail"]:
        command.insert(1, "-F")
    elif follow and command[:1] == ["kubectl"]:
        command.append("-f")
    elif follow:  # sky follows unless told not to
        command = [word.replace("--no-follow ", "") for word in command if word != "--no-follow"]
    return command


def cancel(folder: Path) -> dict:
    """End a job; what it saved is kept."""
    record = _record(folder)
    value = {"folder": shown(folder), "id": record["id"]}
    if _engine_state(record) == "gone":
        return value | {"cancelled": False}
    targets.again(record).cancel(record["id"])
    store.write_json(folder / "job" / "job.json", record | {"cancelled": provenance.now()})
    return value | {"cancelled": True}


def fetch(folder: Path) -> dict:
    """Bring the run folders of a job here, where its engine keeps them elsewhere."""
    record = _record(folder)
    target, job = targets.again(record), job_of(record)
    error = ""
    if hasattr(target, "fetch"):
        try:
            target.fetch(job)
        except UserError as refused:  # a cell that has not begun: the others may have come
            error = str(refused)
    found = [w for w in record["workdirs"] if (Path(w) / "arrays.npz").exists()]
    if error and not found:
        raise UserError(error)
    value = {"folder": shown(folder), "runs": len(record["workdirs"])}
    return value | {"arrived": found, "error": error}


# --- words ---------------------------------------------------------------------------------------


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


def status_text(found: list[dict]) -> str:
    """Jobs, newest first."""
    if not found:
        return "no job was submitted from here; ./lab submit NAME --on slurm --dry-run shows one"
    cells = [
        [r["id"], r["name"], r["on"], r["state"], f"{r['done']}/{r['runs']}", str(r["attempts"]),
         duration(r["seconds"]), r["submitted"], r["next"]]
        for r in found
    ]  # fmt: skip
    header = ["job", "what", "on", "state", "done", "starts", "computed", "submitted", "next"]
    said = [f"{r['id']}: {r['error']}" for r in found if r["error"]]
    return "\n".join([table(cells, header), *said])
