"""A plan in words: one table of topologies, the cheapest that fits, what would make others fit."""

from launch import settings
from launch.read import repeats
from launch.scale import costs, plan
from launch.scale.hardware import Target
from launch.scale.units import most, short, span, time_span, volume
from launch.terminal import coloured, duration, shell, table

HEADER = ["topology", "memory a chip", "a call", "measured", "whole run", "chip-hours", "cost",
          "limited by"]  # fmt: skip


def answer(
    slug: str, preset: str, overrides: list[str], records: list[dict], prices: dict[str, float]
) -> dict:
    """What `./lab plan` tells: records with costs and finished runs, chances of claims."""
    seeds = len(settings.get(slug, preset, overrides).seeds)
    return {
        "experiment": slug,
        "preset": preset,
        "overrides": overrides,
        "topologies": [
            r | costs.cost(r, prices) | {"runs": costs.ran(slug, preset, overrides, r)}
            for r in records
        ],
        "claims": repeats.rows(slug, preset, seeds),
        "seeds": seeds,
    }


def text(value: dict, prices: dict[str, float]) -> str:
    """The whole answer of `./lab plan` for one experiment."""
    records = value["topologies"]
    name = f"{value['experiment']}:{value['preset']}"
    changed = shell(value["overrides"])
    lines = [coloured(f"{name} {changed}".rstrip(), "bold")]
    if "core_hours" in records[0]:
        lines += [*_cores(records[0]), *_claims(value["claims"], value["seeds"])]
        return "\n".join([*lines, _next(name, changed, records[0])])
    known: dict = next((r for r in records if "programs" in r), {})
    lines += [_calls(known), "", topologies(records, prices), ""]
    best = costs.cheapest(records, prices)
    if best and len(records) > 1:
        by = "money" if costs.priced(records, prices) else "chip time"
        lines.append(f"cheapest that fits, by {by}: {best['on']}")
    for r in records:
        lines += _details(r, full=len(records) == 1)
    lines += _claims(value["claims"], value["seeds"])
    lines.append(
        "low end: every kernel at the data sheet's rate, communication hidden; high end: matrix "
        "products at 35 %, memory at 55 %, nothing hidden"
    )
    return "\n".join([*lines, _next(name, changed, best)])


def _cores(r: dict) -> list[str]:
    """Of a paper that says hardware = "cpu"."""
    said = "how many hours on its cores is not known: no run has finished, claims.toml states none"
    if r["core_hours"] is not None:
        said = f"{short(r['core_hours'])} hours on a core (by {r['from']})"
    return ["no accelerator makes sense for this paper, it runs on CPUs", said]


def _calls(r: dict) -> str:
    """What a whole run calls, how often."""
    programs = r.get("programs", [])
    said = ", ".join(f"{p['name']} {p['calls']:,} times" for p in programs)
    arguments = max((p["argument_gib"] for p in programs), default=0.0)
    return f"{said}; {arguments:.2f} GiB of arguments; {r.get('shards', '')}"


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
    """One line a topology; below it one for each program, where there are several."""
    rows = []
    for r in records:
        where = f"{r['on']} ({r['chips']} x {r['kind']} {r['shape']})".replace(" )", ")")
        if "error" in r:
            rows.append([where, "✗ no plan, see below", *[""] * 6])
            continue
        several = len(r["programs"]) > 1
        rows.append(_row(where, r, {} if several else r["programs"][0], prices))
        if several:
            rows += [_program_row(r, p) for p in r["programs"]]
    return table(rows, HEADER)


def _row(where: str, r: dict, only: dict, prices: dict[str, float]) -> list[str]:
    """A whole run; `only`: its program, where there is one."""
    if "run_seconds" not in r:
        return [where, _memory(r), *["–"] * 5, f"memory of {r['largest']}"]
    c = costs.cost(r, prices)
    return [
        where, _memory(r), time_span(only.get("step_seconds")), _measured(only),
        time_span(r["run_seconds"]), span(c["chip_hours"]), span(c["money"]),
        ("" if only else f"{r['longest']}: ") + most(r["limits"]),
    ]  # fmt: skip


def _program_row(r: dict, p: dict) -> list[str]:
    name = f"  {p['name']} x {p['calls']:,}"
    if "step_seconds" not in p:
        return [name, _memory(p), *["–"] * 5, "memory"]
    seconds = [p["calls"] * s for s in p["step_seconds"]]
    chip_hours = [s * r["chips"] / 3600 for s in seconds]
    return [
        name, _memory(p), time_span(p["step_seconds"]), _measured(p), time_span(seconds),
        span(chip_hours), "", most(p["limits"]),
    ]  # fmt: skip


def _memory(r: dict) -> str:
    return f"{'✓' if r['fits'] else '✗'} {r['peak_gib']:.2f} of {r['usable_gib']:.2f} GiB"


def _measured(p: dict) -> str:
    measured = p.get("measured")
    return time_span([measured["seconds"]] * 2).split("–")[-1] if measured else "–"


def _details(r: dict, *, full: bool) -> list[str]:
    if "error" in r:
        return [f"{r['on']}: {r['error'].removeprefix(r['on'] + ': ')}"]
    lines = _doubts(r)
    for p in r["programs"]:
        lines += _costs(p) if full else []
        lines += _buffers(r["on"], p) if full or not p["fits"] else []
    lines += _unfitting(r) if r["fits"] is False else []
    for ran in r.get("runs", []):
        lines.append(
            f"{r['on']}: a run took {duration(ran['seconds'])} besides "
            f"{duration(ran['compile_seconds'])} of compiling, peak memory "
            f"{ran['peak_gib']:.2f} GiB ({ran['date']})"
        )
    return lines + [_compared(r, p) for p in r["programs"] if "measured" in p]


def _doubts(r: dict) -> list[str]:
    lines = []
    if r["fits"] and r["peak_gib"] > plan.MARGIN * r["usable_gib"]:
        lines.append(f"{r['on']}: near its limit; --optimised compiles in full, as a run does")
    if n := r.get("unknown_loops"):
        lines.append(
            f"{r['on']}: {n} loop{'s' * (n > 1)} with a length that only data give, counted once: "
            "time is a lower bound"
        )
    return lines


def _costs(p: dict) -> list[str]:
    split = ", ".join(f"{n} x {spec}" for spec, n in list(p["specs"].items())[:6])
    lines = [f"{p['name']}: arguments split as {split}"]
    if "flops" in p:
        sent = ", ".join(f"{k} {volume(v)}" for k, v in sorted(p["wire"].items()) if v)
        lines.append(
            f"{p['name']}, a call on one chip: {p['flops']:.3g} FLOP, {volume(p['bytes'])} moved, "
            f"{p['ops']:,.0f} kernels; sent: {sent or 'nothing'}"
        )
    return lines


def _buffers(on: str, p: dict) -> list[str]:
    lines = [f"{on}: the largest arrays of {p['name']}"]
    for b in p.get("buffers", [])[:5]:
        op = b["op"] if len(b["op"]) < 70 else "…" + b["op"][-68:]
        lines.append(f"  {volume(b['bytes']):>10s}  {b['shape']:28s} {op}")
    return lines


def _unfitting(r: dict) -> list[str]:
    if could := r.get("would_fit"):
        return [f"{r['on']} would fit with {' or '.join(could)}"]
    largest = next(p for p in r["programs"] if p["name"] == r["largest"])
    whole = largest["replicated_gib"]
    where = (
        f"{whole:.2f} GiB of arguments stand whole on every chip: split them "
        "(common.partition.fsdp)"
        if whole > 0.2 * r["usable_gib"]
        else "its arguments are split, what it computes on the way is too large: a smaller "
        "batch, chunk or problem"
    )
    return [
        f"{r['on']}: no change of microbatch, remat or mesh_model that the config offers makes "
        f"{largest['name']} fit; {where}, or larger chips"
    ]


def _compared(r: dict, p: dict) -> str:
    low, high = p.get("step_seconds", (float("nan"),) * 2)
    measured = p["measured"]
    ratio = measured["seconds"] / (low * high) ** 0.5
    return (
        f"{r['on']} measured: {p['name']} {ratio:.2f} times the middle of the prediction, peak "
        f"memory {measured['peak_gib']:.2f} GiB of the {measured['memory_of']} ({measured['date']})"
    )


def _claims(rows: list[dict], seeds: int) -> list[str]:
    if not rows:
        return ["no claim is decided at this preset"]
    many = f"{seeds} seed{'s' * (seeds > 1)}"
    lines, cells = [], []
    few: dict[int, list[str]] = {}
    for r in rows:
        name = r["id"] + "*" * r["headline"]
        if r["needs"]:
            few.setdefault(r["needs"], []).append(name)
        else:
            chance = "unknown" if r["chance"] is None else f"{r['chance']:.0%}"
            cells.append(f"{name} {chance}")
    if cells:
        what = f"chance that {many} pass, if the committed run is typical: "
        lines = [what + "  ".join(cells)]
    return lines + [f"{many} cannot decide (need {n}): {', '.join(ids)}" for n, ids in few.items()]
