"""The ledger: every verdict ever decided on verdict seeds, one JSON line each, append-only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from launch import provenance
from launch.paths import results

if TYPE_CHECKING:
    from common.claims import Claim


def lines(slug: str) -> list[dict]:
    """Ledger lines of an experiment, oldest first. A line cut short by a crash is passed over."""
    file = results() / slug / "ledger.jsonl"
    found = []
    for text in file.read_text().splitlines() if file.exists() else []:
        try:
            found.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return found


def newest(slug: str, preset: str = "laptop") -> dict[str, dict]:
    """The last line of every claim at a preset."""
    return {x["id"]: x for x in lines(slug) if x["preset"] == preset}


def times_decided(slug: str, claim: str, preset: str = "laptop") -> int:
    """How often a claim was decided on verdict seeds (a second look is on show)."""
    return sum(x["id"] == claim and x["preset"] == preset for x in lines(slug))


def standing(line: dict | None, claim: Claim | dict, now: dict) -> str:
    """'fresh', 'stale', 'thresholds changed' or 'untested': what a ledger line is worth today.

    claim: its hashes; now: fingerprint.fingerprint of the experiment.
    """
    if line is None:
        return "untested"
    hashes = claim if isinstance(claim, dict) else {"t": claim.thresholds, "c": claim.hash}
    if line["thresholds"] != hashes["t"]:
        return "thresholds changed"
    same_code = all(line["fingerprint"].get(k) == now[k] for k in ("compute", "measure", "rule"))
    same_jax = _minor(line["versions"].get("jax")) == _minor(provenance.version("jax"))
    return "fresh" if same_code and same_jax and line["claim"] == hashes["c"] else "stale"


def _minor(version: str | None) -> list[str]:
    return (version or "").split(".")[:2]
