"""A plan in words: one table of topologies, the cheapest that fits, what would make others fit."""

import shlex

from launch import settings
from launch.paths import ROOT
from launch.read import repeats
from launch.record import store
from launch.scale import hardware, plan
from launch.scale.hardware import Target
from launch.terminal import coloured, duration, table


def seconds(record: dict) -> tuple[float, float] | None:
    """(low, high) seconds of the whole run: its heaviest step as often as it is called."""
    if not record.get("steps") or "step_seconds" not in record:
        return None
    low, high = record["step_seconds"]
    return low * record["steps"], high * record["steps"]


def cost(record: dict, prices: dict[str, float]) -> dict:
    """Hours, chip-hours and money of a record, each (low, high); None where not known."""
    whole = seconds(record)
    hours = tuple(s / 3600 for s in whole) if whole else None
    chip_hours = tuple(h * record["chips"] for h in hours) if hours else None
    price = prices.get(record["kind"])
    money = tuple(c * price for c in chip_hours) if chip_hours and price is not None else None
    return {"hours": hours, "chip_hours": chip_hours, "money": money}


def cheapest(records: list[dict], prices: dict[str, float]) -> dict | None:
    """Of what fits, the record of least money; without prices, of fewest chip-hours of a step."""
    fitting = [r for r in records if r.get("fits")]
    if not fitting:
        return None

    by_money = priced(records, prices)

    def middle(r: dict) -> float:
        low, high = r["step_seconds"]
        price = prices[r["kind"]] if by_money else 1.0
        return (low * high) ** 0.5 * r["chips"] * price

    return min(fitting, key=middle)


def priced(records: list[dict], prices: dict[str, float]) -> bool:
    """Whether everything that fits has a price."""
    return all(r["kind"] in prices for r in records if r.get("fits"))


def span(pair: tuple[float, float] | list | None, unit: str = "") -> str:
    """'157–314 ms'-like text of a range."""
    if pair is None:
        return "–"
    return f"{short(pair[0])}–{short(pair[1])}{unit}"


def short(x: float) -> str:
    """Two significant digits, three from 100 on, without exponent where legible."""
    if x >= 1e6:
        return f"{x:.1e}"
    if x >= 99.5:
        return f"{x:,.0f}"
    return f"{x:.2g}" if x >= 0.01 or x == 0 else f"{x:.1g}"


def volume(bytes_: float) -> str:
    """'1.5 GiB'."""
    for limit, unit in ((2**20, "KiB"), (2**30, "MiB"), (2**40, "GiB")):
        if bytes_ < limit:
            return f"{bytes_ * 2**10 / limit:,.1f} {unit}"
    return f"{bytes_ / 2**40:,.1f} TiB"


def time_span(pair) -> str:
    """A range of seconds in the unit that suits."""
    if pair is None:
        return "–"
    for limit, unit, scale in ((1e-3, "µs", 1e-6), (1.0, "ms", 1e-3), (120.0, "s", 1.0),
                               (7200.0, "min", 60.0), (10 * 86400.0, "h", 3600.0)):  # fmt: skip
        if pair[1] < limit:
            return span([p / scale for p in pair], f" {unit}")
    return span([p / 86400 for p in pair], " days")


def text(value: dict, prices: dict[str, float]) -> str:
    """The whole answer of `./lab plan` for one experiment."""
    records = value["topologies"]
    name = f"{value['experiment']}:{value['preset']}"
    changed = shlex.join(value["overrides"])
    lines = [coloured(f"{name} {changed}".rstrip(), "bold")]
    known: dict = next((r for r in records if "specs" in r), {})
    steps = known.get("steps")
    lines.append(
        f"its heaviest step, {f'{steps:,} times' if steps else 'how often is not stated'}; "
        f"{known.get('argument_gib', 0):.2f} GiB of arguments; {known.get('shards', '')}"
    )
    lines += ["", topologies(records, prices), ""]
    best = cheapest(records, prices)
    if best and len(records) > 1:
        by = "money" if priced(records, prices) else "chip time"
        lines.append(f"cheapest that fits, by {by}: {best['on']}")
    for r in records:
        lines += _details(r, full=len(records) == 1)
    lines += _claims(value["claims"], value["seeds"])
    lines.append(
        "low end: every kernel at the data sheet's rate, communication hidden; high end: matrix "
        "products at 35 %, memory at 55 %, nothing hidden"
    )
    lines.append(_next(name, changed, best))
    return "\n".join(lines)


def _next(name: str, changed: str, best: dict | None) -> str:
    if best is None:
        return "next: ./lab plan with more chips, or with one of the changes above"
    target = {"tpu": "tpu", "cuda": "gpu-cloud"}.get(_platform(best), "")
    again = f"{name} {changed}".rstrip()
    if not target:
        return f"next: ./lab run {again}"
    return f"next: ./lab submit {again} --on {target} --chips {best['on']} --dry-run"


def _platform(record: dict) -> str:
    return Target(record["on"], record["kind"], record["chips"], record["shape"]).platform


def topologies(records: list[dict], prices: dict[str, float]) -> str:
    """One line a topology."""
    rows = []
    for r in records:
        where = f"{r['on']} ({r['chips']} x {r['kind']} {r['shape']})".replace(" )", ")")
        if "error" in r:
            rows.append([where, "✗ no plan, see below", "", "", "", "", "", ""])
            continue
        sign = "✓" if r["fits"] else "✗"
        memory = f"{sign} {r['peak_gib']:.2f} of {r['usable_gib']:.2f} GiB"
        if "step_seconds" not in r:
            rows.append([where, memory, "–", "–", "–", "–", "–", "memory"])
            continue
        c = cost(r, prices)
        money = span(c["money"]) if c["money"] else "–"
        limit = max(r["limits"], key=r["limits"].get)
        tell = f"{limit} {r['limits'][limit]:.0%}"
        measured = r.get("measured")
        rows.append([
            where, memory, time_span(r["step_seconds"]),
            time_span([measured["seconds"]] * 2).split("–")[-1] if measured else "–",
            time_span(seconds(r)), span(c["chip_hours"]), money, tell,
        ])  # fmt: skip
    header = ["topology", "memory a chip", "step", "measured", "whole run", "chip-hours", "cost"]
    return table(rows, [*header, "limited by"])


def _details(r: dict, *, full: bool) -> list[str]:
    if "error" in r:
        return [f"{r['on']}: {r['error']}"]
    lines = []
    if full and "flops" in r:
        sent = ", ".join(f"{k} {volume(v)}" for k, v in sorted(r["wire"].items()) if v)
        lines.append(
            f"a step on one chip: {r['flops']:.3g} FLOP, {volume(r['bytes'])} moved, "
            f"{r['ops']:,.0f} kernels; sent: {sent or 'nothing'}"
        )
    if full and "specs" in r:
        split = ", ".join(f"{n} x {spec}" for spec, n in list(r["specs"].items())[:6])
        lines.append(f"arguments split as: {split}")
    if r.get("fits") and r["peak_gib"] > plan.MARGIN * r["usable_gib"]:
        lines.append(f"{r['on']}: near its limit; --optimised compiles in full, as a run does")
    if r.get("unknown_loops"):
        n = r["unknown_loops"]
        lines.append(
            f"{r['on']}: {n} loop{'s' * (n > 1)} with a length that only data give, counted once: "
            "time is a lower bound"
        )
    if full or r.get("fits") is False:
        for b in r.get("buffers", [])[:5]:
            op = b["op"] if len(b["op"]) < 70 else "…" + b["op"][-68:]
            lines.append(f"  {volume(b['bytes']):>10s}  {b['shape']:28s} {op}")
    if r.get("fits") is False:
        could = r.get("would_fit") or []
        if could:
            lines.append(f"{r['on']} would fit with {' or '.join(could)}")
        else:
            whole = r["replicated_gib"]
            where = (
                f"{whole:.2f} GiB of arguments stand whole on every chip: split them "
                "(common.partition.fsdp)"
                if whole > 0.2 * r["usable_gib"]
                else "its arguments are split, what it computes on the way is too large: a smaller "
                "batch, chunk or problem"
            )
            lines.append(
                f"{r['on']}: no change of microbatch, remat or mesh_model that the config offers "
                f"makes it fit; {where}, or larger chips"
            )
    for ran in r.get("runs", []):
        lines.append(
            f"{r['on']}: a run took {duration(ran['seconds'])} besides "
            f"{duration(ran['compile_seconds'])} of compiling, peak memory "
            f"{ran['peak_gib']:.2f} GiB ({ran['date']})"
        )
    measured = r.get("measured")
    if measured and "step_seconds" in r:
        low, high = r["step_seconds"]
        ratio = measured["seconds"] / (low * high) ** 0.5
        lines.append(
            f"{r['on']} measured: step {ratio:.2f} times the middle of the prediction, peak memory "
            f"{measured['peak_gib']:.2f} GiB of the {measured['memory_of']} ({measured['date']})"
        )
    return lines


def _claims(rows: list[dict], seeds: int) -> list[str]:
    if not rows:
        return ["no claim is decided at this preset"]
    many = f"{seeds} seed{'s' * (seeds > 1)}"
    lines, cells = [], []
    short: dict[int, list[str]] = {}
    for r in rows:
        name = r["id"] + "*" * r["headline"]
        if r["needs"]:
            short.setdefault(r["needs"], []).append(name)
        else:
            chance = "unknown" if r["chance"] is None else f"{r['chance']:.0%}"
            cells.append(f"{name} {chance}")
    if cells:
        what = f"chance that {many} pass, if the committed run is typical: "
        lines = [what + "  ".join(cells)]
    return lines + [
        f"{many} cannot decide (need {n}): {', '.join(ids)}" for n, ids in short.items()
    ]


def ran(slug: str, preset: str, overrides: list[str], r: dict) -> list[dict]:
    """Finished runs of these settings on as many devices of this kind, newest first: measured."""
    config = settings.plain(settings.get(slug, preset, overrides))
    folders = [f.parent for f in reversed(store.runs(slug, preset))]
    folders += [f for f in [store.reference(slug, preset)] if f]
    found = []
    for info in (store.peek(f / "run.json") for f in folders):
        device = info.get("devices", {})
        same = {**info.get("config", {}), "seeds": config["seeds"]} == config
        same &= hardware.named(device.get("kind", "")) == r["kind"]
        same &= "wanted" not in info
        if info.get("status") != "done" or not same or device["count"] != r["chips"]:
            continue
        peak = info.get("device_peak_mb") or info["peak_memory_mb"]
        seconds = info["seconds"] + info.get("seconds_before", 0.0) - info["compile_seconds"]
        found.append({
            "seconds": seconds, "compile_seconds": info["compile_seconds"],
            "peak_gib": peak / 1024, "date": info["finished"],
        })  # fmt: skip
    return found[:3]


def claims(slug: str, preset: str, overrides: list[str]) -> tuple[list[dict], int]:
    """(chance that every claim passes, number of planned seeds)."""
    seeds = len(settings.get(slug, preset, overrides).seeds)
    return repeats.rows(slug, preset, seeds), seeds


# --- every paper at once -------------------------------------------------------------------------

TABLE = ROOT / "results" / "PLANS.md"


def overview(found: list[dict]) -> str:
    """PLANS.md: what each paper costs to rerun at each preset."""
    lines = [
        "# What each paper costs to rerun",
        "",
        "Made by `./lab plan all --write`. Laptop: measured, the committed run. Paper scale: the "
        "heaviest step compiled for a slice that nobody had here, memory as the compiler states "
        "it, time from a roofline (range: see launch/scale/plan.py); the whole run is that step as "
        "often as `steps` in run.py says, and other parts come on top. Nothing here was measured "
        "on an accelerator.",
        "",
        "| paper | laptop, measured | on | memory a chip | step | whole run | chip-hours | limit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for value in found:
        slug = value["experiment"]
        run = store.peek(ROOT / "results" / slug / "laptop" / "run.json")
        took = run.get("seconds", 0.0) + run.get("seconds_before", 0.0)
        laptop = f"{duration(took)}, {run.get('peak_memory_mb', 0) / 1024:.1f} GiB" if run else "–"
        name = f"[{slug}](../experiments/{slug}/README.md)"
        if value["overrides"]:
            name, laptop = f"{slug} `{' '.join(value['overrides'])}`", ""
        for r in value["topologies"]:
            lines.append(_overview_row(name, laptop, r))
            name = laptop = ""
    return "\n".join(lines) + "\n"


def _overview_row(name: str, laptop: str, r: dict) -> str:
    if "error" in r:
        return f"| {name} | {laptop} | {r['on']} | {r['error']} | | | | |"
    memory = f"{'✓' if r['fits'] else '✗'} {r['peak_gib']:.2f} of {r['usable_gib']:.2f} GiB"
    if "step_seconds" not in r:
        fit = " or ".join(r.get("would_fit") or []) or "larger chips"
        return f"| {name} | {laptop} | {r['on']} | {memory} | fits with {fit} | | | memory |"
    limit = max(r["limits"], key=r["limits"].get)
    least = " (at least)" if r.get("unknown_loops") else ""
    return (
        f"| {name} | {laptop} | {r['on']} | {memory} | {time_span(r['step_seconds'])}{least} | "
        f"{time_span(seconds(r))} | {span(cost(r, {})['chip_hours'])} | "
        f"{limit} {r['limits'][limit]:.0%} |"
    )
