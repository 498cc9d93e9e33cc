"""results/PLANS.md: what each paper costs to rerun, at the laptop preset and at the paper's."""

import re

from launch.paths import EXPERIMENTS, ROOT
from launch.read import listing
from launch.record import store
from launch.scale.costs import cost
from launch.scale.units import most, short, span, time_span
from launch.terminal import duration

TABLE = ROOT / "results" / "PLANS.md"
HEAD = """# What each paper costs to rerun

Made by `./lab plan all --write`. Laptop: measured, the committed run. Paper scale: every program \
that a run calls, compiled for a slice that nobody had here and added up as often as it is called; \
memory as the compiler states it, of the largest one; time from a roofline (range: see \
launch/scale/roofline.py). Nothing here was measured on an accelerator.

| paper | laptop, measured | on | memory a chip | most time in | whole run | chip-hours | limit |
|---|---|---|---|---|---|---|---|"""


def overview(found: list[dict], before: str = "") -> str:
    """The page, from the plans of papers; of others the rows of the page before."""
    rows = {slug: lines for slug, lines in _rows(before).items() if (EXPERIMENTS / slug).is_dir()}
    rows |= _made(found)
    return "\n".join([HEAD, *(line for slug in sorted(rows) for line in rows[slug])]) + "\n"


def _rows(page: str) -> dict[str, list[str]]:
    """slug -> its lines of a page; a line whose first cell is empty is of the paper above."""
    found: dict[str, list[str]] = {}
    table = page.partition("|---|")[2].splitlines()[1:]
    for line in table:
        named = re.match(r"\| \[?(\w+)", line)
        slug = named[1] if named else next(reversed(found))
        found.setdefault(slug, []).append(line)
    return found


def _made(found: list[dict]) -> dict[str, list[str]]:
    """slug -> its lines, of plans."""
    rows: dict[str, list[str]] = {}
    for value in found:
        slug = value["experiment"]
        run = store.peek(ROOT / "results" / slug / "laptop" / "run.json")
        took, memory = listing.expected(run), run.get("peak_memory_mb", 0) / 1024
        laptop = f"{duration(took)}, {memory:.1f} GiB" if took else "–"
        name = f"[{slug}](../experiments/{slug}/README.md)"
        if value["overrides"]:
            name, laptop = f"{slug} `{' '.join(value['overrides'])}`", ""
        for r in value["topologies"]:
            rows.setdefault(slug, []).append(f"| {' | '.join([name, laptop, *_cells(r)])} |")
            name = laptop = ""
    return rows


def _cells(r: dict) -> list[str]:
    if "error" in r:
        return [r["on"], "✗ " + r["error"].removeprefix(f"{r['on']}: "), "", "", "", ""]
    if "core_hours" in r:
        hours = r["core_hours"]
        said = "not known" if hours is None else f"{short(hours)} core-hours ({r['from']})"
        return ["CPU cores", "", "", said, "", "no accelerator makes sense"]
    memory = f"{'✓' if r['fits'] else '✗'} {r['peak_gib']:.2f} of {r['usable_gib']:.2f} GiB"
    if "run_seconds" not in r:
        fit = " or ".join(r.get("would_fit") or []) or "larger chips"
        return [r["on"], memory, f"fits with {fit}", "", "", f"memory of {r['largest']}"]
    least = " (at least)" if r["unknown_loops"] else ""
    longest = next(p for p in r["programs"] if p["name"] == r["longest"])
    return [
        r["on"],
        memory,
        f"{longest['name']}, {longest['calls']:,} x {time_span(longest['step_seconds'])}",
        time_span(r["run_seconds"]) + least,
        span(cost(r, {})["chip_hours"]),
        most(r["limits"]),
    ]
