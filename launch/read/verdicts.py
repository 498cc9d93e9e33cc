"""What the ledger says of every claim today."""

from common.claims import Claim, Verdict
from launch.record import fingerprint, ledger

LEGEND = "✓ holds · ✗ does not hold · ~ undecided · ! invalid · · untested · * headline"


def old_verdict(line: dict) -> Verdict:
    """A ledger line, or a record of verdicts.json, as a verdict."""
    return Verdict(**{k: line[k] for k in Verdict.__dataclass_fields__ if k in line})


def current(slug: str, claims: list[Claim], preset: str = "laptop") -> list[tuple]:
    """(claim, ledger line or None, standing) of every claim."""
    now = fingerprint.fingerprint(slug)
    newest = ledger.newest(slug, preset)
    return [(c, newest.get(c.id), ledger.standing(newest.get(c.id), c, now)) for c in claims]


def state_of(line: dict | None, standing: str) -> tuple[str, str]:
    """(state, word) on show today."""
    if line is None:
        return "untested", "UNTESTED"
    if standing == "thresholds changed":
        return "invalid", "INVALID: thresholds changed since it was decided"
    return line["state"], line["word"]
