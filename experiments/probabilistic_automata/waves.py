"""Wave functions and ensembles of automata in time: long runs, movers of two colours, a packet.

Shapes: M sites, W walkers (initial states of an ensemble), T steps.
"""

import jax
import jax.numpy as jnp
import numpy as np

from common import loops

from . import automata

MASKS = np.array([automata.RIGHT, automata.LEFT, *automata.COLOURS], np.uint8)
WIDTH = 1 / 20  # of a bump of density, in rings


def path(advance, look, state, steps: int):
    """The last state, and look(state) after 0, 1, ..., T steps.  -> state, [T + 1, ...]"""
    last, seen = loops.trajectory(advance, look, state, np.ones(steps, int))
    return last, jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), look(state), seen)


def slipped(q, slip: float):
    """A share of a step that goes anywhere.  q [n] -> [n]"""
    return (1 - slip) * q + slip * q.mean()


def lasting(p, q, slip: float, strides):
    """The last wave function, and its norm after every stride, the first being 1.

    p, q [n] -> [n], [R]
    """
    back = jnp.argsort(p)
    norm = jnp.linalg.norm
    last, seen = loops.trajectory(lambda q: slipped(q[back], slip), norm, q, strides)
    return last, seen / norm(q)


def bit(p, mean, steps: int):
    """<s_0> at 0, ..., T, from <s_0> = mean and no other knowledge.  p [2^M] -> [T + 1]"""
    s, back = 2 * (np.arange(len(p)) & 1) - 1, jnp.argsort(p)
    q = jnp.sqrt((1 + mean * s) / len(p))
    return path(lambda q: q[back], lambda q: q**2 @ s, q, steps)[1]


def bumps(u):
    """Right-movers a around 1/4 and left-movers b around 3/4, on even sites, so that all meet.

    u in [0, 1) [W, M, 4] -> sites uint8 [W, M]
    """
    M = u.shape[1]
    x = np.arange(M)
    off = (x[:, None] / M - np.array([0.25, 0.75])) / WIDTH
    likely = np.exp(-(off**2) / 2) * (x % 2 == 0)[:, None]
    return (u[..., :2] < likely).astype(np.uint8) @ np.array([1, 8], np.uint8)


def filled(u, share: float):
    """Every bit of every site with the same probability.  u [W, M, 4] -> sites uint8 [W, M]"""
    return (u < share).astype(np.uint8) @ np.array([1, 2, 4, 8], np.uint8)


def colour(sites, rule, steps: int):
    """Density of colour a less that of b.  sites [W, M], rule [16] -> [T + 1, M]"""

    def look(sites):
        a, b = (_count(sites, mask).astype(float).mean(axis=0) for mask in MASKS[2:])
        return a - b

    return path(lambda c: automata.moved(c, rule), look, sites, steps)[1]


def species(sites, rule, steps: int):
    """Numbers of right-, left-movers, a and b.  sites [W, M], rule [16] -> int [T + 1, 4, W]"""

    def look(sites):
        return jnp.stack([_count(sites, m).sum(axis=-1, dtype=int) for m in MASKS])

    return path(lambda c: automata.moved(c, rule), look, sites, steps)[1]


def _count(sites, mask):
    return jax.lax.population_count(sites & mask)


def packet(u, M: int):
    """A real packet of norm 1 of random place, width, momentum and phase.  u [4] -> [M]"""
    x, (at, width, momentum, phase) = np.arange(M), u
    around = jnp.sin(np.pi * (x / M - at)) / (0.1 + 0.1 * width)
    q = jnp.exp(-(around**2)) * jnp.cos(np.pi * momentum * x + 2 * np.pi * phase)
    return q / jnp.linalg.norm(q)


def carried(q, hop: int, slip: float, steps: int):
    """Mean place as an angle on the ring, and probabilities of momenta.  -> [T + 1], [T + 1, k]"""
    around = np.exp(2j * np.pi * np.arange(len(q)) / len(q))

    def look(q):
        return jnp.angle((q**2) @ around), abs(jnp.fft.rfft(q)) ** 2

    return path(lambda q: slipped(jnp.roll(q, hop), slip), look, q, steps)[1]
