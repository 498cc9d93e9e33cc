"""Floating-point operations of a function, counted in its program without running it."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

ADDS = ("add", "sub", "add_any")
OTHERS = ("mul", "div", "neg")


def operations(fn: Callable, *args) -> tuple[int, int]:
    """(additions, all operations) of fn(*args), args arrays or jax.ShapeDtypeStruct.

    A product of matrices has 2 k operations an entry, a sum into segments one an entry; drawing
    random bits is integer work and does not count.  Errors: ValueError for a while loop.
    """
    return _counted(jax.make_jaxpr(fn)(*args).jaxpr)


def _counted(jaxpr) -> tuple[int, int]:
    each = [_of(equation) for equation in jaxpr.eqns]
    return sum(a for a, _ in each), sum(b for _, b in each)


def _of(equation) -> tuple[int, int]:
    name, out = equation.primitive.name, equation.outvars[0].aval
    inner = [p for p in equation.params.values() if hasattr(p, "eqns") or hasattr(p, "jaxpr")]
    if inner:
        if name == "while":
            raise ValueError("a loop whose length is not known has no count")
        times = equation.params.get("length", 1)
        each = [_counted(getattr(p, "jaxpr", p)) for p in inner]
        return times * sum(a for a, _ in each), times * sum(b for _, b in each)
    if not jnp.issubdtype(out.dtype, jnp.floating):
        return 0, 0
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        terms = out.size * math.prod(equation.invars[0].aval.shape[i] for i in contracted)
        return terms, 2 * terms
    if name == "scatter-add":
        return (equation.invars[2].aval.size,) * 2
    return out.size * (name in ADDS), out.size * (name in ADDS + OTHERS)
