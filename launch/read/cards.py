"""Verdicts in words: one line a claim for the terminal, the same facts for JSON and HTML."""

import math
from dataclasses import asdict
from pathlib import Path

from common.claims import SIGNS, Claim, Verdict
from launch.paths import shown
from launch.read import repeats, report
from launch.record import store
from launch.terminal import coloured, table

COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow"}
CONTROLS = {
    "fails": "control fails, as it must",
    "undecided": "control undecided",
    "passes": "CONTROL PASSES",
    "invalid": "control not decidable",
    "none": "no negative control",
}


def number(x: float | None) -> str:
    """Four significant digits."""
    if x is None or not math.isfinite(x):
        return "–"
    if x == 0 or 1e-3 <= abs(x) < 1e5:
        return f"{x:.4g}"
    return f"{x:.2e}"


def value(v: Verdict) -> str:
    """Estimate and interval, with the name of the part that decides."""
    if v.estimate is None and not v.parts:
        return ""
    names = [p["name"] for p in v.parts if p["side"] != "inside"] + [p["name"] for p in v.parts]
    name = names[0] if names else "value"
    prefix = "" if name == "value" else f"{name} "
    if v.low == v.high:
        return f"{prefix}{number(v.estimate)}"
    return f"{prefix}{number(v.estimate)} [{number(v.low)}, {number(v.high)}]"


def region(claim: Claim) -> str:
    """The pass region of a claim, in words."""
    c = claim.criterion
    kind = c["kind"]
    if kind == "identity":
        return f"relative error <= {number(c['bound'])}"
    if kind in ("equals", "exponent"):
        what = "slope " if kind == "exponent" else ""
        return f"{what}{number(c['value'])} ± {number(c['tol'])}"
    if kind in ("at_least", "at_most"):
        return f"{'>=' if kind == 'at_least' else '<='} {number(c['bound'])}"
    if kind == "greater":
        if c.get("scale") == "log":
            return f"A / B > {number(c['ratio'])}"
        return f"A - B > {number(c.get('delta', 0.0))}"
    if kind == "ordering":
        return "strictly " + ("decreasing" if c.get("sign") == "-" else "increasing")
    if kind == "trend":
        word = "falling" if c["sign"] == "-" else "rising"
        by = "by a factor" if c.get("scale") == "log" else "by"
        return f"{word} {by} >= {number(c['min_effect'])}, tau >= {number(c['tau_min'])}"
    if kind == "rate":
        sign, key = (">=", "at_least") if "at_least" in c else ("<=", "at_most")
        return f"rate {sign} {number(c[key])}"
    if kind == "location":
        return f"{c['find']} in [{number(c['lo'])}, {number(c['hi'])}]"
    return f"r >= {number(c['r_min'])}"


def record(v: Verdict) -> dict:
    """A verdict for --json."""
    return asdict(v) | {"word": v.word}


def undecided(v: Verdict) -> str:
    """What would decide an undecided claim; empty where nothing is known."""
    if v.state in ("invalid", "error", "untested"):
        return ""
    return v.reason or (f"about {v.needed} seeds would decide" if v.needed else "")


def again(v: Verdict) -> str:
    """The chance that as many fresh seeds give the verdict again; empty where it is not known."""
    return "" if v.repeats is None else f"repeats {v.repeats:.2f}"


def line(claim: Claim, v: Verdict, control: str = "") -> list[str]:
    """Cells of one claim: sign and id, verdict, our value, the paper's, the control."""
    sign = SIGNS[v.state]
    name = f"{sign} {claim.id}{'*' if claim.headline else ''}"
    ours = v.reason if v.state in ("invalid", "error") else value(v)
    hint = undecided(v)
    if hint:
        ours += f"  ({hint})"
    ours += f"  {again(v)}" if v.repeats is not None else ""
    return [name, v.word, ours, f"paper: {claim.paper['value']}", CONTROLS.get(control, "")]


def block(rows: list[tuple[Claim, Verdict, str]]) -> str:
    """All claims of a run as aligned, coloured lines."""
    lines = table([line(c, v, k) for c, v, k in rows]).split("\n")
    return "\n".join(
        "  " + coloured(text, COLOURS.get(v.state, "dim"))
        for text, (_, v, _) in zip(lines, rows, strict=True)
    )


def run_text(folder: Path) -> str:
    """What a run decided, where its files are, what to type next."""
    info, claims, verdicts = report.decide(folder)
    name = f"{info['experiment']}:{info['preset']}"
    seeds = ", ".join(str(s) for s in info["config"]["seeds"])
    lines = [f"{name}, seeds {seeds}"]
    lines += [block([(c, v, "") for c, v in zip(claims, verdicts, strict=True)])]
    old = report.stale(info)
    if old:
        lines.append(coloured(f"  STALE: since this run changed {', '.join(old[:4])}", "yellow"))
    changed = set(info["overrides"]) - {"seeds"}
    if not report.is_official(info["experiment"], info["config"]["seeds"], changed):
        advice = repeats.advice(folder)
        lines += [f"  {advice}"] if advice else []
    lines.append(f"figures and arrays: {shown(folder)}")
    if store.reference(info["experiment"], info["preset"]) not in (None, folder):
        lines.append(f"next: ./lab compare {name}   (with the committed reference)")
    else:
        lines.append(f"next: ./lab verify {info['experiment']} --seeds 2000-2004   (with controls)")
    return "\n".join(lines)


def verify_text(slug: str, preset: str, decided: list, seeds: tuple, official: bool) -> str:
    """What a verification decided."""
    rows = [(d.claim, d.verdict, d.control) for d in decided]
    held = sum(d.holds for d in decided if d.claim.headline)
    total = sum(d.claim.headline for d in decided if d.verdict.state != "untested")
    lines = [f"{slug}:{preset}, seeds {', '.join(map(str, seeds))} (* headline)", block(rows)]
    lines.append(f"{held} of {total} headline claims hold")
    where = store.results() / slug
    lines.append(
        f"written: {shown(where / 'ledger.jsonl')}"
        if official
        else "the ledger was not written (--seeds or settings were given)"
    )
    lines.append("next: ./lab gallery" if official else f"next: ./lab verify {slug}")
    return "\n".join(lines)
