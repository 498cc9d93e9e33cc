"""Cycles of permutations, which are their spectra; rings of movers of two colours.

A cycle of length L has the eigenphases 2 pi k / L.  Shapes: M sites, n states, S seeds.
"""

import numpy as np

from . import automata


def cycle_of(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least state of each state's cycle, and its length, by doubling.  p [n] -> [n], [n]

    Once the least of 2^(k + 1) steps is that of 2^k at every state, it is that of the cycle.
    """
    least, jump = np.minimum(np.arange(len(p), dtype=p.dtype), p), p
    while True:
        jump = jump[jump]
        further = np.minimum(least, least[jump])
        if (further == least).all():
            return least, np.bincount(least, minlength=len(p))[least]
        least = further


def levels(p: np.ndarray, sector: np.ndarray, grid: int) -> np.ndarray:
    """Eigenphases 2 pi k / L of every cycle, counted at multiples of 2 pi / grid.

    sector int [n]: a conserved number -> [sectors, grid].  Errors: ValueError if a length does not
    divide grid.
    """
    least, length = cycle_of(p)
    heads = np.flatnonzero(least == np.arange(len(p)))
    if (grid % length[heads]).any():
        raise ValueError(f"there is a cycle whose length does not divide {grid}")
    counts = np.zeros((sector.max() + 1, grid), int)
    for L in np.unique(length[heads]):
        many = np.bincount(sector[heads][length[heads] == L], minlength=len(counts))
        counts[:, :: grid // L] += many[:, None]
    return counts


def rings(sizes, scatter: str, u: np.ndarray) -> dict[str, np.ndarray]:
    """All states of rings: of every length of cycles the states; lengths of some.  u [S, ring, K]

    lengths [ring, 2, L]: free, scattering; cycle [S, ring, K]
    """
    rows, cycle = [], []
    for M, some in zip(sizes, u.swapaxes(0, 1), strict=True):
        each = [cycle_of(automata.whole(M, rule))[1] for rule in ("none", scatter)]
        rows += [np.bincount(length) for length in each]
        cycle.append(each[1][(some * 16**M).astype(int)])
    most = max(map(len, rows))
    lengths = np.array([np.pad(row, (0, most - len(row))) for row in rows])
    return {"lengths": lengths.reshape(-1, 2, most), "cycle": np.stack(cycle, axis=1)}


def couples(sizes, scatter: str) -> np.ndarray:
    """Levels of a pair on rings, counted at multiples of pi / M, and their law.  -> [ring, 2, k]"""
    counts = np.zeros((len(sizes), 2, 2 * max(sizes)), int)
    for row, M in zip(counts, sizes, strict=True):
        p = automata.step(pair(M), scatter)
        row[:, : 2 * M] = levels(p, np.zeros(len(p), int), 2 * M)[0], pair_law(M)
    return counts


def pair(M: int) -> np.ndarray:
    """A right- and a left-mover of unlike colours on M < 16 sites.  -> uint8 [2 M^2, M]"""
    x, y, colour = (a.ravel() for a in np.indices((M, M, 2)))
    sites, n = np.zeros((len(x), M), np.uint8), np.arange(len(x))
    sites[n, x] += np.where(colour == 0, 1, 2).astype(np.uint8)
    sites[n, y] += np.where(colour == 0, 8, 4).astype(np.uint8)
    return sites


def pair_law(M: int) -> np.ndarray:
    """Levels of such a pair at multiples of pi / M.  (README)  -> [2 M]"""
    return np.full(2 * M, M) if M % 2 else np.tile([2 * M, 0], M)


def stepped(M: int, scatter: str, q: np.ndarray) -> np.ndarray:
    """Squared norms and the scalar product of two wave functions, after a step and before.

    q [S, 2, 16^M] -> [S, 2, 3]
    """
    p = automata.whole(M, scatter)
    moved = np.array([[np.bincount(p, row, len(p)) for row in both] for both in q])
    first, second = ([0, 1, 0], [0, 1, 1])
    return np.stack([(x[:, first] * x[:, second]).sum(axis=-1) for x in (moved, q)], axis=1)
