"""Orders of b's units that match it to a, on the host: by weights, by activations, by descent.

Orders are arrays [H, n]: unit i of hidden layer h comes from unit order[h, i] of b.

Shapes: S seeds, P pairs, N examples, D pixels, H hidden layers, n units of each.
"""

from collections.abc import Callable, Sequence

import jax
import numpy as np

from common import loops
from common.nn import connect

from . import alignment, nets


def spec(params):
    """Which axis is whose units."""
    return connect.perceptron((1,) * (len(params) + 1))


def named(orders) -> connect.Orders:
    """[H, n] -> by the layers' names."""
    return {str(i + 1): order for i, order in enumerate(orders)}


def listed(orders: connect.Orders) -> np.ndarray:
    """By the layers' names -> [H, n]"""
    return np.array([orders[str(i + 1)] for i in range(len(orders))])


def reordered(params, orders):
    """Networks [S, ...] with their units in orders [S, H, n]."""
    pairs = zip(nets.each(params), orders, strict=True)
    return loops.stack([connect.permuted(one, spec(one), named(order)) for one, order in pairs])


def by_weights(a, b, seed: int = 0) -> np.ndarray:
    return listed(connect.weight_matching(a, b, spec(a), seed=seed).orders)


def best_of(params, pairs: Sequence[tuple[int, int]], *, restarts: int) -> dict[str, np.ndarray]:
    """Weight matching of pairs of members, in several random orders of layers: the largest overlap.

    params [S, member, ...] -> orders [S, pair, H, n]; overlap [S, pair, restart], <a, matched b>
    """
    orders, overlaps = [], []
    for members in nets.each(params):
        for i, j in pairs:
            a, b = nets.at(members, i), nets.at(members, j)
            tries = [connect.weight_matching(a, b, spec(a), seed=seed) for seed in range(restarts)]
            overlaps.append([found.overlap for found in tries])
            orders.append(listed(tries[int(np.argmax(overlaps[-1]))].orders))
    both = {"orders": np.array(orders), "overlap": np.array(overlaps)}
    return {name: x.reshape(-1, len(pairs), *x.shape[1:]) for name, x in both.items()}


def by_activations(a, b, x) -> np.ndarray:
    """Units paired by the correlation of what they say on x [N, D].  -> [H, n]"""
    return np.array(connect.activation_matching(hidden(a, x), hidden(b, x)))


def hidden(params, x) -> list[np.ndarray]:
    """Activations of the hidden layers.  x [N, D] -> [[N, n], ...]"""
    seen = []
    for w, b in params[:-1]:
        x = np.maximum(x @ w + b, 0)
        seen.append(x)
    return seen


def by_directions(a, b, low: float, high: float) -> np.ndarray:
    """Weight matching of the parts of both with low s_max <= s < high s_max.  -> [H, n]"""
    return by_weights(*(alignment.part(params, low, high) for params in (a, b)))


def ways(a, b, x, parts) -> np.ndarray:
    """Orders that change nothing, twice, by activations on x, by directions in each of parts.

    parts ((low, high), ...) -> [way, H, n]
    """
    seen = by_activations(a, b, x)
    still = np.broadcast_to(np.arange(seen.shape[1]), seen.shape)
    return np.array([still, still, seen, *(by_directions(a, b, *span) for span in parts)])


def straight_through(
    a, b, start: np.ndarray, slope: Callable, steps: int, lr: float, momentum: float
) -> np.ndarray:
    """Orders for a low loss half way to a (Ainsworth et al. 2023, algorithm 2).

    A free copy of the weights, from a on, descends; what is evaluated is b in the orders that bring
    it nearest to the copy, and the gradient passes as if both were the same.  a, b [P, ...];
    start [P, H, n]; slope(matched b, step) -> loss [P], its gradient [P, ...]
    -> those of the least loss seen, of every pair [P, H, n]
    """
    copy, velocity = a, jax.tree.map(np.zeros_like, a)
    orders, kept, least = start.copy(), start.copy(), np.full(len(start), np.inf)
    for step in range(steps):
        for p, (free, fixed) in enumerate(zip(nets.each(copy), nets.each(b), strict=True)):
            how = {"seed": step, "start": named(orders[p])}
            orders[p] = listed(connect.weight_matching(free, fixed, spec(free), **how).orders)
        loss, gradient = slope(reordered(b, orders), step)
        better = loss < least
        kept[better], least[better] = orders[better], loss[better]
        velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradient)
        copy = jax.tree.map(lambda w, v: w - lr * v, copy, velocity)
    return kept
