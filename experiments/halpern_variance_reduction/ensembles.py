"""Long loops over seeds and sizes, every step recorded, resumed where they were killed.

Members: (problem [S, N, ...], u0 [S, D], uniform numbers [S, K, 1 + B] or keys [S]).
Shapes: S seeds, N sizes, K steps, B places for a batch, D unknowns.
"""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import loops, sharding

from . import extragradient, halpern, resolvent

CHUNK, OUTER_CHUNK = 500, 10  # steps and outer iterations in one call


def forward(mesh: Mesh, scratch, of: Callable, members: tuple) -> Callable:
    """Algorithm 1.  of: problem -> FiniteSum

    -> (name, method, steps) -> halpern.Seen [S, N, K], of k = 0, 1, ...
    """

    def advance(problem, u0, numbers, state, method, strides):
        def single(p, state):
            step = partial(halpern.step, of(p), method, numbers, u0)
            return loops.trajectory(step, halpern.look, state, strides)

        return jax.vmap(single)(problem, state)

    move, state = sharding.vmap_over(mesh, advance, shared=(4, 5)), halpern.start(begin(members))

    def descend(name: str, method: halpern.Method, steps: int) -> halpern.Seen:
        def ahead(state, _, strides):
            return move(*members, state, method, strides)

        return every_step(scratch, name, ahead, state, steps)

    return descend


def baselines(mesh: Mesh, scratch, of: Callable, members: tuple, steps: int) -> extragradient.Seen:
    """Anchored extragradient of two sizes, and descent-ascent.  -> [S, N, K, 3], of k = 1, ..."""

    def advance(problem, u0, numbers, state, strides):
        def single(p, state):
            f = of(p)
            step = partial(extragradient.step, f, p.own, numbers, u0)
            return loops.trajectory(step, partial(extragradient.look, f), state, strides)

        return jax.vmap(single)(problem, state)

    move = sharding.vmap_over(mesh, advance, shared=(4,))

    def ahead(state, _, strides):
        return move(*members, state, strides)

    return every_step(scratch, "baselines", ahead, extragradient.start(begin(members)), steps)


def begin(members: tuple) -> np.ndarray:
    """u0 of every size.  -> [S, N, D]"""
    problem, u0, _ = members
    return np.repeat(u0[:, None], problem.count.shape[1], axis=1)


def every_step(scratch, name: str, ahead: Callable, state, steps: int):
    """All steps, along axis 2."""
    at = np.arange(1, steps + 1)
    return loops.recorded(scratch, name, ahead, state, at, chunk=CHUNK, axis=2)[1]


def backward(mesh: Mesh, scratch, of: Callable, members: tuple, outer: dict[int, int]) -> list:
    """Algorithm 2.  outer: iterations at every n  -> a resolvent.Seen [S, K_n] for each"""
    problem, u0, key = members

    def advance(problem, u0, key, state, counts):
        own = jax.random.fold_in(key, problem.count)
        return resolvent.outer(of(problem), own, u0, state, counts)

    move = sharding.vmap_over(mesh, advance, shared=(4,), at_once=1)
    seen = []
    for i, (n, many) in enumerate(outer.items()):
        sized = type(problem)(*(x[:, i] for x in problem))

        def ahead(state, _, counts, sized=sized):
            return move(sized, u0, key, state, counts)

        at, state = np.cumsum(resolvent.blocks(n, many)), resolvent.start(u0)
        seen.append(loops.recorded(scratch, f"outer-{n}", ahead, state, at, chunk=OUTER_CHUNK)[1])
    return seen
