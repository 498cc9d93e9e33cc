"""XNysTrace against its definition, its error against simulation, and its promise when it stops."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.nystroem import _leave_one_out
from common.curvature.test_lanczos import symmetric
from common.curvature.trace import CONFIDENCE, PROBES, trace
from common.stats import t_quantile

P = 60
I = np.arange(1, P + 1)
RNG = np.random.default_rng(0)
SPECTRA = {
    "flat": np.linspace(0.5, 1.5, P),
    "exp3": np.exp(-I / 3),
    "exp10": np.exp(-I / 10),
    "1/i": 1.0 / I,
    "1/i^2": 1.0 / I**2,
    "outliers": np.r_[np.linspace(1, 5, 5), np.full(P - 5, 0.02)],
    "Pareto": RNG.pareto(1.2, P),
    "low rank": np.r_[np.zeros(P - 4), 1.0, 2.0, 3.0, 4.0],
    "log-uniform": np.exp(RNG.uniform(-9, 0, P)),
    "beta": RNG.beta(0.3, 3, P),
    "steps": 10.0 ** -(I // 6),
    "decay on a floor": np.exp(-I / 9) + 0.01,
}


def of_probes(omega, values, shift=0.0):
    """Mean and error from probes omega [n, P] of the diagonal matrix."""
    Y = omega * (values + shift)
    return _leave_one_out(omega @ Y.T, omega @ omega.T, np.linalg.qr(Y.T, mode="r"), P)


def definition(omega, values):
    """Of every probe: the trace of the approximation by all others, and the rest along it."""
    A, samples = np.diag(values), []
    for i, w in enumerate(omega):
        W = np.delete(omega, i, axis=0)
        rest = A - A @ W.T @ np.linalg.inv(W @ A @ W.T) @ W @ A
        u = w - W.T @ np.linalg.lstsq(W.T, w)[0]
        u *= np.sqrt(P - len(W)) / np.linalg.norm(u)
        samples.append(np.trace(A - rest) + u @ rest @ u)
    return np.array(samples)


def test_it_is_the_leave_one_out_estimate_written_out():
    omega = np.random.default_rng(1).normal(size=(7, P))
    samples = definition(omega, SPECTRA["1/i"])
    mean, error = of_probes(omega, SPECTRA["1/i"])
    np.testing.assert_allclose(mean, samples.mean(), rtol=1e-10)
    # the jackknife, from estimates of six probes each
    means = [definition(np.delete(omega, i, 0), SPECTRA["1/i"]).mean() for i in range(7)]
    jackknife = np.sqrt(6 / 7 * np.sum((means - np.mean(means)) ** 2))
    want = np.sqrt(samples.std(ddof=1) / np.sqrt(7) * jackknife)
    np.testing.assert_allclose(error, want, rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in SPECTRA if name != "low rank"])
def test_unbiased_with_a_calibrated_error(name):
    values = SPECTRA[name]
    rng = np.random.default_rng(2)
    for n in (10, 20):
        found = np.array([of_probes(rng.normal(size=(n, P)), values) for _ in range(400)])
        off = found[:, 0] - values.sum()
        assert abs(off.mean()) < 4 * off.std() / 20
        assert 0.4 < np.sqrt((off**2).mean() / (found[:, 1] ** 2).mean()) < 1.2, n


@pytest.mark.parametrize("name", SPECTRA)
def test_the_promise_holds_and_the_products_are_few(name):
    """On 200 simulated runs: an eighth more probes until the error is small enough."""
    values = SPECTRA[name]
    rng, held, spent = np.random.default_rng(3), [], []
    tiny = 1e-14 * values.max()
    for _ in range(200):
        omega, n = rng.normal(size=(P, P)), PROBES
        while True:
            mean, error = of_probes(omega[:n], values, tiny)
            if error <= 0.02 * mean or n >= P // 2:
                break
            n += max(n // 8, 1)
        bound = float(t_quantile(n - 1, CONFIDENCE)) * error + 8e-15 * P
        held.append(abs(mean - values.sum()) <= bound + tiny * P)
        spent.append(n)
    assert np.mean(held) >= 0.95
    assert np.mean(spent) < {"exp3": 18, "1/i^2": 18, "low rank": 9}.get(name, P / 2 + 1)


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("name", ["exp3", "outliers", "low rank"])
def test_the_loop(name, x64):
    with jax.enable_x64(x64):
        A = symmetric(SPECTRA[name])
        found = trace(jax.random.key(0), A.dot, P, rtol=0.03, psd=True)
        assert found.converged
        assert found.rank == found.matvecs < P
        assert abs(found.estimate - SPECTRA[name].sum()) <= found.bound
        if name == "low rank":  # exact, but for rounding
            assert found.error <= 1e-4 * found.estimate


def test_in_any_units_and_of_nothing():
    A = symmetric(SPECTRA["exp10"])
    call = partial(trace, jax.random.key(0), size=P, rtol=0.05, psd=True)
    one = call(matvec=A.dot)
    for scale in (2.0**-90, 2.0**90):
        found = call(matvec=lambda v, s=scale: s * (A @ v))
        assert found.matvecs == one.matvecs
        np.testing.assert_allclose(np.array(found[:3]) / scale, one[:3], rtol=1e-5)
    zero = call(matvec=lambda v: 0 * v)
    assert zero.matvecs == 8
    assert abs(zero.estimate) <= zero.bound < 1e-9


def test_a_hopeless_tolerance_turns_into_the_exact_trace():
    A = symmetric(SPECTRA["flat"])
    found = trace(jax.random.key(0), A.dot, P, rtol=1e-5, psd=True)
    assert (found.error, found.rank) == (0, P)
    np.testing.assert_allclose(found.estimate, SPECTRA["flat"].sum(), rtol=1e-5)
    assert found.matvecs < 1.7 * P
    few = trace(jax.random.key(0), A.dot, P, rtol=1e-5, psd=True, max_matvecs=11)
    assert (few.matvecs, few.converged) == (11, False)
    assert trace(jax.random.key(0), lambda v: 2 * v, 5, rtol=0.1, psd=True).estimate == 10


def test_what_is_not_semidefinite_is_refused():
    key = jax.random.key(0)
    for A, said in (
        (-jnp.eye(P), "semidefinite"),
        (jnp.diag(jnp.linspace(-1.0, 1.0, P)), "semidefinite"),
        (jnp.triu(jnp.ones((P, P))), "not symmetric"),
        (jnp.full((P, P), jnp.nan), "not finite"),
    ):
        with pytest.raises(ValueError, match=said):
            trace(key, A.dot, P, rtol=0.01, psd=True)
