"""Curves of loss and accuracy between networks, b and c in the orders that a search found.

`draw(a, b)` gives the curves of networks [S, ...].

Shapes: S seeds, 3 networks of each, H hidden layers, n units, T points, G thresholds, L layers; a
curve is [T, (test, train), (loss, accuracy)].
"""

from collections.abc import Callable, Sequence

import numpy as np

from . import alignment, matching, nets

PAIRS = ((0, 1), (0, 2), (1, 2))  # ab, ac, bc


def member(params, i: int):
    """One of the three of every seed.  [S, 3, ...] -> [S, ...]"""
    return nets.at(params, slice(None), i)


def of_pairs(params, orders, draw: Callable) -> dict[str, np.ndarray]:
    """Every pair before and after it is matched.  orders [S, pair, H, n]

    -> wide [S, 2, pair, T, 2, 2]
    """
    curves = []
    for i, pair in enumerate(PAIRS):
        a, b = (member(params, j) for j in pair)
        curves.append([draw(a, other) for other in (b, matching.reordered(b, orders[:, i]))])
    return {"wide": np.array(curves).transpose(2, 1, 0, 3, 4, 5)}


def of_ways(params, ways, draw: Callable) -> np.ndarray:
    """From a to b in every order.  ways [S, way, H, n] -> [S, way, T, 2, 2]"""
    a, b = member(params, 0), member(params, 1)
    curves = [draw(a, matching.reordered(b, ways[:, i])) for i in range(ways.shape[1])]
    return np.stack(curves, axis=1)


def of_three(params, methods: Sequence, gammas, draw: Callable) -> dict[str, np.ndarray]:
    """Between a, b, c with b and c matched to a.  methods: of each, orders of both [S, 2, H, n]

    -> triple [S, method, pair, T, 2, 2]; triple_aligned [S, method, L, G, 2] of a and b
    """
    curves, aligned = [], []
    a, *others = (member(params, i) for i in range(3))
    for orders in methods:
        moved = [a] + [matching.reordered(b, orders[:, i]) for i, b in enumerate(others)]
        curves.append([draw(moved[i], moved[j]) for i, j in PAIRS])
        each = zip(*map(nets.each, moved[:2]), strict=True)
        layers = [[alignment.directions(one) for one in pair] for pair in each]
        aligned.append([alignment.aligned(*pair, gammas) for pair in layers])
    curves = np.array(curves).transpose(2, 0, 1, 3, 4, 5)
    return {"triple": curves, "triple_aligned": np.swapaxes(aligned, 0, 1)}
