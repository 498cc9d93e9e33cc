"""What became of submitted runs: `./lab status`, `logs`, `fetch`, `cancel`."""

import os
from pathlib import Path
from typing import Any

from launch.errors import UserError
from launch.paths import results, shown
from launch.record import provenance, store
from launch.record.checks import cut
from launch.scale import targets
from launch.terminal import duration, quoted, table


def folders() -> list[Path]:
    """Folders of submitted jobs, newest first: runs, and sweeps.

    Nothing inside a run is searched: what it computes with comes and goes meanwhile.
    """
    home = results() / "runs"
    files = [p / "job.json" for way in ("*/*/*/job", "*/sweep-*/job") for p in home.glob(way)]
    there = [f for f in files if os.path.lexists(f)]
    return [f.parents[1] for f in sorted(there, key=_age, reverse=True)]


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # deleted meanwhile
        return 0.0


def _read(folder: Path) -> dict:
    """What was submitted.  Errors: UserError where job.json is damaged."""
    file = folder / "job" / "job.json"
    record = store.read_json(file)
    try:
        targets.again(record)
    except UserError as error:
        raise UserError(f"{file} is damaged: {error}; what was computed is beside it") from None
    return record


def _job(record: dict) -> targets.Job:
    cells = tuple(tuple(c) for c in record["arguments"])
    folder, dirs = Path(record["folder"]), tuple(record["workdirs"])
    return targets.Job(record["name"], folder, cells, record["chips"], dirs)


def state_of(record: dict, silent: dict[str, str] | None = None) -> str:
    """What the engine says of a job.

    silent: what was said of targets that do not answer; they are not waited for again.
    """
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
    for folder in folders():
        try:
            found.append(_row(folder, silent))
        except UserError as error:  # the others are told all the same
            empty: dict[str, Any] = dict.fromkeys(("on", "name", "submitted", "next"), "")
            empty |= dict.fromkeys(("done", "runs", "attempts", "seconds"), 0)
            row = {"id": folder.name, "state": "damaged", "folder": shown(folder)}
            found.append(empty | row | {"error": str(error)})
    return found


def _row(folder: Path, silent: dict[str, str]) -> dict:
    record = _read(folder)
    target, job = targets.again(record), _job(record)
    runs = [store.peek(Path(w) / "run.json") for w in record["workdirs"]]
    states = [r.get("status", "submitted") for r in runs]
    done = states.count("done")
    errors = [r["error"] for r in runs if r.get("status") == "failed" and r.get("error")]
    again = f"{record['experiment']}:{record['preset']}"
    here = quoted(shown(folder))
    if done == len(states):
        state, todo = "done", f"./lab report {here}" if len(runs) == 1 else ""
    elif (engine := state_of(record, silent)) != "gone":
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
    spent = sum(store.seconds(r) for r in runs)
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
    if name and os.path.lexists(folder / "job" / "job.json"):
        return folder
    found = []
    for home in folders():
        record = store.peek(home / "job" / "job.json")
        slug = record.get("experiment")
        names = (record.get("id"), slug, f"{slug}:{record.get('preset')}", record.get("name"))
        if name and (name in names or shown(folder) in (record.get("workdirs") or ())):
            found.append(home)
    if not found:
        raise UserError(f"no submitted job '{cut(name)}'; ./lab status lists them")
    if only and len(found) > 1:
        raise UserError(f"{len(found)} jobs are called {name!r}: give one's folder (./lab status)")
    return found[0]


def logs_command(folder: Path, follow: bool) -> list[str]:
    """The command that shows what a job says; empty where it has said nothing yet."""
    record = _read(folder)
    command = targets.again(record).logs(_job(record), record["id"])
    if follow and command[:1] == ["tail"]:
        command.insert(1, "-F")
    elif follow and command[:1] == ["kubectl"]:
        command.append("-f")
    elif follow:  # sky follows unless told not to
        command = [word.replace("--no-follow ", "") for word in command if word != "--no-follow"]
    return command


def cancel(folder: Path) -> dict:
    """End a job; what it saved is kept."""
    record = _read(folder)
    value = {"folder": shown(folder), "id": record["id"]}
    if state_of(record) == "gone":
        return value | {"cancelled": False}
    targets.again(record).cancel(record["id"])
    store.write_json(folder / "job" / "job.json", record | {"cancelled": provenance.now()})
    return value | {"cancelled": True}


def fetch(folder: Path) -> dict:
    """Bring the run folders of a job here, where its engine keeps them elsewhere."""
    record = _read(folder)
    _demand_own(folder, record)
    target, job = targets.again(record), _job(record)
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


def _demand_own(folder: Path, record: dict) -> None:
    """What is fetched lands in the job's own run folders.  Errors: UserError for other places."""
    home = folder.resolve()
    places = [Path(w).resolve() for w in record["workdirs"]]
    own = places == [home]
    if home.name.startswith("sweep-"):  # its cells are runs of the same experiment
        own = all(p.parent.parent == home.parent for p in places)
    linked = any(Path(w).is_symlink() for w in record["workdirs"])
    if Path(record["folder"]).resolve() != home or not own or linked:
        raise UserError(
            f"{folder / 'job/job.json'} names folders that are not its own; nothing was fetched: "
            "was it moved here? Put it back where it was submitted from"
        )


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
