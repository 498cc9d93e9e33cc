"""Kinds of criterion and the rule that decides them; values [seed, …] as in WORKSPACE.md's table.

`kind` says what a kind is made of, each kind has a module, `rule` decides, `lint` refuses criteria
that cannot be decided. No JAX.
"""

from common.criteria.kind import Criterion, Invalid, Kind, Part
from common.criteria.rule import KINDS, Decision, checked, decide, surviving_mutants

__all__ = [
    "KINDS",
    "Criterion",
    "Decision",
    "Invalid",
    "Kind",
    "Part",
    "checked",
    "decide",
    "surviving_mutants",
]
