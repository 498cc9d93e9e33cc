"""Multiply-adds of a function, counted in its program without running it."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from . import kalman, tucker

SHAPE = jax.ShapeDtypeStruct


def sweep(entries: int, coordinates: int, modes: int = 3, rank: int = 3) -> int:
    """Of one epoch of Tucker inference."""
    data = tucker.Data(SHAPE((modes, 1, entries), int), SHAPE((1, entries), float))
    start = np.zeros((modes, coordinates, rank))
    state = tucker.begin(start, tucker.diagonal(modes, rank), 1.0, 1.0)
    chains = kalman.chain(start[..., 0] + np.arange(coordinates), 1.5, [1.0] * modes, 1.0, rank)
    rules = tucker.Rules(0.5, 0.5, 0.5)
    return multiply_adds(lambda *a: tucker.epoch(*a, rules, True, entries, 1), state, data, chains)


def dense(points: int, rank: int = 3) -> int:
    """Of the linear system of one regression with matrices at so many points (`gp.regression`)."""
    system = SHAPE((rank * points,) * 2, float)
    return multiply_adds(jnp.linalg.solve, system, system)


def multiply_adds(fn: Callable, *args) -> int:
    """Of fn(*args), args arrays or jax.ShapeDtypeStruct: products, and sums into segments.

    Linear systems: n^3 / 3 and n^2 a right-hand side.  Errors: ValueError for a while loop.
    """
    return _counted(jax.make_jaxpr(fn)(*args).jaxpr)


def _counted(jaxpr) -> int:
    return sum(map(_of, jaxpr.eqns))


def _of(equation) -> int:
    name, size = equation.primitive.name, equation.outvars[0].aval.size
    first = equation.invars[0].aval.shape if equation.invars else ()
    if name == "while":
        raise ValueError("a loop whose length is not known has no count")
    if name == "custom_linear_solve":
        return _counted(equation.params["jaxprs"].solve.jaxpr)
    inner = [p for p in equation.params.values() if hasattr(p, "eqns") or hasattr(p, "jaxpr")]
    if inner:
        times = equation.params.get("length", 1)
        return times * sum(_counted(getattr(p, "jaxpr", p)) for p in inner)
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        return size * math.prod(first[i] for i in contracted)
    if name == "lu":
        return math.prod(first[:-2]) * first[-1] ** 3 // 3
    if name == "triangular_solve":
        return size * first[-1] // 2
    if name == "scatter-add":
        return equation.invars[2].aval.size
    return size * (name == "mul")
