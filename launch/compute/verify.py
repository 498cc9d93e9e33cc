"""Verdict seeds and falsifiers -> verdicts with their controls -> the ledger."""

import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common import claims as claims_module
from common.claims import Claim, Verdict
from launch import settings
from launch.compute import run, thin
from launch.errors import UserError
from launch.make import check
from launch.paths import results, shown
from launch.read import report
from launch.record import fingerprint, ledger, store
from launch.terminal import coloured, duration

# What became of the falsifier. Only the first two let a headline count.
FAILS, UNDECIDED, PASSES, INVALID, NONE = "fails", "undecided", "passes", "invalid", "none"
CONTROLLED = (FAILS, UNDECIDED)
FIGURES = 6  # of a paper, at most


class Decided(NamedTuple):
    claim: Claim
    verdict: Verdict
    control: str
    control_value: float | None
    control_seconds: float | None = None

    @property
    def holds(self) -> bool:
        return self.verdict.state == "pass" and self.control in CONTROLLED


def with_control(claim: Claim, verdict: Verdict, control: Verdict | None) -> Decided:
    """A verdict beside its falsifier's: where that passes too, the check shows nothing."""
    if control is None:
        return Decided(claim, verdict, NONE, None)
    states = {"pass": PASSES, "fail": FAILS, "inconclusive": UNDECIDED}
    state = states.get(control.state, INVALID)
    if control.reason.startswith("the check cannot fail"):
        state = PASSES
    if state == PASSES and verdict.state == "pass":
        reason = f"the control {claim.falsifier['name']!r} passes as well"  # type: ignore[index]
        verdict = replace(verdict, state="invalid", reason=reason, repeats=None)
    return Decided(claim, verdict, state, control.estimate)


def verify(
    slug: str, preset: str, overrides: list[str], seeds: tuple[int, ...], *, ledger: bool
) -> list[Decided]:
    """Decide every claim on `seeds`, with its falsifier; write the ledger if asked.

    Runs already computed with the same settings and code are used again. Errors: UserError.
    """
    check.refuse(slug)
    _, claims = report.load_claims(slug)
    decidable = [c for c in claims if c.level.get(preset, "none") != "none"]
    if not decidable:
        raise UserError(f"{slug}:{preset} decides no claim; verify {slug}:laptop")
    for claim in decidable:
        reason = claims_module.too_few(claim, len(seeds))
        if reason:
            raise UserError(f"{slug}/{claim.id}: too few seeds: {reason}")
    chosen = [*overrides, f"seeds={tuple(seeds)}"]
    groups = controls_of(decidable)
    _say(forecast(slug, preset, len(seeds), groups))
    main = _run(slug, preset, chosen, note="verify")
    arrays = store.arrays(main)
    found: dict[str, tuple[Verdict, float]] = {}
    for override, some in groups.items():
        wanted = report.reads(slug, some, arrays)
        folder = _run(slug, preset, [*chosen, *override], note="control", wanted=wanted)
        others, took = store.arrays(folder), seconds(store.read_json(folder / "run.json"))
        for claim in some:
            found[claim.id] = report.judge(slug, claim, preset, others, seeds=len(seeds)), took
    decided = []
    for claim in claims:
        verdict = report.judge(slug, claim, preset, arrays, seeds=len(seeds))
        verdict = replace(verdict, official=ledger)
        beside = found.get(claim.id)
        made = with_control(claim, verdict, beside[0] if beside else None)
        decided.append(made._replace(control_seconds=beside[1] if beside else None))
    if ledger:
        publish(main, decided)
    return decided


def controls_of(claims: list[Claim]) -> dict[tuple[str, ...], list[Claim]]:
    """{override of a falsifier: the claims that it must break}, in a fixed order."""
    groups: dict[tuple[str, ...], list[Claim]] = {}
    for claim in claims:
        if claim.falsifier:
            groups.setdefault(tuple(claim.falsifier["override"]), []).append(claim)
    return dict(sorted(groups.items()))


def seconds(info: dict) -> float:
    """What a run took, of all its attempts."""
    return info["seconds"] + info.get("seconds_before", 0.0)


def forecast(slug: str, preset: str, seeds: int, groups: dict) -> str:
    """How long a verification takes by the last one's times, scaled by the number of seeds."""
    info = store.peek(results() / slug / preset / "run.json")
    if "seconds" not in info:
        return f"{slug}:{preset} was never verified: how long it takes is not known"
    main = seconds(info) * seeds / len(info["config"]["seeds"])
    newest, known, unknown = ledger.newest(slug, preset), 0.0, 0
    for claims in groups.values():
        lines = [line for c in claims if (line := newest.get(c.id))]
        times = [x["control_seconds"] * seeds / len(x["seeds"]) for x in lines if _timed(x)]
        known += max(times, default=0.0)
        unknown += not times
    text = f"{slug}:{preset} on {seeds} seeds, all computed anew: about {duration(main + known)}"
    text += f", {duration(known)} of it for controls" if known else ""
    return text + (f", and {unknown} controls whose time is not known" if unknown else "")


def _timed(line: dict) -> bool:
    return line.get("control_seconds") is not None


def _say(text: str) -> None:
    if not os.environ.get("REPRISE_QUIET"):
        print(coloured(text, "dim"), file=sys.stderr, flush=True)


def _run(slug: str, preset: str, overrides: list[str], note: str, wanted=None) -> Path:
    cfg = settings.get(slug, preset, overrides)
    what = " ".join(o for o in overrides if not o.startswith("seeds="))
    _say(f"{slug}:{preset} {note} {what}".rstrip())
    return run.execute(slug, preset, cfg, reuse=True, note=note, wanted=wanted)


def publish(folder: Path, decided: list[Decided]) -> None:
    """Make a run the committed reference of its preset and append its verdicts to the ledger.

    The reference is what measures and figures read of the arrays, run.json and the figures. Where
    the numbers are those already there, only the ledger changes. Errors: UserError, before
    anything is written, for a paper with too many figures.
    """
    info = store.read_json(folder / "run.json")
    slug, arrays = info["experiment"], store.arrays(folder)
    target = results() / slug / info["preset"]
    arrays = thin.thinned(info, [d.claim for d in decided], arrays)
    figures = len(report.drawings_if_finite(info, arrays) or ())
    if figures > FIGURES:
        raise UserError(
            f"{slug} draws {figures} figures; at most {FIGURES} are kept in {shown(target)}: "
            "join some as panels of one"
        )
    kept = _there(target, info, arrays)
    if not kept:
        target.mkdir(parents=True, exist_ok=True)
        thin.write(target / "arrays.npz", arrays)
        if (folder / "source.diff").exists():
            info["source_diff"] = "uncommitted code; see the dirty hash"
        store.write_json(target / "run.json", info)
    report.draw_finite(target, info, kinds=("png",))
    # the arrays are of the run's code, the verdicts of what measures and decides now
    now = fingerprint.fingerprint(slug)
    made_by = {"compute": info["fingerprint"]["compute"], "measure": now["measure"]}
    made_by["rule"] = now["rule"]
    lines = [ledger_line(d, info, folder.name) | {"fingerprint": made_by} for d in decided]
    if kept:  # run.json stays, and with it the definitions of the run before
        old = store.peek(target / "run.json").get("fingerprint", {})
        lines[0]["definitions"] = fingerprint.difference(old, info["fingerprint"])
    ledger.append(slug, lines)


def _there(target: Path, info: dict, arrays: dict[str, np.ndarray]) -> bool:
    """Whether the reference has these settings and these arrays, bit for bit."""
    if store.peek(target / "run.json").get("config") != info["config"]:
        return False
    return (target / "arrays.npz").exists() and thin.same(store.arrays(target), arrays)


def ledger_line(d: Decided, info: dict, run_id: str) -> dict[str, Any]:
    """One verdict with everything needed to judge it later."""
    return asdict(d.verdict) | {
        "schema": 1,
        "word": d.verdict.word,
        "claim": d.claim.hash,
        "thresholds": d.claim.thresholds,
        "headline": d.claim.headline,
        "preset": info["preset"],
        "overrides": {k: v for k, v in info["overrides"].items() if k != "seeds"},
        "seeds": info["config"]["seeds"],
        "control": d.control,
        "control_value": d.control_value,
        "control_seconds": d.control_seconds,
        "run": run_id,
        "identity": info["identity"],
        "data": info["data"],
        "date": info["finished"],
        "commit": info["commit"],
        "dirty": info["dirty"],
        "devices": info["devices"],
        "versions": {"jax": info["versions"].get("jax")},  # the others are in run.json
        "seconds": seconds(info),
    }


def holds(decided: list[Decided]) -> bool:
    """Whether every headline that could be decided holds, and there is one."""
    headlines = [d for d in decided if d.claim.headline and d.verdict.state != "untested"]
    return bool(headlines) and all(d.holds for d in headlines)


def place(slug: str, preset: str) -> str:
    """Where a verification wrote."""
    return shown(results() / slug / preset)
