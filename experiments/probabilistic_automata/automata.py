"""Automata: permutations of states as index arrays, movers of two colours that scatter.

A site of the movers is a number of four bits: right-movers of colours a, b, left-movers of a, b.

Shapes: M sites, n states; an index array p [n] sends state i to p[i].
"""

import numpy as np

RIGHT, LEFT = 3, 12
COLOURS = np.array([1 + 4, 2 + 8])
AB, BA = 1 + 8, 2 + 4  # right-mover a and left-mover b, and the other way round
RULES = {  # what a meeting makes of a site
    "swap": {AB: BA, BA: AB},
    "none": {},
    "turn": {AB: 2 + 8, 2 + 8: AB},  # the right-mover changes its colour
    "merge": {AB: BA},
}


def bits(M: int) -> np.ndarray:
    """Bits of all 2^M states.  -> [2^M, M]"""
    return np.arange(2**M)[:, None] >> np.arange(M) & 1


def shifted(M: int, hop: int, order: np.ndarray | None = None) -> np.ndarray:
    """Every bit moves `hop` sites along the ring; `order` [M] names its sites.  -> p [2^M]"""
    order = np.arange(M) if order is None else order
    to = np.empty(M, int)
    to[order] = np.roll(order, -hop)
    return bits(M) @ 2**to


def blocks(M: int, rule):
    """A permutation `rule` [4] of neighbours, on even and then on odd pairs.  M even -> [2^M]"""
    state = np.arange(2**M)
    for first in range(2):
        new = 0
        for i in range(first, M + first, 2):
            j, k = i % M, (i + 1) % M
            met = rule[(state >> j & 1) + 2 * (state >> k & 1)]
            new |= (met & 1) << j | (met >> 1) << k
        state = new
    return state


def table(scatter: str) -> np.ndarray:
    """What a rule makes of each of the 16 states of a site.  -> [16]"""
    made = np.arange(16, dtype=np.uint8)
    for before, after in RULES[scatter].items():
        made[before] = after
    return made


def moved(sites, rule):
    """Scattering on every site, then all move.  sites [..., M], rule [16] -> [..., M]"""
    met, place = rule[sites], np.arange(sites.shape[-1])
    right, left = met[..., place - 1], met[..., (place + 1) % len(place)]
    return right & RIGHT | left & LEFT


def code(sites: np.ndarray) -> np.ndarray:
    """One number a state.  uint8 [n, M] -> int64 [n]"""
    return sum(c.astype(np.int64) << 4 * j for j, c in enumerate(sites.T))


def step(sites: np.ndarray, scatter: str) -> np.ndarray:
    """The index array of states that a step maps to each other.  sites [n, M] -> [n]

    Errors: ValueError if it leads out of them.
    """
    before, after = code(sites), code(moved(sites, table(scatter)))
    order = np.argsort(before)
    at = np.searchsorted(before, after, sorter=order) % len(order)
    p = order[at]
    if (before[p] != after).any():
        raise ValueError("a step leads out of the states")
    return p


def whole(M: int, scatter: str) -> np.ndarray:
    """The index array of all states of a ring, in parts of 2^20.  -> int32 [16^M], M < 8"""
    rule, p = table(scatter), np.empty(16**M, np.int32)
    for first in range(0, len(p), 2**20):
        state = np.arange(first, min(first + 2**20, len(p)))
        sites = np.stack([(state >> 4 * j & 15).astype(np.uint8) for j in range(M)], axis=1)
        p[state] = code(moved(sites, rule))
    return p
