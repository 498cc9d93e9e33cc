"""Truths of the experiment: closed forms, limits, simulation, planted solutions."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from . import bases, delay

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def test_kernels_are_the_response_to_an_impulse():
    """e^(tA) B by an adaptive solver from x = B, and what is held of a last value by quadrature."""
    for name in bases.MAKERS:
        h = bases.make(name, 7)
        times = np.arange(5) / 8
        exact = solve_ivp(lambda _, x, a=h.a: a @ x, (0, 0.5), h.b, t_eval=times, **TIGHT)
        np.testing.assert_allclose(bases.kernel(h, 1 / 8, 5), exact.y, atol=1e-7)
        fine = bases.kernel(h, 1 / 1024, 513).reshape(7, -1)
        held = [np.trapezoid(fine[:, i : i + 129], dx=1 / 1024) for i in (0, 128, 256, 384)]
        np.testing.assert_allclose(bases.sampled(h, 1 / 8, 4).T, held, atol=2e-3)


def test_covariances_are_integrals_of_kernels():
    """By quadrature; energies beyond t of a white model are squares of rows of e^(tA)."""
    h = bases.make("legt", 6)
    k = bases.kernel(h, 1 / 2000, 12_001)
    np.testing.assert_allclose(
        bases.covariance(h), np.trapezoid(k[:, None] * k[None], dx=1 / 2000), atol=1e-4
    )
    h = bases.make("fout", 16)
    assert len(h.b) == 15
    np.testing.assert_allclose(bases.covariance(h), np.eye(15), atol=1e-12)
    late = bases.kernel(h, 1 / 400, 4001)[:, 408:]
    left = bases.discrete.zoh(h.a, np.zeros(15), 1.02)[0]
    np.testing.assert_allclose(
        np.trapezoid(late**2, dx=1 / 400, axis=1), np.sum(left**2, axis=1), atol=1e-3
    )


def test_distances_are_those_of_inner_products():
    """|K - p|^2 = 1 + 1 - 2 <K, p> of FouT, whose kernels and limits have norm one."""
    time = np.linspace(0, 1, 3201)
    inner = bases.kernel(bases.make("fout", 32), time[1], len(time), 6) * bases.limit("fout", time)
    found, beyond = bases.limits("fout", 32, 16)
    exact = 2 - 2 * np.trapezoid(inner, time, axis=1)
    np.testing.assert_allclose(found**2, exact, rtol=0.02)
    assert (beyond < exact).all()


def test_the_other_sign_is_wrong_by_two():
    """|-p - p| = 2 of odd n; even n do not see it."""
    plain, other = (bases.limits("legt", 128, 8, alternating=a)[0] for a in (False, True))
    np.testing.assert_allclose(other[::2], plain[::2])
    np.testing.assert_allclose(other[1::2], 2, atol=0.01)


def test_half_of_the_feedback_makes_states_twice_as_large():
    """A + A^T = -f B B^T, so that the Gram matrix is I / f."""
    half = bases.covariance(bases.make("fout", 8, feedback=0.5))
    np.testing.assert_allclose(bases.extremes(half), [2, 2])
    weighted = bases.covariance(bases.make("legs", 8, feedback=0.5), growth=1.0)
    np.testing.assert_allclose(bases.extremes(weighted), [2, 2])


def test_outputs_under_white_noise_have_the_variance_of_the_lyapunov_equation():
    """Var y = sum_l (C A^l B)^2 for white inputs of variance 1; C G C^T times the step in the
    limit of short steps."""
    h, step = bases.make("legs", 8), 1 / 4000
    c = np.random.default_rng(0).normal(size=8)
    discrete = np.sum((c @ bases.sampled(h, step, 40_000)) ** 2) / step
    assert discrete == pytest.approx(c @ bases.covariance(h) @ c, rel=0.01)


def test_signals_are_band_limited_begin_at_zero_and_have_variance_one():
    normals = np.random.default_rng(1).normal(size=(50, 2, 20))
    u = delay.signals(normals, 128)
    spectrum = np.abs(np.fft.rfft(u))
    np.testing.assert_allclose(spectrum[:, 21:], 0, atol=1e-10)
    np.testing.assert_array_equal(u[:, 0], 0)
    # 50 signals of 40 numbers each: within 5 standard errors
    assert np.var(u, axis=1).mean() == pytest.approx(1, abs=5 * np.sqrt(2 / 2000))
    assert delay.frequencies(0.25, 64, 1024, 128) == 128
    with pytest.raises(ValueError, match="below half"):
        delay.signals(normals, 40)


def test_states_are_those_of_the_recurrence():
    h = bases.make("legt", 5)
    a, b = bases.discrete.zoh(h.a, h.b, 0.1)
    u = np.random.default_rng(2).normal(size=(1, 30))
    x, rows = np.zeros(5), []
    for value in u[0]:
        x = a @ x + b * value
        rows.append(x)
    got = delay.states(bases.sampled(h, 0.1, 30), u)
    np.testing.assert_allclose(got[0], rows, atol=1e-12)


def test_a_shift_register_has_no_error_and_one_that_is_too_short_has_all():
    """States that are the last N inputs: lag < N is read off, of white noise lag >= N is not."""
    u = np.random.default_rng(3).normal(size=(12, 400))
    register = np.eye(9, 400)
    assert delay.error(register, u, 8, 8, 1e-8) < 1e-12
    assert delay.error(register, u, 9, 8, 1e-8) == pytest.approx(1, abs=0.05)


def test_fits_leave_out_what_is_below_the_cut():
    """The solution of least norm, where two states are the same but for a part in 1e10."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(3, 50, 2))
    x[..., 1] = x[..., 0] + 1e-10 * x[..., 1]
    np.testing.assert_allclose(delay.fit(x, 3 * x[..., 0], 1e-8), [1.5, 1.5], rtol=1e-6)
    c = delay.fit(x + rng.normal(size=x.shape), x[..., 0], 1e-8)
    assert np.isfinite(c).all()


def test_training_reaches_what_least_squares_finds():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4, 50, 3))
    y = x @ np.array([1.0, -2.0, 0.5]) + rng.normal(size=(4, 50))
    c = delay.trained(x, y, np.zeros(3), 1e-2, 3000)
    np.testing.assert_allclose(c, delay.fit(x, y, 1e-8), atol=1e-6)
    first = delay.trained(x, y, np.zeros(3), 1e-2, 1)
    np.testing.assert_allclose(np.abs(first), 1e-2, rtol=1e-6)  # a step of Adam has size lr
