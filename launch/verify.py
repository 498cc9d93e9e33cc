"""Verdict seeds and falsifiers -> verdicts with their controls -> the ledger."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common import claims as claims_module
from common.claims import Claim, Verdict
from launch import fingerprint, report, run, settings, store, thin
from launch.errors import UserError
from launch.paths import VERDICT_SEEDS, results, shown
from launch.terminal import coloured

# What became of the falsifier. Only the first two let a headline count.
FAILS, UNDECIDED, PASSES, INVALID, NONE = "fails", "undecided", "passes", "invalid", "none"
CONTROLLED = (FAILS, UNDECIDED)
FIGURES = 6  # of a paper, at most


class Decided(NamedTuple):
    claim: Claim
    verdict: Verdict
    control: str
    control_value: float | None

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
        verdict = Verdict(**(asdict(verdict) | {"state": "invalid", "reason": reason}))
    return Decided(claim, verdict, state, control.estimate)


def verify(
    slug: str, preset: str, overrides: list[str], seeds: tuple[int, ...], *, ledger: bool
) -> list[Decided]:
    """Decide every claim on `seeds`, with its falsifier; write the ledger if asked.

    Runs already computed with the same settings and code are used again. Errors: UserError.
    """
    _, claims = report.load_claims(slug)
    decidable = [c for c in claims if c.level.get(preset, "none") != "none"]
    if not decidable:
        raise UserError(f"{slug}:{preset} decides no claim; verify {slug}:laptop")
    for claim in decidable:
        reason = claims_module.too_few(claim, len(seeds))
        if reason:
            raise UserError(f"{slug}/{claim.id}: too few seeds: {reason}")
    chosen = [*overrides, f"seeds={tuple(seeds)}"]
    main = _run(slug, preset, chosen, note="verify")
    arrays = store.arrays(main)
    overrides_of = {tuple(c.falsifier["override"]) for c in decidable if c.falsifier}
    folders = {o: _run(slug, preset, [*chosen, *o], note="control") for o in sorted(overrides_of)}
    decided = []
    for claim in claims:
        verdict = report.judge(slug, claim, preset, arrays, seeds=len(seeds))
        control = None
        if claim in decidable and claim.falsifier:
            others = store.arrays(folders[tuple(claim.falsifier["override"])])
            control = report.judge(slug, claim, preset, others, seeds=len(seeds))
        decided.append(with_control(claim, verdict, control))
    if ledger:
        publish(main, decided)
    return decided


def _run(slug: str, preset: str, overrides: list[str], note: str) -> Path:
    cfg = settings.get(slug, preset, overrides)
    if not os.environ.get("REPRISE_QUIET"):
        what = " ".join(o for o in overrides if not o.startswith("seeds="))
        print(coloured(f"{slug}:{preset} {note} {what}".rstrip(), "dim"), file=sys.stderr)
    return run.execute(slug, preset, cfg, reuse=True, note=note)


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
    figures = len(report.drawings(info, arrays))
    if figures > FIGURES:
        raise UserError(
            f"{slug} draws {figures} figures; at most {FIGURES} are kept in {shown(target)}: "
            "join some as panels of one"
        )
    if not _there(target, info, arrays):
        target.mkdir(parents=True, exist_ok=True)
        thin.write(target / "arrays.npz", arrays)
        if (folder / "source.diff").exists():
            info["source_diff"] = "uncommitted code; see the dirty hash"
        store.write_json(target / "run.json", info)
    report.draw_finite(target, info, kinds=("png",))
    # the arrays are of the run's code, the verdicts of what measures and decides now
    now = fingerprint.fingerprint(slug)
    made_by = {
        "compute": info["fingerprint"]["compute"],
        **{k: now[k] for k in ("measure", "rule")},
    }
    _append(slug, [ledger_line(d, info, folder.name) | {"fingerprint": made_by} for d in decided])


def _there(target: Path, info: dict, arrays: dict[str, np.ndarray]) -> bool:
    """Whether the reference has these settings and these arrays, bit for bit."""
    if store.peek(target / "run.json").get("config") != info["config"]:
        return False
    return (target / "arrays.npz").exists() and thin.same(store.arrays(target), arrays)


def _append(slug: str, lines: list[dict]) -> None:
    """Add lines to the ledger; one that a crash cut short is ended first, and stays unread."""
    with (results() / slug / "ledger.jsonl").open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        cut = b"\n" if file.read(1) not in (b"", b"\n") else b""
        text = "".join(json.dumps(store._clean(line), sort_keys=True) + "\n" for line in lines)
        file.write(cut + text.encode())
        file.flush()
        os.fsync(file.fileno())


def ledger_line(d: Decided, info: dict, run_id: str) -> dict[str, Any]:
    """One verdict with everything needed to judge it later."""
    return asdict(d.verdict) | {
        "schema": 1,
        "word": d.verdict.word,
        "claim": d.claim.hash,
        "thresholds": d.claim.thresholds,
        "headline": d.claim.headline,
        "preset": info["preset"],
        "overrides": info["overrides"],
        "seeds": info["config"]["seeds"],
        "control": d.control,
        "control_value": d.control_value,
        "run": run_id,
        "identity": info["identity"],
        "data": info["data"],
        "date": info["finished"],
        "commit": info["commit"],
        "dirty": info["dirty"],
        "devices": info["devices"],
        "versions": info["versions"],
        "seconds": info["seconds"] + info.get("seconds_before", 0.0),
    }


def holds(decided: list[Decided]) -> bool:
    """Whether every headline that could be decided holds, and there is one."""
    headlines = [d for d in decided if d.claim.headline and d.verdict.state != "untested"]
    return bool(headlines) and all(d.holds for d in headlines)


def is_official(seeds: tuple[int, ...], overrides: list[str]) -> bool:
    """Whether a verification is one for the ledger: the verdict seeds, the preset as it stands."""
    return tuple(seeds) == VERDICT_SEEDS and not overrides


def place(slug: str, preset: str) -> str:
    """Where a verification wrote."""
    return shown(results() / slug / preset)
