"""Truths of the experiment: native arithmetic, closed forms, orders, the dead band, distances."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from common import ode, rounding

from . import arithmetic, distance, lorenz, soil, year

STILL = np.uint32(0)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def way(bits, stochastic=False, dtype=float):
    return arithmetic.way(bits, np.broadcast_to(stochastic, np.shape(bits)), dtype)


@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 23), (np.float64, 52)])
def test_every_number_of_bits_rounds_as_the_library_does(dtype, most):
    r = np.random.default_rng(0)
    x = (r.standard_normal(500) * 2.0 ** r.integers(-30, 30, 500)).astype(dtype)
    x[:100] = (np.arange(100) + 0.5) / 8  # ties
    word = r.integers(0, 2**32, 500).astype(np.uint32)
    shift = 8 * x.itemsize - 32
    traced = jax.jit(arithmetic.rounded)
    for bits in (1, 2, 5, 10, 21, 22, 23, most - 1, most):
        nearest = rounding.nearest(x, bits)
        np.testing.assert_array_equal(traced(x, way(bits, dtype=dtype), word), nearest)
        wide = word.astype(f"uint{8 * x.itemsize}") << shift
        random = rounding.stochastic(x, bits, wide)
        np.testing.assert_array_equal(traced(x, way(bits, True, dtype), word), random)
        negative = traced(-x, way(bits, True, dtype), word)
        np.testing.assert_array_equal(negative, -random)


def test_words_of_the_counter_are_uniform_and_do_not_follow_one_another():
    start = jnp.asarray(np.random.default_rng(0).integers(0, 2**32, 200), np.uint32)
    places = np.arange(1, 501, dtype=np.uint32)
    word = np.asarray(arithmetic.mixed(start[:, None], places))
    ones = (word[..., None] >> np.arange(32, dtype=np.uint32)) & 1
    assert np.abs(ones.mean((0, 1)) - 0.5).max() < 5 * 0.5 / np.sqrt(word.size)
    u = word / 2**32 - 0.5
    for other in (u[:, 1:], u[:, 2:], u[1:], u[2:]):
        same = u[: other.shape[0], : other.shape[1]]
        assert abs((same * other).mean() * 12) < 5 / np.sqrt(other.size)
    taken = arithmetic.later(start)
    np.testing.assert_array_equal(
        arithmetic.mixed(taken, 1), arithmetic.mixed(start, arithmetic.PLACES + 1)
    )


@jax.jit
def travel(start, how, strides, dt):
    return lorenz.climate(start, STILL, how, strides, dt=dt, words=arithmetic.mixed)


def advance(bits, start, strides, dt=0.01):
    """Places after each of the strides.  -> [R, 3]"""
    return travel(jnp.asarray(start), way(bits), np.asarray(strides), dt)


def test_without_rounding_it_is_the_library_s_runge_kutta():
    def field(y, t):
        x, y, z = y
        return jnp.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    start = np.array([1.0, 2.0, 20.0])
    want = ode.path(field, jnp.asarray(start), 0.01 * jnp.arange(101), tableau=ode.RK4)
    np.testing.assert_allclose(advance(52, start, np.ones(100, int)), want[1:], rtol=1e-10)


def test_its_order_is_four_and_its_fixed_points_stay():
    start = np.array([1.0, 2.0, 20.0])
    ends = [advance(52, start, [n], 0.64 / n)[0] for n in (64, 128, 256)]
    ratio = np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[1] - ends[2])
    assert np.log2(ratio) == pytest.approx(4, abs=0.2)
    side = np.sqrt(lorenz.BETA * (lorenz.RHO - 1))
    fixed = np.array([-side, -side, lorenz.RHO - 1])
    np.testing.assert_allclose(advance(52, fixed, [100])[0], fixed, rtol=1e-12)


def native(start, steps, dtype):
    """The scheme of `lorenz` in NumPy's own arithmetic of a dtype."""
    sigma, rho, beta, dt, half, sixth = (dtype(c) for c in (10, 28, 8 / 3, 0.01, 0.005, 0.01 / 6))

    def field(x, y, z):
        return sigma * (y - x), x * (rho - z) - y, x * y - beta * z

    state, seen = [dtype(a) for a in start], []
    for _ in range(steps):
        k1 = field(*state)
        k2 = field(*(a + half * k for a, k in zip(state, k1, strict=True)))
        k3 = field(*(a + half * k for a, k in zip(state, k2, strict=True)))
        k4 = field(*(a + dt * k for a, k in zip(state, k3, strict=True)))
        slopes = zip(k1, k2, k3, k4, strict=True)
        total = [((a + dtype(2) * b) + dtype(2) * c) + d for a, b, c, d in slopes]
        state = [a + sixth * t for a, t in zip(state, total, strict=True)]
        seen.append(state)
    return np.array(seen, float)


@pytest.mark.parametrize(("bits", "dtype", "steps"), [(23, np.float32, 1500), (10, np.float16, 60)])
def test_of_23_and_10_bits_it_is_native_arithmetic_bit_for_bit(bits, dtype, steps):
    """Chaos lets no difference pass; float16 for as long as no number is subnormal."""
    start = np.array([3.0, 5.0, 20.0])
    np.testing.assert_array_equal(
        advance(bits, start, np.ones(steps, int)), native(start, steps, dtype)
    )


def test_half_a_step_for_every_word_rounds_halves_away():
    x, step = 40 + np.arange(-20, 20) * 0.125, 0.25  # between 32 and 64
    got = arithmetic.rounded(jnp.asarray(x), way(7, True), arithmetic.HALF)
    np.testing.assert_array_equal(got, np.floor(x / step + 0.5) * step)


def heat(bits, start, records, *, stochastic=False, dt=1800.0, zero=0.0, depths=tuple(range(20))):
    """Temperatures of columns after every day.  start [C] -> [records, D, C]"""
    start = np.asarray(start, float)
    counter = np.arange(20 * len(start), dtype=np.uint32).reshape(20, -1) * np.uint32(977)
    how = {"depths": depths, "dt": dt, "words": arithmetic.mixed}
    strides = np.full(records, round(year.DAY / dt))
    column = jax.jit(partial(soil.column, **how))
    every = way(np.full(len(start), bits), stochastic)
    return np.asarray(column(start, counter, np.full(len(start), zero), every, strides))


def test_modes_of_the_column_decay_as_the_scheme_has_it():
    """Level i of mode m is sin((2m + 1) pi i / (2L + 1)), i from 1; gain 1 - 4 c sin^2(theta/2)."""
    theta, c = 3 * np.pi / 41, 0.2
    mode = np.sin(theta * np.arange(1, 21))[:, None]
    T, counter = jnp.asarray(mode), jnp.zeros((20, 1), np.uint32)
    step = jax.jit(partial(soil.step, how=way([52]), words=arithmetic.mixed))
    for _ in range(10):
        T, counter = step(c, jnp.zeros(1), T=T, counter=counter)
    gain = 1 - 4 * c * np.sin(theta / 2) ** 2
    np.testing.assert_allclose(T, gain**10 * mode, rtol=1e-12)


def test_the_column_of_10_bits_is_that_of_float16():
    steps, T = 500, np.full(20, 15.0, np.float16)
    c, surface = np.float16(0.2), np.float16(31)
    ours, counter = jnp.asarray(T, float)[:, None], jnp.zeros((20, 1), np.uint32)
    step = jax.jit(partial(soil.step, how=way([10]), words=arithmetic.mixed))
    for _ in range(steps):
        above, below = np.r_[surface, T[:-1]], np.r_[T[1:], T[-1:]]
        T = T + c * ((above - np.float16(2) * T) + below)
        ours, counter = step(float(c), jnp.full(1, 31.0), T=ours, counter=counter)
    assert T.dtype == np.float16
    assert len(np.unique(T)) > 5
    np.testing.assert_array_equal(ours[:, 0], T.astype(float))


@pytest.mark.parametrize(("bits", "moves"), [(10, False), (11, False), (12, True)])
def test_to_nearest_the_first_level_has_the_dead_band_that_is_derived(bits, moves):
    """From 273.15 K up it follows the surface at a distance: (T_top + T_2 - t) / 2, at most."""
    step, band = 2.0 ** (8 - bits), year.dead_band(1800.0, bits)
    first, second = heat(bits, [year.CELSIUS], 365, depths=(0, 1))[..., 0].T
    highest = max((290 + second.max() - band) / 2, 273.15)
    assert abs(first.max() - highest) <= step
    late = np.ptp(first[180:])
    assert abs(late - max(year.SWING - band, 0)) <= 2 * step
    assert (late > 0) == moves


def test_stochastic_columns_have_the_exact_mean():
    exact = heat(52, [year.CELSIUS], 100, depths=(0, 1, 2))[..., 0]
    seen = heat(10, np.full(300, year.CELSIUS), 100, stochastic=True, depths=(0, 1, 2))[30:]
    error = seen.std(-1).max() / np.sqrt(300)
    assert error < 0.05
    assert np.abs(seen.mean(-1) - exact[30:]).max() < 5 * error


def test_amplitude_is_of_the_year_alone():
    t = 2 * np.pi * np.arange(73) / 73
    T = 5 + 3 * np.cos(t - 1) + 2 * np.cos(2 * t)
    assert year.harmonic(T, 0) == pytest.approx(3, rel=1e-12)
    assert year.harmonic(np.full(73, 273.15), 0) == 0


def test_distance_of_sorted_samples_is_that_of_scipy():
    places = np.random.default_rng(0).normal(size=(3, 400, 3)) * [1, 1, 5]
    found = distance.compared(places, 2)
    for v, name in enumerate(distance.VARIABLES):
        column = {"z": places[..., 2], "|x|": np.abs(places[..., 0]), "x": places[..., 0]}[name]
        between = [wasserstein_distance(column[2], column[i]) for i in (0, 1)]
        assert found["others"][0, v] == pytest.approx(np.mean(between), rel=1e-12)
        assert found["floor"][v] == pytest.approx(wasserstein_distance(*column[:2]), rel=1e-12)
    moved = distance.compared(np.stack([places[0], places[0], places[0] + [0, 0, 0.7]]), 2)
    assert moved["others"][0, 0] == pytest.approx(0.7, rel=1e-12)
