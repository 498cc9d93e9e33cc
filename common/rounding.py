"""Arithmetic of fewer significant bits, emulated: rounding to nearest and stochastic rounding.

A float keeps its exponent's range; of its significand `bits` explicit bits stay (float16: 10,
bfloat16: 7, float32: 23).  By integers on the bit pattern, which no compiler fuses or reorders:
round after every operation, as number types do.  Derivatives are those of the identity.

Source: Paxton et al. 2022, section 2; Croci et al. 2022 (stochastic rounding).
"""

from functools import partial

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, reals

Array = jax.Array


def explicit(dtype) -> int:
    """Explicit bits of a dtype's significand: 23 of float32, 52 of float64."""
    return jnp.finfo(dtype).nmant


def nearest(x, bits: int) -> Array:
    """x to the nearest number of `bits` explicit bits, halves to even.  [...] -> [...]

    nan and infinities stay.  Errors: ValueError for bits outside 1 ... those of x.
    """
    x = _checked(x, bits)
    return _nearest(x, bits)


def stochastic(x, bits: int, words) -> Array:
    """x up or down, with probabilities that make the mean x.  [...] -> [...]

    words: random unsigned integers of x's width and shape, as `jax.random.bits` gives them; one of
    zeros truncates.  What has `bits` bits already stays.  Errors: ValueError as `nearest`, and for
    words that are not of x's width.
    """
    x, words = _checked(x, bits), jnp.asarray(words)
    if words.dtype != _unsigned(x.dtype):
        raise ValueError(f"words must be {_unsigned(x.dtype)} for {x.dtype}, not {words.dtype}")
    shapes.like("words", words, "x", x)
    return _stochastic(x, words, bits)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _nearest(x: Array, bits: int) -> Array:
    shift = explicit(x.dtype) - bits
    if not shift:
        return x
    pattern = _pattern(x)
    half = jnp.asarray((1 << (shift - 1)) - 1, pattern.dtype)
    odd = (pattern >> shift) & 1
    return _number(x, pattern + half + odd, shift)


@_nearest.defjvp
def _(bits, primals, tangents):
    return _nearest(primals[0], bits), tangents[0]


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _stochastic(x: Array, words: Array, bits: int) -> Array:
    shift = explicit(x.dtype) - bits
    if not shift:
        return x
    pattern = _pattern(x)
    # the high bits of a word: those of a weak generator are its best
    return _number(x, pattern + (words >> (8 * x.dtype.itemsize - shift)), shift)


@_stochastic.defjvp
def _(bits, primals, tangents):
    return _stochastic(*primals, bits), tangents[0]


def _pattern(x: Array) -> Array:
    return jax.lax.bitcast_convert_type(x, _unsigned(x.dtype))


def _number(x: Array, pattern: Array, shift: int) -> Array:
    """Of a pattern whose last bits go; a carry into the exponent is right."""
    cut = jax.lax.bitcast_convert_type((pattern >> shift) << shift, x.dtype)
    return jnp.where(jnp.isfinite(x), cut, x)


def _unsigned(dtype) -> jnp.dtype:
    return jnp.dtype(f"uint{8 * jnp.dtype(dtype).itemsize}")


def _checked(x, bits: int) -> Array:
    x = jnp.asarray(reals("x", x, finite=False))
    at_least(1, bits=bits)
    if bits > explicit(x.dtype):
        raise ValueError(
            f"bits must be at most {explicit(x.dtype)}, those of {x.dtype}, not {bits}"
        )
    return x
