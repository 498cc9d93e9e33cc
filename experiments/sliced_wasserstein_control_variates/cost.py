"""Operations of a function, counted in its program without running it."""

import math
from collections.abc import Callable

import jax

ARITHMETIC = ("add", "sub", "add_any", "mul", "div", "neg", "max", "select_n", "integer_pow")


def operations(fn: Callable, *args) -> float:
    """Additions, products and comparisons of fn(*args), args arrays or jax.ShapeDtypeStruct.

    A product of matrices has 2 k operations an entry, a sort of n numbers n log2 n comparisons, a
    sum or a scatter one an entry of what is summed.  Errors: ValueError for a while loop.
    """
    return _counted(jax.make_jaxpr(fn)(*args).jaxpr)


def _counted(jaxpr) -> float:
    return sum(_of(equation) for equation in jaxpr.eqns)


def _of(equation) -> float:
    name, out = equation.primitive.name, equation.outvars[0].aval
    inner = [p for p in equation.params.values() if hasattr(p, "eqns") or hasattr(p, "jaxpr")]
    if name == "while":
        raise ValueError("a loop whose length is not known has no count")
    if inner:
        times = equation.params.get("length", 1)
        return times * sum(_counted(getattr(p, "jaxpr", p)) for p in inner)
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        return 2 * out.size * math.prod(equation.invars[0].aval.shape[i] for i in contracted)
    if name == "sort":
        return out.size * math.log2(out.shape[equation.params["dimension"]])
    if name == "reduce_sum":
        return equation.invars[0].aval.size
    if name == "scatter-add":
        return equation.invars[2].aval.size
    return out.size * (name in ARITHMETIC)
