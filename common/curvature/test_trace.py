"""Traces, diagonals and norms of known matrices; errors and bounds against simulation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.probes import diagonal, frobenius, hutchinson, hutchpp, xtrace
from common.curvature.trace import trace

P = 120
i = np.arange(1, P + 1)
SPECTRA = {
    "flat": np.linspace(0.2, 2.0, P),
    "exponential": np.exp(-i / 5.0),
    "power": 1.0 / i**2,
    "low rank": np.r_[np.full(5, 3.0), np.zeros(P - 5)],
    "indefinite": np.r_[np.linspace(-0.3, 0.3, P - 6), np.full(6, 10.0)],
}
ROTATION = np.linalg.qr(np.random.default_rng(0).normal(size=(P, P)))[0]


def matrix(name):
    return jnp.asarray((ROTATION * SPECTRA[name]) @ ROTATION.T)


# compiling costs more than running here
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


@partial(jax.jit, static_argnames=("method", "options"), compiler_options=QUICK)
def apply(keys, A, *, method, options):
    """Estimates and errors [runs]; A is an argument so that one compilation serves all spectra."""
    one = lambda key: method(key, lambda v: A @ v, len(A), **dict(options))[:2]  # noqa: E731
    return jax.vmap(one)(keys)


def many(A, method, *, runs=400, **options):
    keys = jax.random.split(jax.random.key(5), runs)
    value, error = apply(keys, A, method=method, options=tuple(options.items()))
    return np.asarray(value), np.asarray(error)


@pytest.mark.parametrize("method", [hutchpp, xtrace])
def test_unbiased_with_a_calibrated_error_and_exact_at_low_rank(method):
    with jax.enable_x64(True):
        for name in ("flat", "exponential", "power", "indefinite"):
            value, error = many(matrix(name), method, matvecs=36)
            off = value - SPECTRA[name].sum()
            assert abs(off.mean()) < 4 * off.std() / 20, name
            assert 0.65 < np.sqrt((off**2).mean() / (error**2).mean()) < 1.3, name
        for A in (matrix("low rank"), jnp.zeros((P, P))):
            value, error = many(A, method, matvecs=36)
            np.testing.assert_allclose(value, np.trace(A), rtol=1e-12)
            assert error.max() <= 1e-12 * 15


@pytest.mark.parametrize("method", [hutchpp, xtrace])
def test_low_rank_and_zero_are_exact_in_float32_too(method):
    for A in (matrix("low rank"), jnp.zeros((P, P))):
        value, error = many(A.astype(jnp.float32), method, runs=1, matvecs=30)
        np.testing.assert_allclose(value, np.trace(A), rtol=1e-5)
        assert error.max() <= 15e-5


def test_as_many_products_as_columns_give_the_exact_trace():
    for method in (hutchpp, xtrace):
        got = method(jax.random.key(1), lambda v: jnp.arange(4.0) * v, 4, matvecs=30)
        assert (got.estimate, got.matvecs) == (6, 4)
        np.testing.assert_allclose(got.error, 8 * 6 * 2.0**-23)  # of rounding


def test_xtrace_is_the_leave_one_out_estimate_written_out():
    with jax.enable_x64(True):
        A = np.array(matrix("power"))
        A += np.random.default_rng(3).normal(size=A.shape) / P  # and not symmetric
        key, n = jax.random.key(0), 4
        value, error = apply(key[None], A, method=xtrace, options=(("matvecs", 2 * n),))
        probes = np.asarray(jax.random.normal(key, (n, P)))
        samples = []
        for j in range(n):
            others = np.delete(probes, j, axis=0)
            Q, _ = np.linalg.qr(A @ others.T)
            v = probes[j] - Q @ (Q.T @ probes[j])
            v *= np.sqrt(P - n + 1) / np.linalg.norm(v)
            samples.append(np.trace(Q.T @ A @ Q) + v @ A @ v)
        np.testing.assert_allclose(value[0], np.mean(samples), rtol=1e-12)
        # k = n: twice the variance that the spread of the samples says
        want = np.std(samples, ddof=1) / np.sqrt(n) * np.sqrt(2)
        np.testing.assert_allclose(error[0], want, rtol=1e-10)


def test_together_changes_nothing():
    A = matrix("power")
    want, got = (many(A, hutchpp, runs=1, matvecs=16, together=b)[0] for b in (1, 3))
    np.testing.assert_allclose(got, want, rtol=1e-5)


@pytest.mark.parametrize("rank", [0, 12])
def test_diagonal_and_its_error(rank):
    with jax.enable_x64(True):
        A = np.asarray(matrix("indefinite"))
        off = (A**2).sum(1) - np.diag(A) ** 2
        (value,), (error,) = many(jnp.asarray(A), diagonal, runs=1, probes=200, rank=rank)
        assert 0.8 < ((value - np.diag(A)) / error).std() < 1.25
        if rank == 0:
            np.testing.assert_allclose(error**2, off / 200, rtol=0.6)
        else:  # the six outliers no longer count
            assert (error**2).sum() < 0.1 * off.sum() / 200


@pytest.mark.parametrize("rank", [0, 8])
def test_frobenius_and_its_error(rank):
    with jax.enable_x64(True):
        for name in ("flat", "exponential"):
            value, error = many(matrix(name), frobenius, runs=300, probes=40, rank=rank)
            off = value - np.linalg.norm(SPECTRA[name])
            assert 0.8 < np.sqrt((off**2).mean() / (error**2).mean()) < 1.25
            assert abs(off.mean()) < 0.05 * np.linalg.norm(SPECTRA[name])


def test_diagonal_matrices_need_two_probes():
    values = jnp.array([-1.0, 2.0, 5.0, 0.5])
    got = diagonal(jax.random.key(4), lambda v: values * v, 4, probes=2)
    np.testing.assert_allclose(got.estimate, values, rtol=1e-6)
    np.testing.assert_allclose(got.error, 0, atol=1e-6)
    assert got.matvecs == 2
    norm = many(jnp.diag(1e-25 * values), frobenius, runs=1, probes=2)[0]  # squares vanish
    np.testing.assert_allclose(norm, 1e-25 * np.sqrt(30.25), rtol=1e-5)


@pytest.mark.parametrize("name", ["flat", "power", "indefinite", "low rank"])
def test_the_bound_holds_and_the_products_are_few(name):
    with jax.enable_x64(True):
        A = matrix(name)
        matvec = lambda v: A @ v  # noqa: E731
        runs = [trace(jax.random.key(r), matvec, P, rtol=0.02) for r in range(8)]
        truth = SPECTRA[name].sum()
        held = sum(abs(run.estimate - truth) <= run.bound for run in runs)
        assert held >= 6  # of 8: fewer with probability 0.6 % where each holds with 95 %
        assert all(run.converged for run in runs)
        assert all(run.error <= 0.02 * abs(run.estimate) + 1e-12 for run in runs)
        plain = 2 * (jnp.sum(A**2) - jnp.sum(jnp.diag(A) ** 2)) / (0.02 * truth) ** 2
        spent = np.mean([run.matvecs for run in runs])
        assert spent <= (1.1 * plain + 2 if name == "flat" else plain / 4)
        assert runs[0].rank == {"flat": 0, "low rank": 5}.get(name, runs[0].rank)


def test_the_loop_in_float32_and_side_by_side():
    A = matrix("low rank").astype(jnp.float32) + 0.001 * matrix("flat")
    got = trace(jax.random.key(0), lambda v: A @ v, P, rtol=1e-3, together=4)
    assert abs(got.estimate - float(jnp.trace(A))) <= got.bound
    assert got.converged
    assert got.rank >= 5


def test_small_and_zero_matrices():
    small = trace(jax.random.key(0), lambda v: 2 * v, 5, rtol=1e-3)
    assert (small.estimate, small.error, small.matvecs, small.converged) == (10, 0, 5, True)
    zero = trace(jax.random.key(0), lambda v: 0 * v, 50, rtol=1e-3)
    assert (zero.estimate, zero.bound, zero.matvecs, zero.converged) == (0, 0, 8, True)


def test_an_exhausted_budget_and_an_absolute_tolerance():
    A = matrix("indefinite").at[0, 0].add(-float(SPECTRA["indefinite"].sum()))  # of trace 0
    spent = trace(jax.random.key(0), lambda v: A @ v, P, rtol=1e-3, max_matvecs=20)
    assert not spent.converged
    assert spent.matvecs <= 20
    assert trace(jax.random.key(0), lambda v: A @ v, P, rtol=0, atol=5.0).error <= 5


def test_a_hopeless_number_of_probes_turns_into_the_exact_trace():
    A = matrix("flat")
    got = trace(jax.random.key(0), lambda v: A @ v, P, rtol=1e-5)
    np.testing.assert_allclose(got.estimate, SPECTRA["flat"].sum(), rtol=1e-5)
    assert got.error == 0
    assert got.matvecs < 2.5 * P


def nan_product(v):
    return v.at[0].set(jnp.nan)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (hutchinson, {"probes": 4}),
        (hutchpp, {"matvecs": 9}),
        (xtrace, {"matvecs": 8}),
        (diagonal, {"probes": 4, "rank": 2}),
        (frobenius, {"probes": 4, "rank": 2}),
    ],
)
def test_products_that_are_not_finite_are_not_hidden(method, options):
    call = partial(method, jax.random.key(0), nan_product, 20, **options)
    value, error = jax.jit(lambda: call()[:2], compiler_options=QUICK)()
    assert jnp.isnan(value).any()
    assert jnp.isinf(error).any()


def test_refusals():
    key = jax.random.key(0)
    for call in (partial(hutchinson, probes=4), partial(trace, rtol=0.1)):
        with pytest.raises(ValueError, match="not finite"):
            call(key, nan_product, 20)
    with pytest.raises(TypeError, match="outside jit"):
        jax.jit(lambda k: trace(k, lambda v: v, 20, rtol=0.1).estimate)(key)
    with pytest.raises(ValueError, match="8 products"):
        trace(key, lambda v: v, 20, rtol=0.1, max_matvecs=5)
    for method in (hutchpp, xtrace):
        with pytest.raises(ValueError, match="matvecs must be an integer of 4"):
            method(key, lambda v: v, 20, matvecs=3)


def test_a_matrix_that_is_not_symmetric_is_refused():
    skew = jnp.asarray(np.random.default_rng(0).normal(size=(P, P)) + 5 * np.ones((P, P)))
    skew = skew.at[:5].multiply(40)
    with pytest.raises(ValueError, match="not symmetric"):
        trace(jax.random.key(0), lambda v: skew @ v, P, rtol=1e-3)
