"""Real numbers of any range, checked where they come in.  NumPy and JAX arrays; imports no JAX."""

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np


def reals(name: str, x: Any, *, finite: bool = True):
    """x as an array of real numbers of 32 bits or more: integers as floats, 16 bits as float32.

    Sums of 16-bit numbers overflow and integers wrap, though the numbers asked for are ordinary.
    Errors: ValueError that names x where it is complex, no number, beyond float64, or (`finite`,
    where JAX does not trace) not finite.
    """
    x = x if hasattr(x, "dtype") else _array(name, x)
    if x.dtype.kind == "O":
        x = _array(name, x)
    kind, bytes_ = x.dtype.kind, x.dtype.itemsize
    if kind in "biu":
        x = x.astype(float)
    elif bytes_ <= 2 and kind in "fV":  # bfloat16 and its like call themselves V
        x = x.astype(np.float32)
    elif kind != "f":
        raise ValueError(f"{name} must hold real numbers, not {x.dtype}")
    if finite and is_known(x) and not _all_finite(x):
        raise ValueError(f"{name} must be finite")
    return x


def real_arrays(**named: Any) -> list:
    """Each as `reals` has it, finite or not, as a JAX array.  Errors: ValueError naming one."""
    from jax.numpy import asarray

    return [asarray(reals(name, x, finite=False)) for name, x in named.items()]


def complexes(name: str, x: Any, *, finite: bool = True):
    """As `reals`, or complex numbers as they are.  Errors: ValueError that names x."""
    if getattr(getattr(x, "dtype", None), "kind", "") != "c":
        return reals(name, x, finite=finite)
    if finite and is_known(x) and not _all_finite(x):
        raise ValueError(f"{name} must be finite")
    return x


def held(said: str, *found: Any) -> None:
    """Refuse results that left the range of their dtype.

    Errors: ValueError, where JAX does not trace, that begins with what is `said` of the arguments.
    """
    for x in found:
        if is_known(x) and not _all_finite(x):
            raise ValueError(f"{said} in {x.dtype}")


def unit(x, axis: int | tuple | None = None):
    """The power of two below the largest |x| along the axis, which is kept; 1/2 for zeros.

    x / unit(x) has the digits of x, and squares that exist.
    """
    xp = namespace(x)
    largest = xp.max(xp.abs(x), axis=axis, keepdims=True, initial=0)
    exponent = xp.frexp(largest)[1]
    return xp.ldexp(xp.ones_like(largest), exponent - 1)


def at_least(least: int, /, **sizes: Any) -> None:
    """Refuse sizes that are no integers or below `least`.  Errors: ValueError that names them."""
    for name, size in sizes.items():
        if not isinstance(size, numbers.Integral) or isinstance(size, bool) or size < least:
            raise ValueError(f"{name} must be an integer of {least} or more, not {size!r}")


def is_known(x: Any) -> bool:
    """Whether there are values to look at: not while JAX traces."""
    if isinstance(x, np.ndarray | np.generic | numbers.Number):
        return True
    from jax.core import Tracer

    return not isinstance(x, Tracer)


def refuted(check: Callable[..., Any], *values: Any) -> bool:
    """Whether all values are known and `check(*values)` is false anywhere.

    Also of constants that are met while JAX traces, on which a plain comparison gives a tracer.
    """
    if not all(map(is_known, values)):
        return False
    if all(isinstance(x, np.ndarray | np.generic | numbers.Number) for x in values):
        return not np.all(check(*values))
    from jax import ensure_compile_time_eval

    with ensure_compile_time_eval():
        return not check(*values).all()


def namespace(x: Any):
    """numpy or jax.numpy, whichever made the array."""
    return np if isinstance(x, np.ndarray | np.generic) else x.__array_namespace__()


def _all_finite(x) -> bool:
    """Also of a constant that is met while JAX traces."""
    return not refuted(namespace(x).isfinite, x)


def _array(name: str, x: Any) -> np.ndarray:
    """Of lists, and of Python numbers beyond int64."""
    try:
        raw = np.asarray(x)
        if raw.dtype.kind == "O":
            if not all(isinstance(value, numbers.Real) for value in raw.flat):
                raise TypeError("some are no numbers")
            raw = raw.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must hold real numbers: {error}") from None
    return raw
