"""Arithmetic of fewer significant bits, whose number is an argument: one program for all of them.

Bit for bit as common/rounding, which compiles a program for every number of bits; what overflows is
not looked at.  Random words come from a counter (a Weyl sequence, mixed), one for every operation:
threefry for each would cost several times the operation.

Shapes: ... of the numbers.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array
GAMMA = np.uint32(0x9E3779B9)  # 2^32 over the golden ratio: the counter's step
PLACES = 64  # words a counter gives before it moves on
HALF = np.uint32(1 << 31)


class Way(NamedTuple):
    """How numbers are rounded."""

    dropped: Array  # unsigned integer of the numbers' width: bits of the significand that go
    stochastic: Array  # bool; else to nearest, halves to even


def way(bits, stochastic, dtype) -> Way:
    """Of explicit bits, from 1 to those of the dtype.  bits [...], stochastic bool [...]"""
    dropped = jnp.finfo(dtype).nmant - jnp.asarray(bits)
    return Way(dropped.astype(_unsigned(dtype)), jnp.asarray(stochastic))


def rounded(x: Array, how: Way, word: Array) -> Array:
    """x [...] of fewer bits; word uint32 [...] decides where rounding is stochastic."""
    pattern = jax.lax.bitcast_convert_type(x, _unsigned(x.dtype))
    width = 8 * x.dtype.itemsize
    one = np.ones((), pattern.dtype)
    low = (one << how.dropped) - one
    to_nearest = (low >> one) + ((pattern >> how.dropped) & low & one)
    # two shifts: none of 0 bits is left to be one of all bits, which nobody defines
    high = (word.astype(pattern.dtype) << (width - 32)) >> one
    at_random = high >> (np.asarray(width - 1, pattern.dtype) - how.dropped)
    up = jnp.where(how.stochastic, at_random, to_nearest)
    return jax.lax.bitcast_convert_type((pattern + up) & ~low, x.dtype)


def nearest(x: Array, how: Way) -> Array:
    """x [...] to nearest, whatever the way: for constants of the models."""
    return rounded(x, how._replace(stochastic=jnp.zeros_like(how.stochastic)), HALF)


def mixed(counter: Array, place: Array | int) -> Array:
    """The word at a place after a counter, uint32.  (murmur3's finaliser of a Weyl sequence)"""
    word = counter + GAMMA * jnp.uint32(place)
    word = (word ^ (word >> 16)) * np.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * np.uint32(0xC2B2AE35)
    return word ^ (word >> 16)


def halves(counter: Array, place: Array | int) -> Array:
    """Half a step, always: to nearest once more, but halves away from zero."""
    return jnp.full_like(counter + jnp.uint32(place), HALF)


def zeros(counter: Array, place: Array | int) -> Array:
    """Nothing, always: what does not fit is cut off."""
    return jnp.zeros_like(counter + jnp.uint32(place))


def rounder(how: Way, counter: Array, words: Callable) -> Callable:
    """x -> x rounded; every call has a word of its own, of the first PLACES after the counter."""
    place = itertools.count(1)
    return lambda x: rounded(x, how, words(counter, next(place)))


def later(counter: Array) -> Array:
    """The counter behind the words of one rounder."""
    return counter + np.uint32(PLACES * int(GAMMA) % 2**32)


def _unsigned(dtype) -> np.dtype:
    return np.dtype(f"uint{8 * jnp.dtype(dtype).itemsize}")
