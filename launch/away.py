"""The verbs of ./lab that plan for other machines, or send runs there and ask after them."""

import subprocess

from common import files
from launch.errors import UserError, clip
from launch.paths import split
from launch.terminal import quoted
from launch.verbs import show

MOST_TARGETS, MOST_CHIPS, MOST_CORES = 32, 4096, 512
LONG = 40  # characters of a topology's name


def counted(names: str) -> list:
    """The topologies of --on, as many and as large as can be planned for.  Errors: UserError."""
    from launch.scale import hardware

    words = names.split(",")
    if len(words) > MOST_TARGETS:
        raise UserError(f"--on names {len(words):,} topologies; at most {MOST_TARGETS} at once")
    targets = []
    for word in words:
        if len(word) > LONG:
            raise UserError(f"no hardware {clip(word)!r}; as v5e-8, h100-8, cpu-4")
        targets.append(hardware.target(word))
        most = MOST_CORES if targets[-1].kind == "cpu" else MOST_CHIPS
        if targets[-1].chips > most:
            raise UserError(f"{clip(word)!r} has more than the {most:,} chips that can be planned")
    return targets


def _plan(parsed) -> int:
    from launch.record import store
    from launch.scale import hardware, page, plan, quote, survey

    if parsed.name == "all":
        if parsed.overrides or parsed.measure or parsed.optimised or parsed.price:
            raise UserError("plan all takes --on and --write alone; settings are of one paper")
        counted(parsed.on or plan.DEFAULT)
        before = files.text(page.TABLE) if page.TABLE.exists() else ""

        def write(found):  # after every paper: compiling all takes long, and may be stopped
            if parsed.write:
                store.write_text(page.TABLE, page.overview(found, before))

        found = survey.everything(parsed.on, write)
        show(parsed, found, lambda: page.overview(found))
        return 0
    slug, preset = split(parsed.name, "paper")
    names = parsed.on or ("cpu-1" if parsed.measure or preset != "paper" else plan.DEFAULT)
    targets = counted(names)
    prices = hardware.prices(parsed.price, targets)
    how = {"measure": parsed.measure, "optimised": parsed.optimised}
    records = plan.plan(slug, preset, parsed.overrides, targets, **how)
    value = quote.answer(slug, preset, parsed.overrides, records, prices)
    show(parsed, value, lambda: quote.text(value, prices))
    return 0 if any(r["fits"] for r in records) else 1


def _drill(parsed) -> int:
    from launch.scale import drill

    slug, preset = split(parsed.name, "smoke")
    value = drill.drill(slug, preset, parsed.overrides)
    show(parsed, value, lambda: drill.text(value))
    return 0 if value["holds"] else 1


def _send(parsed, slug: str, preset: str, cells: list[list[str]]) -> int:
    from launch.make import check
    from launch.read import report
    from launch.scale import submit

    report.load_claims(slug)
    check.warn(slug)
    if parsed.chips:
        counted(parsed.chips)
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
    show(parsed, value, lambda: submit.text(value))
    return 0


def _submit(parsed) -> int:
    slug, preset = split(parsed.name)
    if not parsed.on:
        raise UserError("submit where? --on slurm, tpu, gpu-cloud, gke, or a name of targets.toml")
    return _send(parsed, slug, preset, [parsed.overrides])


def _sweep(parsed) -> int:
    from launch.compute import sweep
    from launch.scale import plan

    slug, preset = split(parsed.name)
    if parsed.on is not None:
        return _send(parsed, slug, preset, sweep.grid(parsed.overrides))
    if parsed.set or parsed.chips:
        raise UserError("--set and --chips are of a sweep that is sent away: --on slurm, tpu, …")
    value = sweep.sweep(slug, preset, parsed.overrides, predict=plan.here, dry=parsed.dry_run)
    show(parsed, value, lambda: sweep.text(value))
    return 1 if sweep.failed(value) else 0


def _status(parsed) -> int:
    from launch.scale import jobs

    rows = jobs.rows()
    show(parsed, rows, lambda: jobs.status_text(rows))
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
    lines = [f"next: ./lab report {quoted(w)}" for w in value["arrived"]]
    lines += [f"not all came: {value['error']}"] if value["error"] else []
    if not lines:
        lines = ["no run of it is finished yet; ./lab status shows how far"]
    show(parsed, value, "\n".join(lines))
    return 0 if value["arrived"] and not value["error"] else 1


def _cancel(parsed) -> int:
    from launch.scale import jobs

    value = jobs.cancel(jobs.find(parsed.name, only=True))
    what = "was cancelled" if value["cancelled"] else "had ended already"
    show(parsed, value, f"job {value['id']} {what}; what it saved is in {value['folder']}")
    return 0


VERBS = {
    "plan": _plan,
    "drill": _drill,
    "submit": _submit,
    "sweep": _sweep,
    "status": _status,
    "logs": _logs,
    "fetch": _fetch,
    "cancel": _cancel,
}
