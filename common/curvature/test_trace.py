"""Traces, diagonals and norms of known matrices; errors and bounds against simulation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.trace import diagonal, frobenius, hutchinson, hutchpp, trace, xtrace

P = 120
i = np.arange(1, P + 1)
SPECTRA = {
    "flat": np.linspace(0.2, 2.0, P),
    "exponential": np.exp(-i / 5.0),
    "power": 1.0 / i**2,
    "low rank": np.r_[np.full(5, 3.0), np.zeros(P - 5)],
    "indefinite": np.r_[np.linspace(-0.3, 0.3, P - 6), np.full(6, 10.0)],
    "heavy": np.sort(np.random.default_rng(1).pareto(1.2, P)),
}
ROTATION = np.linalg.qr(np.random.default_rng(0).normal(size=(P, P)))[0]


def matrix(name):
    return jnp.asarray((ROTATION * SPECTRA[name]) @ ROTATION.T)


@partial(jax.jit, static_argnames=("method", "runs", "options"))
def many(A, *, method, runs, options):
    """Estimates and errors [runs]; A is an argument so that one compilation serves all spectra."""
    keys = jax.random.split(jax.random.key(5), runs)
    one = lambda key: method(key, lambda v: A @ v, len(A), **dict(options))[:2]  # noqa: E731
    return jax.vmap(one)(keys)


@pytest.mark.parametrize(
    ("method", "options"),
    [(hutchpp, (("matvecs", 36),)), (xtrace, (("matvecs", 36),))],
)
def test_unbiased_with_a_calibrated_error(method, options):
    with jax.enable_x64(True):
        for name in ("flat", "exponential", "power", "indefinite"):
            value, error = many(matrix(name), method=method, runs=400, options=options)
            off = np.asarray(value) - SPECTRA[name].sum()
            assert abs(off.mean()) < 4 * off.std() / 20, name
            assert 0.65 < np.sqrt((off**2).mean() / (error**2).mean()) < 1.3, name


def test_xtrace_is_the_leave_one_out_estimate_written_out():
    with jax.enable_x64(True):
        A = np.array(matrix("power"))
        A += np.random.default_rng(3).normal(size=A.shape) / P  # and not symmetric
        key, n = jax.random.key(0), 4
        got = xtrace(key, lambda v: jnp.asarray(A) @ v, P, matvecs=2 * n)
        probes = np.asarray(jax.random.normal(key, (n, P)))
        samples = []
        for j in range(n):
            others = np.delete(probes, j, axis=0)
            Q, _ = np.linalg.qr(A @ others.T)
            v = probes[j] - Q @ (Q.T @ probes[j])
            v *= np.sqrt(P - n + 1) / np.linalg.norm(v)
            samples.append(np.trace(Q.T @ A @ Q) + v @ A @ v)
        np.testing.assert_allclose(got.estimate, np.mean(samples), rtol=1e-12)
        # k = n: twice the variance that the spread of the samples says
        want = np.std(samples, ddof=1) / np.sqrt(n) * np.sqrt(2)
        np.testing.assert_allclose(got.error, want, rtol=1e-10)


@pytest.mark.parametrize("method", [hutchpp, xtrace])
@pytest.mark.parametrize("x64", [False, True])
def test_low_rank_zero_and_small_matrices_are_exact(method, x64):
    with jax.enable_x64(x64):
        tol = 1e-12 if x64 else 1e-5
        for A in (matrix("low rank"), jnp.zeros((P, P)), jnp.diag(jnp.arange(4.0))):
            got = method(jax.random.key(1), lambda v, A=A: A @ v, len(A), matvecs=30)
            np.testing.assert_allclose(got.estimate, jnp.trace(A), rtol=tol)
            assert got.error <= tol * max(1, got.estimate)
        assert got.matvecs == 4


def test_together_and_jit_change_nothing():
    with jax.enable_x64(True):
        A = matrix("power")
        call = partial(xtrace, jax.random.key(2), lambda v: A @ v, P, matvecs=16)
        want = call()
        np.testing.assert_allclose(call(together=3).estimate, want.estimate, rtol=1e-12)
        np.testing.assert_allclose(jax.jit(lambda: call()[:2])(), want[:2], rtol=1e-9)


def test_diagonal_and_its_error():
    with jax.enable_x64(True):
        A = matrix("indefinite")
        off = np.asarray(A**2).sum(1) - np.diag(A) ** 2
        for rank in (0, 12):
            got = diagonal(jax.random.key(3), lambda v: A @ v, P, probes=200, rank=rank)
            z = (got.estimate - np.diag(A)) / got.error
            assert 0.8 < z.std() < 1.25
            assert got.matvecs == 200 + 2 * rank
            if rank == 0:
                np.testing.assert_allclose(got.error**2, off / 200, rtol=0.6)
            else:  # the six outliers no longer count
                assert (got.error**2).sum() < 0.1 * off.sum() / 200


def test_frobenius_and_its_error():
    with jax.enable_x64(True):
        for rank in (0, 8):
            options = (("probes", 40), ("rank", rank))
            for name in ("flat", "exponential"):
                value, error = many(matrix(name), method=frobenius, runs=300, options=options)
                off = np.asarray(value) - np.linalg.norm(SPECTRA[name])
                assert 0.8 < np.sqrt((off**2).mean() / (error**2).mean()) < 1.25
                assert abs(off.mean()) < 0.05 * np.linalg.norm(SPECTRA[name])


def test_diagonal_matrices_need_two_probes():
    values = jnp.array([-1.0, 2.0, 5.0, 0.5])
    product = lambda v: values * v  # noqa: E731
    got = diagonal(jax.random.key(4), product, 4, probes=2)
    np.testing.assert_allclose(got.estimate, values, rtol=1e-6)
    np.testing.assert_allclose(got.error, 0, atol=1e-6)
    np.testing.assert_allclose(
        frobenius(jax.random.key(4), lambda v: 1e-25 * values * v, 4, probes=2).estimate,
        1e-25 * np.sqrt(30.25),
        rtol=1e-5,
    )


@pytest.mark.parametrize("name", ["flat", "power", "indefinite", "low rank"])
def test_the_bound_holds_and_the_products_are_few(name):
    with jax.enable_x64(True):
        A = matrix(name)
        matvec = lambda v: A @ v  # noqa: E731
        runs = [trace(jax.random.key(r), matvec, P, rtol=0.02) for r in range(12)]
        truth = SPECTRA[name].sum()
        held = sum(abs(run.estimate - truth) <= run.bound for run in runs)
        assert held >= 9  # of 12: fewer with probability 0.2 % where each holds with 95 %
        assert all(run.converged for run in runs)
        assert all(run.error <= 0.02 * abs(run.estimate) + 1e-12 for run in runs)
        plain = 2 * (jnp.sum(A**2) - jnp.sum(jnp.diag(A) ** 2)) / (0.02 * truth) ** 2
        spent = np.mean([run.matvecs for run in runs])
        assert spent <= (1.1 * plain + 2 if name == "flat" else plain / 4)
        assert runs[0].rank == {"flat": 0, "low rank": 5}.get(name, runs[0].rank)


def test_the_loop_in_float32_and_side_by_side():
    A = matrix("exponential").astype(jnp.float32)
    got = trace(jax.random.key(0), lambda v: A @ v, P, rtol=1e-3, together=4)
    assert abs(got.estimate - SPECTRA["exponential"].sum()) <= got.bound
    assert got.converged


def test_small_and_zero_matrices_and_an_exhausted_budget():
    small = trace(jax.random.key(0), lambda v: 2 * v, 5, rtol=1e-3)
    assert (small.estimate, small.error, small.matvecs, small.converged) == (10, 0, 5, True)
    zero = trace(jax.random.key(0), lambda v: 0 * v, 50, rtol=1e-3)
    assert (zero.estimate, zero.bound, zero.matvecs, zero.converged) == (0, 0, 8, True)
    A = matrix("indefinite").at[0, 0].add(-float(SPECTRA["indefinite"].sum()))  # of trace 0
    spent = trace(jax.random.key(0), lambda v: A @ v, P, rtol=1e-3, max_matvecs=40)
    assert not spent.converged
    assert spent.matvecs <= 40
    assert trace(jax.random.key(0), lambda v: A @ v, P, rtol=0, atol=5.0).error <= 5


def test_a_hopeless_number_of_probes_turns_into_the_exact_trace():
    A = matrix("flat")
    got = trace(jax.random.key(0), lambda v: A @ v, P, rtol=1e-5)
    np.testing.assert_allclose(got.estimate, SPECTRA["flat"].sum(), rtol=1e-5)
    assert got.error == 0
    assert got.matvecs < 2.5 * P


def test_refusals():
    key = jax.random.key(0)
    nan = lambda v: v.at[0].set(jnp.nan)  # noqa: E731
    skew = jnp.asarray(np.random.default_rng(0).normal(size=(P, P)) + 5 * np.ones((P, P)))
    skew = skew.at[:5].multiply(40)
    for call in (
        partial(hutchinson, probes=4),
        partial(hutchpp, matvecs=9),
        partial(xtrace, matvecs=8),
        partial(diagonal, probes=4, rank=2),
        partial(frobenius, probes=4, rank=2),
        partial(trace, rtol=0.1),
    ):
        with pytest.raises(ValueError, match="not finite"):
            call(key, nan, 20)
    value, error = jax.jit(lambda: xtrace(key, nan, 20, matvecs=8)[:2])()
    assert jnp.isnan(value)
    assert jnp.isinf(error)
    with pytest.raises(ValueError, match="not symmetric"):
        trace(key, lambda v: skew @ v, P, rtol=1e-3)
    with pytest.raises(TypeError, match="outside jit"):
        jax.jit(lambda k: trace(k, lambda v: v, 20, rtol=0.1).estimate)(key)
    with pytest.raises(ValueError, match="8 products"):
        trace(key, lambda v: v, 20, rtol=0.1, max_matvecs=5)
    for method in (hutchpp, xtrace):
        with pytest.raises(ValueError, match="4 products"):
            method(key, lambda v: v, 20, matvecs=3)
