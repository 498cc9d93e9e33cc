"""The verbs of ./lab. Read-only verbs import neither jax nor scipy.stats."""

import argparse
import errno
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

from launch.errors import UserError, nearest
from launch.paths import MANY, seed_list, shown, split, verdict_seeds

PLACE = (  # a folder or disk that cannot be written, a name that cannot be a file's
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR,
    errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG,
)  # fmt: skip
ABOUT = "Papers rerun: figures drawn, claims decided by a program."
EPILOG = """NAME is an experiment, with a preset and settings where wanted:
  ./lab run matrix_sensing            the laptop preset
  ./lab run score_sde:smoke lr=1e-3   another preset, one setting changed
  ./lab run all                       every paper, cheapest first (or theme:diffusion)
without a verb ./lab reruns one paper, decides its claims and writes the pages of all"""


def guarded(action: Callable[[], int]) -> int:
    """Exit status of an action; a user's mistake is one line, never a traceback."""
    if os.environ.get("REPRISE_WORKER"):
        from launch.compute import cluster

        try:
            return cluster.leave(_guarded(action))
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            if cluster.collateral(error):
                cluster.wait_for_the_name()
            return cluster.leave(1)
    return _guarded(action)


def _guarded(action: Callable[[], int]) -> int:
    try:
        try:
            return action()
        finally:
            sys.stdout.flush()  # a reader that left is met here, not at the interpreter's end
    except UserError as error:
        return _failed(str(error), 2)
    except BrokenPipeError:
        left = [stream for stream in (1, 2) if _reader_left(stream)]
        if not left:  # not what is read here: some other pipe
            raise
        for stream in left:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return _failed("interrupted", 130)
    except OSError as error:
        if error.errno not in PLACE:
            raise
        return _failed(f"{error.strerror}: {error.filename or 'a file that was written'}", 2)
    except Exception as error:
        if type(error).__name__ == "Interrupted":
            from launch.compute.run import STOPPED

            where = shown(error.folder)  # type: ignore[attr-defined]
            print(f"saved in {where}; to continue: {_again()}", file=sys.stderr)
            return STOPPED
        if type(error).__name__ == "DataError":
            return _failed(str(error), 2)
        raise


def _reader_left(stream: int) -> bool:
    """Whether what reads this output is gone: `./lab list | head -1`.

    Not left to SIGPIPE's default: that also kills a run whose libraries write to a socket of their
    own that is closed already.
    """
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _failed(message: str, status: int) -> int:
    from launch.terminal import coloured

    print(f"{coloured('error:', 'red', sys.stderr)} {message}", file=sys.stderr)
    return status


def _again() -> str:
    from launch.record.provenance import command

    return command()


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    main = Parser(prog="./lab", description=ABOUT, epilog=EPILOG, formatter_class=raw)
    verbs = main.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)

    def verb(name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        parser = verbs.add_parser(name, help=text, description=text)
        parser.add_argument("--json", action="store_true", help="print JSON")
        for argument in arguments:
            if argument == "name":
                parser.add_argument("name", help="NAME[:preset]")
            elif argument == "overrides":
                parser.add_argument("overrides", nargs="*", metavar="key=value")
        return parser

    papers = verb("list", "the papers by theme: verdicts, times, stale or fresh")
    papers.add_argument(
        "words", nargs="*", metavar="WORD", help="of name, title or authors; theme:NAME"
    )
    run = verb("run", "compute, then draw and decide (or: all, theme:NAME)", "name", "overrides")
    run.add_argument("--workdir", type=Path, help="run folder; continued if it holds this run")
    run.add_argument("--fresh", action="store_true", help="start anew, continue nothing")
    run.add_argument("--processes", type=int, help="compute with N processes on this machine")
    verb(
        "report",
        "redraw and decide again from stored arrays (NAME[:preset] or a run folder)",
        "name",
    )
    verify = verb(
        "verify", "decide the claims on verdict seeds, with controls", "name", "overrides"
    )
    verify.add_argument("--seeds", help="2000-2004: other seeds, the ledger is not written")
    verb("compare", "two runs side by side").add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="one or two of: a run folder; NAME[:preset] key=value …, the newest finished run with"
        " exactly these settings (none: the preset as it stands). One alone is compared with the"
        " committed reference",
    )
    again = verb("refresh", "carry stale verdicts over to later code that computes the same bits")
    again.add_argument("names", nargs="*", metavar="NAME", help="experiments; none: all stale ones")
    again.add_argument("--preset", default="smoke", choices=("smoke", "laptop"), help="to compare")
    again.add_argument("--jobs", type=int, help="papers at once; default: as many as cores")
    sweep = verb("sweep", "a grid over settings: key=a,b,c …", "name", "overrides")
    sweep.add_argument("--dry-run", action="store_true", help="show the cells, run nothing")
    plan = verb(
        "plan",
        "memory, time and cost on hardware not at hand, before spending",
        "name",
        "overrides",
    )
    plan.add_argument("--on", default="", help="v5e-8,v6e-8,h100-8,cpu-1: topologies, one table")
    plan.add_argument("--price", default="", help="money a chip-hour: 1.2, or v5e=1.2,h100=3")
    plan.add_argument("--measure", action="store_true", help="also run the step, where it is here")
    plan.add_argument("--optimised", action="store_true", help="compile in full: minutes")
    plan.add_argument("--write", action="store_true", help="`plan all --write`: results/PLANS.md")
    verb("drill", "kill, stop, move and rob a run of this experiment", "name", "overrides")
    submit = verb("submit", "run it elsewhere: SLURM, cloud TPUs or GPUs", "name", "overrides")
    verb("status", "the submitted jobs")
    logs = verb("logs", "what a submitted job says (its id, NAME or folder)", "name")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as it says more")
    verb("fetch", "bring a submitted job's run folder here", "name")
    verb("cancel", "end a submitted job; what it saved is kept", "name")
    for parser in (submit, sweep):
        parser.add_argument("--on", help="slurm, tpu, gpu-cloud, gke, or a name of targets.toml")
        parser.add_argument("--set", action="append", default=[], help="a setting of the target")
        parser.add_argument("--chips", default="", help="clouds: v5e-8, h100-8 … (see ./lab plan)")
    submit.add_argument("--dry-run", action="store_true", help="print what would be submitted")
    submit.add_argument("--fresh", action="store_true", help="start anew, continue nothing")
    check = verb("check", "folders against the contract, before anything runs")
    check.add_argument("names", nargs="*", metavar="NAME", help="these; else every paper")
    new = verb("new", "a folder that keeps the contract, to be filled in")
    new.add_argument("name", help="name of the paper's folder")
    fork = verb("fork", "a working copy of an experiment", "name")
    fork.add_argument("new", help="name of the copy")
    data = verb("data", "the data sets: where they are, or fetch one")
    data.add_argument("sets", nargs="*", metavar="SET", help="fetch and check these")
    verb("gallery", "results/INDEX.md and the HTML pages")
    verb("test", "the tests (NAME: one paper; --all: the dear ones too; --kill; pytest's own)")
    verb("doctor", "what this machine has, what will not work and why")
    return main


class Parser(argparse.ArgumentParser):
    """argparse whose mistakes name the nearest right word."""

    def error(self, message: str):
        if "invalid choice" in message and "'" in message:
            word = message.split("'")[1]
            verbs = [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]
            message = f"no verb {word!r}; {nearest(word, verbs[0].choices)}" if verbs else message
        raise UserError(f"{message} (see {self.prog} --help)")


def main(argv: list[str] | None = None) -> int:
    """Run one verb; the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["test"]:
        from launch.make import testing

        return guarded(lambda: testing.run(arguments[1:]))

    def act() -> int:
        parsed, extra = _parser().parse_known_args(arguments)
        if extra:  # key=value after an option lands here
            takes = next((k for k in ("overrides", "runs") if hasattr(parsed, k)), "")
            unknown = [e for e in extra if e.startswith("-") or not takes]
            if unknown:
                raise UserError(f"unknown argument {unknown[0]!r} (see ./lab --help)")
            getattr(parsed, takes).extend(extra)
        return VERBS[parsed.verb](parsed) if parsed.verb else _first()

    return guarded(act)


def _print(parsed, value: dict | list, text: Callable[[], str] | str) -> None:
    if parsed.json:
        from launch.record.store import _clean

        print(json.dumps(_clean(value), indent=1, sort_keys=True))
    else:
        print(text() if callable(text) else text)


# ---- the verbs ----------------------------------------------------------------------------------


def _list(parsed) -> int:
    from launch.read import listing

    rows = listing.rows(parsed.words)
    _print(parsed, rows, lambda: listing.text(rows))
    return 0


def _run(parsed) -> int:
    from launch.compute import stop

    with stop.heard(parsed.name):
        return _run_it(parsed)


def _run_it(parsed) -> int:
    from launch import settings
    from launch.compute import cluster, processes, run
    from launch.make import check
    from launch.read import cards, report
    from launch.record import store

    if parsed.name.partition(":")[0] in MANY:
        return _run_all(parsed)
    slug, preset = split(parsed.name)
    cfg = settings.get(slug, preset, parsed.overrides)
    report.load_claims(slug)  # a wrong claims.toml is told before computing, not after
    if "REPRISE_WORKER" not in os.environ:  # each of several would say it
        check.warn(slug)
    if processes.wanted(parsed.processes):
        return processes.run(parsed, slug, preset, cfg)
    folder = run.execute(slug, preset, cfg, workdir=parsed.workdir, fresh=parsed.fresh)
    if cluster.index() > 0:
        return 0
    verdicts = report.write(folder)
    info = store.read_json(folder / "run.json")
    value = info | {"folder": shown(folder), "verdicts": [cards.record(v) for v in verdicts]}
    _print(parsed, value, lambda: f"{run.finished_line(folder)}\n{cards.run_text(folder)}")
    return 0


def _report(parsed) -> int:
    from launch.read import cards, report
    from launch.record import store

    folder = store.locate(parsed.name)
    verdicts = report.write(folder)
    value = {"folder": shown(folder), "verdicts": [cards.record(v) for v in verdicts]}
    _print(parsed, value, lambda: cards.run_text(folder))
    return 0


def _verify(parsed) -> int:
    from launch.compute import verify
    from launch.read import cards, report

    slug, preset = split(parsed.name)
    seeds = seed_list(parsed.seeds) if parsed.seeds else verdict_seeds(slug)
    official = report.is_official(slug, seeds, parsed.overrides)
    decided = verify.verify(slug, preset, parsed.overrides, seeds, ledger=official)
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
    _print(parsed, value, lambda: cards.verify_text(slug, preset, decided, seeds, official))
    return 0 if ok else 1


def _refresh(parsed) -> int:
    from launch.compute import refresh

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what it started ends with it
    records = refresh.refresh(parsed.names, preset=parsed.preset, jobs=parsed.jobs)
    _print(parsed, records, lambda: refresh.text(records))
    return refresh.status(records)


def _compare(parsed) -> int:
    from launch.read import compare

    value = compare.compare(*compare.two_runs(parsed.runs))
    _print(parsed, value, lambda: compare.text(value))
    return 0


def _sweep(parsed) -> int:
    from launch.compute import sweep

    slug, preset = split(parsed.name)
    if parsed.on is not None:
        return _send(parsed, slug, preset, sweep.grid(parsed.overrides))
    if parsed.set or parsed.chips:
        raise UserError("--set and --chips are of a sweep that is sent away: --on slurm, tpu, …")
    value = sweep.sweep(slug, preset, parsed.overrides, dry=parsed.dry_run)
    _print(parsed, value, lambda: sweep.text(value))
    return 0


def _plan(parsed) -> int:
    from launch.record import store
    from launch.scale import hardware, page, plan, quote

    if parsed.name == "all":
        found = plan.everything(parsed.on)
        if parsed.write:
            store.write_text(page.TABLE, page.overview(found))
        _print(parsed, found, lambda: page.overview(found))
        return 0
    slug, preset = split(parsed.name, "paper")
    names = parsed.on or ("cpu-1" if parsed.measure or preset != "paper" else plan.DEFAULT)
    targets = [hardware.target(n) for n in names.split(",")]
    prices = hardware.prices(parsed.price, targets)
    how = {"measure": parsed.measure, "optimised": parsed.optimised}
    records = plan.plan(slug, preset, parsed.overrides, targets, **how)
    value = quote.answer(slug, preset, parsed.overrides, records, prices)
    _print(parsed, value, lambda: quote.text(value, prices))
    return 0 if any(r["fits"] for r in records) else 1


def _drill(parsed) -> int:
    from launch.scale import drill

    slug, preset = split(parsed.name, "smoke")
    value = drill.drill(slug, preset, parsed.overrides)
    _print(parsed, value, lambda: drill.text(value))
    return 0 if value["holds"] else 1


def _send(parsed, slug: str, preset: str, cells: list[list[str]]) -> int:
    from launch.make import check
    from launch.read import report
    from launch.scale import submit

    report.load_claims(slug)
    check.warn(slug)
    value = submit.submit(
        slug,
        preset,
        cells,
        parsed.on,
        parsed.set,
        chips=parsed.chips,
        dry=parsed.dry_run,
        fresh=getattr(parsed, "fresh", False),
    )
    _print(parsed, value, lambda: submit.text(value))
    return 0


def _submit(parsed) -> int:
    slug, preset = split(parsed.name)
    if not parsed.on:
        raise UserError("submit where? --on slurm, tpu, gpu-cloud, gke, or a name of targets.toml")
    return _send(parsed, slug, preset, [parsed.overrides])


def _status(parsed) -> int:
    from launch.scale import jobs

    rows = jobs.rows()
    _print(parsed, rows, lambda: jobs.status_text(rows))
    return 1 if any(r["state"] in ("failed", "lost", "damaged") for r in rows) else 0


def _logs(parsed) -> int:
    from launch.scale import jobs

    command = jobs.logs_command(jobs.find(parsed.name), parsed.follow)
    if not command:
        raise UserError("the job has said nothing yet; ./lab status shows whether it runs")
    try:
        return subprocess.run(command, check=False).returncode
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not installed here: it has the words") from None


def _fetch(parsed) -> int:
    from launch.scale import jobs

    value = jobs.fetch(jobs.find(parsed.name))
    lines = [f"next: ./lab report {w}" for w in value["arrived"]]
    lines += [f"not all came: {value['error']}"] if value["error"] else []
    if not lines:
        lines = ["no run of it is finished yet; ./lab status shows how far"]
    _print(parsed, value, "\n".join(lines))
    return 0 if value["arrived"] and not value["error"] else 1


def _cancel(parsed) -> int:
    from launch.scale import jobs

    value = jobs.cancel(jobs.find(parsed.name, only=True))
    what = "was cancelled" if value["cancelled"] else "had ended already"
    _print(parsed, value, f"job {value['id']} {what}; what it saved is in {value['folder']}")
    return 0


def _check(parsed) -> int:
    from launch.make import check

    found = {name: check.findings(name) for name in check.names(parsed.names)}
    value = {name: [x._asdict() for x in some] for name, some in found.items()}
    _print(parsed, value, lambda: check.text(found))
    return 1 if any(found.values()) else 0


def _new(parsed) -> int:
    from launch.make import new

    folder = new.new(parsed.name)
    _print(parsed, {"folder": shown(folder)}, lambda: new.text(folder))
    return 0


def _fork(parsed) -> int:
    from launch.make import fork

    parent = split(parsed.name)[0]
    folder = fork.fork(parent, parsed.new)
    _print(parsed, {"folder": shown(folder)}, lambda: fork.text(folder, parent))
    return 0


def _data(parsed) -> int:
    from launch import datasets

    rows = datasets.rows(parsed.sets)
    _print(parsed, rows, lambda: datasets.text(rows))
    return 0


def _gallery(parsed) -> int:
    from launch.read import gallery

    pages = gallery.write()
    _print(parsed, pages, "\n".join(pages.values()))
    return 0


def _doctor(parsed) -> int:
    from launch import doctor

    rows = doctor.rows()
    _print(parsed, rows, lambda: doctor.text(rows))
    return 1 if any(r["state"] == "broken" for r in rows) else 0


def _first() -> int:
    from launch.compute import everything

    print(everything.first_text(everything.first()))
    return 0


def _run_all(parsed) -> int:
    from launch.compute import everything

    if parsed.overrides or parsed.workdir or parsed.processes:
        raise UserError(f"run {parsed.name} takes --fresh alone; settings are of one paper")
    papers, preset = everything.several(parsed.name)
    with redirect_stdout(sys.stderr) if parsed.json else nullcontext():
        rows = everything.run_all(papers, preset, fresh=parsed.fresh)
    _print(parsed, rows, lambda: everything.text(rows))
    return 1 if any(r["error"] for r in rows) else 0


VERBS = {
    "list": _list,
    "run": _run,
    "report": _report,
    "verify": _verify,
    "refresh": _refresh,
    "compare": _compare,
    "sweep": _sweep,
    "plan": _plan,
    "drill": _drill,
    "submit": _submit,
    "status": _status,
    "logs": _logs,
    "fetch": _fetch,
    "cancel": _cancel,
    "check": _check,
    "new": _new,
    "fork": _fork,
    "data": _data,
    "gallery": _gallery,
    "doctor": _doctor,
}


if __name__ == "__main__":
    sys.exit(main())
