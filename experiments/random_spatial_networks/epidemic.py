"""SIR on a network as first passage, and what is read from the times at which nodes change.

Shapes: N nodes, E directed edges (each pair in both directions), B bins a side.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import ndimage


def room(n: int, kappa: float) -> int:
    """Directed edges to have room for: ten standard deviations above their mean."""
    return int(n * kappa + 20 * np.sqrt(n * kappa / 2))


def directed(pairs: np.ndarray, n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Sources and targets sorted by target, filled up with loops of the last node, which infect
    nobody: whoever is infected is not susceptible.  [E/2, 2] -> [length] each"""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 1], kind="stable")]
    both = np.pad(both, ((0, length - len(both)), (0, 0)), constant_values=n - 1).astype(np.int32)
    return both[:, 0], both[:, 1]


def batch(nets, n: int, length: int) -> list[np.ndarray]:
    """Of networks (pairs, first infected): sources, targets [net, length], first [net, N]."""
    rows = [(*directed(pairs, n, length), first) for pairs, first in nets]
    return [np.stack(part) for part in zip(*rows, strict=True)]


def spread(
    key: Array, sources: Array, targets: Array, first: Array, *,
    beta: float, gamma: float, horizon: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Times of infection and of recovery up to `horizon`, inf for never: exact, without steps.

    sources, targets [E], first [N] bool: infected at 0. An infected node recovers after Exp(gamma)
    and would infect along an edge after Exp(beta), if before that. A node's time is the least over
    its edges: sweeps over all of them until nothing changes.  -> [N] each
    """
    n = len(first)
    one, two = jax.random.split(key)
    lasts = jax.random.exponential(one, (n,), jnp.float32) / gamma
    delay = jax.random.exponential(two, sources.shape, jnp.float32) / beta
    delay = jnp.where(delay < lasts[sources], delay, jnp.inf)

    def sweep(state):
        caught, _ = state
        arrives = caught[sources] + delay
        new = jax.ops.segment_min(arrives, targets, n, indices_are_sorted=True)
        new = jnp.minimum(caught, jnp.where(new <= horizon, new, jnp.inf))
        return new, (new < caught).any()

    start = jnp.where(first, 0, jnp.inf).astype(jnp.float32)
    caught = jax.lax.while_loop(lambda state: state[1], sweep, (start, True))[0]
    return caught, caught + lasts


def share(times: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Share of nodes whose time is at most each of `at`.  [..., N], [T] -> [..., T]"""
    rows = np.sort(times, axis=-1).reshape(-1, times.shape[-1])
    found = np.array([np.searchsorted(row, at, side="right") for row in rows])
    return found.reshape(*times.shape[:-1], len(at)) / times.shape[-1]


def profile(x: np.ndarray, caught, healed, at: np.ndarray, bins: int) -> np.ndarray:
    """Share infected in every bin of the unit interval.  x [N, 1], times [N], at [T] -> [T, B]"""
    inside = [(x[:, 0] * bins).astype(int) == b for b in range(bins)]
    return np.stack([share(caught[b], at) - share(healed[b], at) for b in inside], axis=1)


def reached(x: np.ndarray, caught: np.ndarray, share: float, bins: int) -> np.ndarray:
    """Share of the nodes of every bin of the unit square that had been infected when `share` of all
    first had; all who ever were if they never had.  x [N, 2], caught [N] -> [B, B]"""
    last = np.sort(caught)[int(np.ceil(share * len(caught))) - 1]
    place = np.minimum((x * bins).astype(int), bins - 1) @ (bins, 1)
    some = place[(caught <= last) & np.isfinite(caught)]
    count, total = (np.bincount(each, minlength=bins**2) for each in (some, place))
    return (count / np.maximum(total, 1)).reshape(bins, bins)


def foci(filled: np.ndarray) -> int:
    """Connected components of the filled bins, eight neighbours each, on the torus.  [B, B]"""
    label, count = ndimage.label(filled, structure=np.ones((3, 3)))
    root = np.arange(count + 1)

    def top(i):
        while root[i] != i:
            i = root[i]
        return i

    for one, other in ((label[0], label[-1]), (label[:, 0], label[:, -1])):
        for shift in (-1, 0, 1):
            for a, b in zip(one, np.roll(other, shift), strict=True):
                if a and b:
                    root[top(a)] = top(b)
    return sum(root[i] == i for i in range(1, count + 1))
