"""Verdict seeds and falsifiers -> verdicts with their controls -> the ledger."""

import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common import claims as claims_module
from common import files
from common.claims import Claim, Verdict
from launch import settings
from launch.compute import numerics, run, thin
from launch.errors import UserError
from launch.paths import results, shown
from launch.read import report
from launch.record import fingerprint, ledger, store
from launch.settings import Job
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


def with_control(
    claim: Claim, verdict: Verdict, control: Verdict | None, seconds: float | None = None
) -> Decided:
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
    return Decided(claim, verdict, state, control.estimate, seconds)


def verify(job: Job, *, ledger: bool) -> list[Decided]:
    """Decide every claim on the job's seeds, with its falsifier; write the ledger if asked.

    `check.refuse` comes before it. Runs already computed with the same settings and code are used
    again. Errors: UserError.
    """
    if ledger and (here := numerics.environment()):
        raise UserError(
            f"the ledger is of runs without {numerics.said(here)}: unset it, or decide without the "
            "ledger: --seeds 2000-2004"
        )
    _, claims = report.load_claims(job.slug)
    groups = controls_of(_decidable(job, claims))
    _say(forecast(job, groups))
    main = _run(job, "verify")
    arrays = store.arrays(main)
    controls: dict[str, tuple[Verdict, float]] = {}
    for override, some in groups.items():
        wanted = report.reads(job.slug, some, arrays)
        folder = _run(job.but(override), "control", wanted)
        others, took = store.arrays(folder), store.seconds(store.read_json(folder / "run.json"))
        controls |= {c.id: (_judged(job, c, others), took) for c in some}
    decided = []
    for claim in claims:
        verdict = replace(_judged(job, claim, arrays), official=ledger)
        decided.append(with_control(claim, verdict, *controls.get(claim.id, (None,))))
    if ledger:
        publish(main, decided)
    return decided


def _decidable(job: Job, claims: list[Claim]) -> list[Claim]:
    """The claims that a preset decides.  Errors: UserError for none, or where seeds are too few."""
    decidable = [c for c in claims if c.level.get(job.preset, "none") != "none"]
    if not decidable:
        raise UserError(f"{job.name} decides no claim; verify {job.slug}:laptop")
    for claim in decidable:
        reason = claims_module.too_few(claim, len(job.cfg.seeds))
        if reason:
            raise UserError(f"{job.slug}/{claim.id}: too few seeds: {reason}")
    return decidable


def _judged(job: Job, claim: Claim, arrays: dict[str, np.ndarray]) -> Verdict:
    return report.judge(job.slug, claim, job.preset, arrays, seeds=len(job.cfg.seeds))


def controls_of(claims: list[Claim]) -> dict[tuple[str, ...], list[Claim]]:
    """{override of a falsifier: the claims that it must break}, in a fixed order."""
    groups: dict[tuple[str, ...], list[Claim]] = {}
    for claim in claims:
        if claim.falsifier:
            groups.setdefault(tuple(claim.falsifier["override"]), []).append(claim)
    return dict(sorted(groups.items()))


def forecast(job: Job, groups: dict) -> str:
    """How long a verification takes by the last one's times, scaled by the number of seeds."""
    info, seeds = store.peek(results() / job.slug / job.preset / "run.json"), len(job.cfg.seeds)
    if "seconds" not in info:
        return f"{job.name} was never verified: how long it takes is not known"
    main = store.seconds(info) * seeds / len(info["config"]["seeds"])
    newest, known, unknown = ledger.newest(job.slug, job.preset), 0.0, 0
    for claims in groups.values():
        lines = [line for c in claims if (line := newest.get(c.id))]
        times = [x["control_seconds"] * seeds / len(x["seeds"]) for x in lines if _timed(x)]
        known += max(times, default=0.0)
        unknown += not times
    text = f"{job.name} on {seeds} seeds, all computed anew: about {duration(main + known)}"
    text += f", {duration(known)} of it for controls" if known else ""
    return text + (f", and {unknown} controls whose time is not known" if unknown else "")


def _timed(line: dict) -> bool:
    return line.get("control_seconds") is not None


def _say(text: str) -> None:
    if not os.environ.get("REPRISE_QUIET"):
        print(coloured(text, "dim"), file=sys.stderr, flush=True)


def _run(job: Job, note: str, wanted: frozenset[str] | None = None) -> Path:
    changes = {k: v for k, v in job.changes.items() if k != "seeds"}
    _say(f"{job.name} {note} {settings.typed(changes)}".rstrip())
    return run.execute(job, reuse=True, note=note, wanted=wanted)


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
        files.own_folder(target)
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
        "seconds": store.seconds(info),
    }


def holds(decided: list[Decided]) -> bool:
    """Whether every headline that could be decided holds, and there is one."""
    headlines = [d for d in decided if d.claim.headline and d.verdict.state != "untested"]
    return bool(headlines) and all(d.holds for d in headlines)


def place(slug: str, preset: str) -> str:
    """Where a verification wrote."""
    return shown(results() / slug / preset)
