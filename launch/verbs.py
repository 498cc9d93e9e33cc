"""The verbs of ./lab that are of this machine: what they are given, what they call, what they say.

A verb takes the parsed command line and returns its exit status. What it needs is imported when it
is called: those that only read load neither JAX nor scipy.stats.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout

from launch import settings
from launch.errors import UserError
from launch.paths import MANY, place, seed_list, shown, split, verdict_seeds


def show(parsed, value: dict | list, text: Callable[[], str] | str) -> None:
    """What a verb found: `value` with --json, else `text`."""
    if parsed.json:
        from launch.record.store import cleaned

        print(json.dumps(cleaned(value), indent=1, sort_keys=True))
    else:
        print(text() if callable(text) else text)


def _list(parsed) -> int:
    from launch.read import listing

    rows = listing.rows(parsed.words)
    show(parsed, rows, lambda: listing.text(rows))
    return 0


def _run(parsed) -> int:
    from launch.compute import stop

    with stop.heard(parsed.name):
        return _run_it(parsed)


def _run_it(parsed) -> int:
    from launch.compute import cluster, processes, run
    from launch.make import check
    from launch.read import cards, report
    from launch.record import store
    from launch.scale import plan

    if parsed.workdir is not None:  # before anything is loaded
        parsed.workdir = place(parsed.workdir, "--workdir")
    if parsed.name.partition(":")[0] in MANY:
        return _run_all(parsed)
    job = settings.job(*split(parsed.name), parsed.overrides)
    settings.complete(job.slug)  # what would fail after computing is told before it
    report.load_claims(job.slug)
    if "REPRISE_WORKER" not in os.environ:  # each of several would say it
        check.warn(job.slug)
    if processes.wanted(parsed.processes):
        return processes.run(parsed, job)
    where, fresh = parsed.workdir, parsed.fresh
    folder = run.execute(job, workdir=where, fresh=fresh, predict=plan.here)
    if cluster.index() > 0:
        return 0
    verdicts = report.write(folder)
    info = store.read_json(folder / "run.json")
    value = info | {"folder": shown(folder), "verdicts": [cards.record(v) for v in verdicts]}
    show(parsed, value, lambda: f"{run.finished_line(folder)}\n{cards.run_text(folder)}")
    return 0


def _report(parsed) -> int:
    from launch.read import cards, report
    from launch.record import store

    folder = store.locate(parsed.name)
    verdicts = report.write(folder)
    value = {"folder": shown(folder), "verdicts": [cards.record(v) for v in verdicts]}
    show(parsed, value, lambda: cards.run_text(folder))
    return 0


def _verify(parsed) -> int:
    from launch.compute import verify
    from launch.make import check
    from launch.read import cards, report

    slug, preset = split(parsed.name)
    if any(item.partition("=")[0].strip() == "seeds" for item in parsed.overrides):
        raise UserError(
            "verdict seeds are no setting: ./lab verify NAME decides on them; --seeds 2000-2004 "
            "on others, without the ledger"
        )
    check.refuse(slug)
    seeds = verdict_seeds(slug) if parsed.seeds is None else seed_list(parsed.seeds)
    official = parsed.seeds is None and report.is_official(slug, seeds, parsed.overrides)
    job = settings.job(slug, preset, [*parsed.overrides, f"seeds={seeds}"])
    decided = verify.verify(job, ledger=official)
    ok = verify.holds(decided)
    value = {
        "experiment": slug,
        "preset": preset,
        "seeds": list(seeds),
        "ledger": official,
        "holds": ok,
        "verdicts": [
            cards.record(d.verdict) | {"control": d.control, "headline": d.claim.headline}
            for d in decided
        ],
    }
    show(parsed, value, lambda: cards.verify_text(slug, preset, decided, seeds, official))
    return 0 if ok else 1


def _refresh(parsed) -> int:
    from launch.compute import refresh

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what it started ends with it
    records = refresh.refresh(parsed.names, preset=parsed.preset, jobs=parsed.jobs)
    show(parsed, records, lambda: refresh.text(records))
    return refresh.status(records)


def _compare(parsed) -> int:
    from launch.read import compare

    value = compare.compare(*compare.two_runs(parsed.runs))
    show(parsed, value, lambda: compare.text(value))
    return 0


def _cite(parsed) -> int:
    from launch.read import cite

    found = cite.entries(split(parsed.name)[0] if parsed.name else "")
    show(
        parsed, {k: e._asdict() | {"bibtex": e.bibtex} for k, e in found.items()}, cite.text(found)
    )
    return 0


def _check(parsed) -> int:
    from launch.make import check

    found = {name: check.findings(name) for name in check.names(parsed.names)}
    value = {name: [x._asdict() for x in some] for name, some in found.items()}
    show(parsed, value, lambda: check.text(found))
    return 1 if any(found.values()) else 0


def _new(parsed) -> int:
    from launch.make import new

    folder = new.new(parsed.name)
    show(parsed, {"folder": shown(folder)}, lambda: new.text(folder))
    return 0


def _fork(parsed) -> int:
    from launch.make import fork

    parent = split(parsed.name)[0]
    folder = fork.fork(parent, parsed.new)
    show(parsed, {"folder": shown(folder)}, lambda: fork.text(folder, parent))
    return 0


def _data(parsed) -> int:
    from launch import datasets

    rows = datasets.rows(parsed.sets)
    show(parsed, rows, lambda: datasets.text(rows))
    return 0


def _gallery(parsed) -> int:
    from launch.read import gallery

    pages = gallery.write()
    show(parsed, pages, "\n".join(pages.values()))
    return 0


def _doctor(parsed) -> int:
    from launch import doctor

    rows = doctor.rows()
    show(parsed, rows, lambda: doctor.text(rows))
    return 1 if any(r["state"] == "broken" for r in rows) else 0


def first() -> int:
    """`./lab` alone."""
    from launch.compute import everything
    from launch.scale import plan

    print(everything.first_text(everything.first(plan.here)))
    return 0


def _run_all(parsed) -> int:
    from launch.compute import everything
    from launch.scale import plan

    if parsed.overrides or parsed.workdir or parsed.processes:
        raise UserError(f"run {parsed.name} takes --fresh alone; settings are of one paper")
    papers, preset = everything.several(parsed.name)
    with redirect_stdout(sys.stderr) if parsed.json else nullcontext():
        rows = everything.run_all(papers, preset, predict=plan.here, fresh=parsed.fresh)
    show(parsed, rows, lambda: everything.text(rows))
    return 1 if any(r["error"] for r in rows) else 0


VERBS = {
    "list": _list,
    "run": _run,
    "report": _report,
    "verify": _verify,
    "refresh": _refresh,
    "compare": _compare,
    "cite": _cite,
    "check": _check,
    "new": _new,
    "fork": _fork,
    "data": _data,
    "gallery": _gallery,
    "doctor": _doctor,
}
