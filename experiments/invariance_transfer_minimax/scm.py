"""The paper's simulation: eleven variables, two of them mutable, twenty environments.

Shapes: R rows; a table is name -> [R], NumPy's or JAX's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import dags

NAMES = ("Y", "X7", "X11", "M1", "X6", "X10", "X2", "X4", "X3", "M2", "X5")  # causes first
STABLE = ("X2", "X3", "X4", "X5", "X6", "X7", "X10", "X11")
MUTABLE = ("M1", "M2")
WEIGHTS = {  # of causes
    "M1": {"Y": 1.91},
    "X6": {"X7": 0.84},
    "X10": {"X11": -1.52},
    "X2": {"X6": 1.13, "X7": 1.51, "M1": -0.58, "Y": 0.63},
    "X4": {"X2": -0.95},
    "X3": {"X4": 1.47, "X11": -0.64},
    "M2": {"X6": -1.2, "X4": 1.33, "X11": 0.64},
    "X5": {"X3": 1.42, "X10": 0.99, "X11": 0.72},
}
SIGMOID, IDENTITY = ("X2", "X5", "X6"), ("X10",)  # all others are tanh
NOISE = 0.1  # standard deviation, of roots as well
AFTER = ("X2", "X4", "X3", "X5")  # what hangs on M1 and is not mutable: K, causes first
EDGES = tuple(f"{cause}->{name}" for name, causes in WEIGHTS.items() for cause in causes)
INPUTS = STABLE + MUTABLE
Table = dict[str, Any]


def intervened_graph() -> np.ndarray:
    """Under do(M1, M2): of Y, the stable variables and the mutable ones.  -> bool [11, 11]"""
    kept = [edge for edge in EDGES if edge.split("->")[1] not in MUTABLE]
    return dags.graph(("Y", *INPUTS), kept)


def stable_graph(missing: Sequence[str] = ()) -> tuple[np.ndarray, int, np.ndarray]:
    """Without mutable variables, which are given roots.  -> the graph, place of Y, of the others"""
    kept = [e for e in EDGES if not set(e.split("->")) & set(MUTABLE) and e not in missing]
    return dags.graph(("Y", *STABLE), kept), 0, np.arange(1, 1 + len(STABLE))


def listed(by_class: bool) -> np.ndarray:
    """Subsets of STABLE: none, all, then {X2} and others; by_class: the first of every class.

    -> bool [N, 8]
    """
    order = np.concatenate([[0, 255], np.arange(1, 255)])
    if by_class:
        number = dags.classes(*stable_graph())[order]
        order = order[np.sort(np.unique(number, return_index=True)[1])]
    return dags.subsets(len(STABLE))[order]


def mechanism(name: str, table: Table) -> Any:
    """What the causes of a variable make of it.  -> [R]"""
    total = sum(w * table[cause] for cause, w in WEIGHTS[name].items())
    if name in IDENTITY:
        return total
    xp = total.__array_namespace__()
    return 1 / (1 + xp.exp(-total)) if name in SIGMOID else xp.tanh(total)


def sampled(noise: np.ndarray, alpha: np.ndarray) -> Table:
    """Mechanisms of mutable variables are times alpha [R].  noise [V, R]"""
    table: Table = {}
    for name, own in zip(NAMES, noise, strict=True):
        known = mechanism(name, table) if name in WEIGHTS else 0.0
        table[name] = (alpha * known if name in MUTABLE else known) + own
    return table


def regenerated(table: Table, noise: Mapping[str, Any], names: Sequence[str] = AFTER) -> Table:
    """Columns anew from their causes, one after the other."""
    table = dict(table)
    for name in names:
        table[name] = mechanism(name, table) + noise[name]
    return table


def alphas(environments: int, frozen: bool) -> np.ndarray:
    """e - 10.5 for e = 1, ..., 20; all 1 where mechanisms are frozen.  -> [E]"""
    spread = np.arange(environments) - (environments - 1) / 2
    return np.ones(environments) if frozen else spread
