"""What a measure returned -> the verdict on a claim, and its words."""

from dataclasses import asdict, dataclass, field
from typing import Any

from common.claims.statement import Claim
from common.criteria import Decision, Invalid, decide, surviving_mutants

WORDS = {
    ("pass", "exact"): "REPRODUCED",
    ("pass", "reduced"): "HOLDS AT REDUCED SCALE",
    ("pass", "substitute"): "HOLDS ON SUBSTITUTE DATA",
    ("pass", "theory"): "CONFIRMED NUMERICALLY",
    ("fail", "exact"): "NOT REPRODUCED",
    ("fail", "reduced"): "DOES NOT HOLD AT REDUCED SCALE",
    ("fail", "substitute"): "DOES NOT HOLD ON SUBSTITUTE DATA",
    ("fail", "theory"): "COUNTEREXAMPLE",
}
HERE = "DOES NOT HOLD HERE"  # a theory claim that fails on other seeds: no counterexample yet
SIGNS = {
    "pass": "✓",
    "fail": "✗",
    "inconclusive": "~",
    "untested": "·",
    "invalid": "!",
    "error": "!",
}


@dataclass(frozen=True)
class Verdict:
    """What was decided of one claim, from one run's arrays."""

    id: str
    state: str  # pass fail inconclusive invalid untested error
    level: str
    reason: str = ""  # why invalid or untested
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    parts: list = field(default_factory=list)
    per_seed: list = field(default_factory=list)
    n: int = 0
    needed: int | None = None
    mutants: list = field(default_factory=list)  # automatic mutants that were refused
    repeats: float | None = None  # chance that as many fresh seeds give this state (common/repeats)
    official: bool = True  # on the paper's verdict seeds, at the preset as it stands

    @property
    def word(self) -> str:
        if (self.state, self.level) == ("fail", "theory") and not self.official:
            return HERE
        return WORDS.get((self.state, self.level), self.state.upper())


def judge(claim: Claim, level: str, values: Any, *, seeds: int | None = None) -> Verdict:
    """The verdict of one claim on what its measure returned.  values [seed, …]; seeds that ran.

    Never raises for bad values: a missing seed, a NaN or a mutant that passes is INVALID.
    """
    if level == "none":
        return Verdict(claim.id, "untested", level, "not decided at this preset")
    try:
        decision: Decision = decide(claim.criterion, values, seeds)
        names, passing = surviving_mutants(claim.criterion, values)
    except Invalid as error:
        return Verdict(claim.id, "invalid", level, str(error))
    result = Verdict(
        claim.id,
        decision.state,
        level,
        reason=decision.reason,
        estimate=decision.estimate,
        low=decision.low,
        high=decision.high,
        parts=decision.parts,
        per_seed=decision.per_seed,
        n=len(values),
        needed=decision.needed,
        mutants=[n for n in names if n not in passing],
    )
    if decision.state == "pass" and passing:
        reason = f"the check cannot fail: it also passes when the data are mutated ({passing[0]})"
        return Verdict(**(asdict(result) | {"state": "invalid", "reason": reason}))
    return result
