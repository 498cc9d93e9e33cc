"""Claims of a paper: read from claims.toml and refused where they cannot fail; decided; told.

No JAX.
"""

from common.claims.schema import lint, load, too_few
from common.claims.statement import LEVELS, SEEDS, THEMES, Claim, ClaimError, digest
from common.claims.verdict import SIGNS, WORDS, Verdict, judge
from common.criteria import decide

__all__ = [
    "LEVELS",
    "SEEDS",
    "SIGNS",
    "THEMES",
    "WORDS",
    "Claim",
    "ClaimError",
    "Verdict",
    "decide",
    "digest",
    "judge",
    "lint",
    "load",
    "too_few",
]
