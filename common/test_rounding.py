"""Rounding against NumPy's float16 and fractions; means of stochastic rounding."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import rounding


def halves():
    """Every float16 in the normal range, as float32, sorted."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    return np.unique(every[np.isfinite(every) & (np.abs(every) >= 2.0**-14)])


def test_every_float16_stays_and_every_middle_goes_to_even():
    x = halves()
    np.testing.assert_array_equal(rounding.nearest(x, 10), x)
    low, high = x[:-1], x[1:]
    same_sign = low * high > 0
    middle = ((low + high) / 2)[same_sign]  # exact in float32
    for value in (middle, np.nextafter(middle, np.float32(9e9)), np.nextafter(middle, -9e9)):
        value = value.astype(np.float32)
        want = value.astype(np.float16).astype(np.float32)
        found = np.asarray(rounding.nearest(value, 10))
        np.testing.assert_array_equal(found.view(np.uint32), want.view(np.uint32))


def test_every_bfloat16_middle_goes_where_jax_puts_it():
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(100_000) * 2.0 ** rng.integers(-60, 60, 100_000)).astype(np.float32)
    x[::3] = (x.view(np.uint32) & 0xFFFF0000 | 0x8000).view(np.float32)[::3]
    want = jnp.asarray(x).astype(jnp.bfloat16).astype(jnp.float32)
    np.testing.assert_array_equal(rounding.nearest(x, 7), want)


@pytest.mark.parametrize("bits", [1, 5, 23, 51])
def test_float64_against_fractions(bits):
    """round() of a Fraction takes halves to even."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(bits)
        x = rng.standard_normal(200) * 2.0 ** rng.integers(-30, 30, 200)
        x[:50] = np.ldexp(2.0**bits + np.arange(50) % 2**bits + 0.5, -7)  # ties
        found = np.asarray(rounding.nearest(x, bits))
        for value, got in zip(x, found, strict=True):
            unit = Fraction(2) ** (int(np.floor(np.log2(abs(value)))) - bits)
            assert Fraction(got) == round(Fraction(value) / unit) * unit
        np.testing.assert_array_equal(rounding.nearest(found, bits), found)


def test_the_mean_of_stochastic_rounding_is_the_number():
    draws = 200_000
    for value in (1.0 + 0.3 / 32, -(1 + 0.3 / 32), 1.9999, 3e-40, 7e30):
        x = np.full(draws, value, np.float32)
        words = jax.random.bits(jax.random.key(1), (draws,), jnp.uint32)
        found = np.asarray(rounding.stochastic(x, 5, words), float)
        neighbours = np.unique(found)
        assert len(neighbours) == 2
        assert neighbours[0] < np.float32(value) < neighbours[1]
        step = neighbours[1] - neighbours[0]
        error = found.std() / np.sqrt(draws)
        assert abs(found.mean() - np.float32(value)) < 4 * error + step * 2.0**-18


def test_words_of_zeros_truncate_and_of_ones_round_away():
    x = np.array([1.3, -1.3, 2.0], np.float32)
    zeros, ones = np.zeros(3, np.uint32), np.full(3, 2**32 - 1, np.uint32)
    np.testing.assert_array_equal(rounding.stochastic(x, 2, zeros), [1.25, -1.25, 2])
    np.testing.assert_array_equal(rounding.stochastic(x, 2, ones), [1.5, -1.5, 2])


def test_all_bits_and_what_is_no_number_stay():
    x = np.array([np.pi, np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32)
    words = np.full(6, 2**32 - 1, np.uint32)
    for found in (rounding.nearest(x, 23), rounding.stochastic(x, 23, words)):
        np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(rounding.nearest(x, 3)[1:], x[1:])
    np.testing.assert_array_equal(rounding.stochastic(x, 3, words)[1:4], x[1:4])
    largest = np.finfo(np.float32).max  # rounds to infinity, as in IEEE arithmetic
    assert np.isinf(rounding.nearest(np.array([largest]), 3)[0])


def test_in_a_program_a_small_increment_is_lost_after_every_operation():
    """280 K of 10 bits has a step of 1/4: increments of 0.1 never move it, in float32 they do."""

    def add(bits, x, _):
        return rounding.nearest(x + jnp.float32(0.1), bits), None

    ends = [
        jax.jit(
            lambda b=b: jax.lax.scan(lambda x, i: add(b, x, i), jnp.float32(280), length=100)[0]
        )()
        for b in (10, 23)
    ]
    assert float(ends[0]) == 280
    assert abs(float(ends[1]) - 290) < 0.01


def test_derivatives_are_those_of_the_identity():
    f = lambda x: rounding.nearest(x**2, 3)  # noqa: E731
    np.testing.assert_allclose(jax.grad(f)(1.7), 3.4, rtol=1e-6)
    word = jnp.uint32(77)
    g = lambda x: rounding.stochastic(x**2, 3, word)  # noqa: E731
    np.testing.assert_allclose(jax.grad(g)(1.7), 3.4, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rounding.nearest(1.0, 0), "bits must be"),
        (lambda: rounding.nearest(np.float32(1), 24), "bits must be at most 23"),
        (lambda: rounding.nearest(1j, 5), "x must hold real numbers"),
        (lambda: rounding.stochastic(np.float32(1), 5, np.uint16(1)), "words must be uint32"),
        (lambda: rounding.stochastic(np.ones(2, np.float32), 5, np.zeros(3, np.uint32)), "words"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
