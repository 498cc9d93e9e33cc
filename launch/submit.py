"""`./lab submit`, `status`, `logs`, `fetch`, `cancel`: runs that compute elsewhere.

A submitted run is a run folder like any other with job/ in it: job.json (target, id, what was
asked), the very files that the engine got, and what the job printed. There is no other record.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

from common.claims import digest
from launch import fingerprint, provenance, run, settings, store, targets
from launch.errors import UserError
from launch.paths import results, shown
from launch.terminal import duration, table


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
    for overrides in cells:
        cfg = settings.get(slug, preset, overrides)
        who = run.identity(slug, settings.plain(cfg))
        done = None if fresh else store.find(slug, preset, who, done=True)
        (kept if done else chosen).append((overrides, cfg, who, done))
    value: dict[str, Any] = {
        "experiment": slug,
        "preset": preset,
        "on": on,
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
    job = targets.Job(
        name=re.sub(r"[^a-z0-9]+", "-", f"{slug}-{preset}-{home.name[-6:]}".lower()).strip("-"),
        folder=home,
        cells=tuple((f"{slug}:{preset}", *overrides) for overrides, *_ in chosen),
        chips=chips,
        workdirs=tuple(shown(f) for f in folders),
        again=provenance.command().replace(" --dry-run", ""),
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
    record |= {"changes": changes, "chips": chips, "command": provenance.command()}
    record |= {"workdirs": list(job.workdirs), "name": job.name}
    record["arguments"] = [list(c) for c in job.cells]
    del record["files"]
    store.write_json(home / "job" / "job.json", record)
    return record


def _folder(slug: str, preset: str, who: str, dry: bool, fresh: bool) -> Path:
    """The unfinished run to continue, or a new folder (a dry run only names one)."""
    found = None if fresh else store.find(slug, preset, who, done=False)
    if found is None:
        return store.unused(slug, preset) if dry else store.create(slug, preset)
    record = store.peek(found / "job" / "job.json")
    if record and not dry and _engine_state(record) in ("waiting", "running"):
        raise UserError(
            f"this run is job {record['id']} already ({_engine_state(record)}); "
            f"./lab status shows it, ./lab cancel {shown(found)} ends it"
        )
    return found


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
    return [p.parents[1] for p in sorted(files, key=lambda p: -p.stat().st_mtime)]


def target_of(record: dict) -> Any:
    return targets.named(record["on"], record["changes"])


def job_of(record: dict) -> targets.Job:
    cells = tuple(tuple(c) for c in record["arguments"])
    folder, dirs = Path(record["folder"]), tuple(record["workdirs"])
    return targets.Job(record["name"], folder, cells, record["chips"], dirs)


def _engine_state(record: dict) -> str:
    try:
        return target_of(record).status(record["id"])
    except UserError as error:
        return f"unknown ({error})"


def rows() -> list[dict]:
    """A record for each job: id, engine's state, how far its runs are, what to do next."""
    return [_row(folder) for folder in jobs()]


def _row(folder: Path) -> dict:
    record = store.read_json(folder / "job" / "job.json")
    engine = _engine_state(record)
    runs = [store.peek(Path(w) / "run.json") for w in record["workdirs"]]
    states = [r.get("status", "submitted") for r in runs]
    done = states.count("done")
    again = f"{record['experiment']}:{record['preset']}"
    if done == len(states):
        state, todo = "done", f"./lab report {shown(folder)}" if len(runs) == 1 else ""
    elif engine == "gone" and hasattr(target_of(record), "fetch"):
        state, todo = "ended", f"./lab fetch {shown(folder)}"
    elif engine == "gone":
        state, todo = "lost", record["command"].replace(" --dry-run", "")
    else:
        state, todo = engine, f"./lab logs {shown(folder)}"
    errors = [r["error"] for r in runs if r.get("status") == "failed" and r.get("error")]
    if errors and engine == "gone":
        state = "failed"
    spent = sum(r.get("seconds", 0.0) + r.get("seconds_before", 0.0) for r in runs)
    return {
        "id": record["id"],
        "on": record["on"],
        "name": again,
        "state": state,
        "done": done,
        "runs": len(states),
        "attempts": max([r.get("attempts", 0) for r in runs], default=0),
        "seconds": spent,
        "submitted": record["submitted"],
        "folder": shown(folder),
        "error": errors[0] if errors else "",
        "next": todo,
    }


def find(name: str) -> Path:
    """The job that a run folder, an id or an experiment's name means.  Errors: UserError."""
    folder = Path(name)
    if (folder / "job" / "job.json").exists():
        return folder.absolute()
    for found in jobs():
        record = store.peek(found / "job" / "job.json")
        if name in (record.get("id"), record.get("experiment"), record.get("name")):
            return found
        if name == f"{record.get('experiment')}:{record.get('preset')}":
            return found
    raise UserError(f"no submitted job {name!r}; ./lab status lists them")


def logs_command(folder: Path, follow: bool) -> list[str]:
    """The command that shows what a job says; empty where it has said nothing yet."""
    record = store.read_json(folder / "job" / "job.json")
    command = target_of(record).logs(job_of(record), record["id"])
    if follow and command[:1] == ["tail"]:
        command.insert(1, "-F")
    elif follow and command[:1] == ["kubectl"]:
        command.append("-f")
    elif follow:  # sky follows unless told not to
        command = [word.replace("--no-follow ", "") for word in command if word != "--no-follow"]
    return command


def cancel(folder: Path) -> dict:
    """End a job; what it saved is kept."""
    record = store.read_json(folder / "job" / "job.json")
    target_of(record).cancel(record["id"])
    return {"folder": shown(folder), "id": record["id"], "cancelled": True}


def fetch(folder: Path) -> dict:
    """Bring the run folders of a job here, where its engine keeps them elsewhere."""
    record = store.read_json(folder / "job" / "job.json")
    target, job = target_of(record), job_of(record)
    if hasattr(target, "fetch"):
        target.fetch(job)
    found = [w for w in record["workdirs"] if (Path(w) / "arrays.npz").exists()]
    return {"folder": shown(folder), "runs": len(record["workdirs"]), "arrived": found}


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
