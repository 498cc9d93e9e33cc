"""Five trials of every estimator: scale, dtype, size, products that are not finite.

The matrix is diagonal plus a coupling; references are dense, from NumPy.
"""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature import dense, lanczos, probes, slq, stability, trace

P = 24
A = np.diag(np.arange(1.0, P + 1)) + 0.1 * (np.eye(P, k=1) + np.eye(P, k=-1))
VALUES = np.linalg.eigvalsh(A)
KEY = jax.random.key(0)
GRADIENTS = np.random.default_rng(0).normal(size=(6, 3))


class Case(NamedTuple):
    """call(matvec, size, dtype) -> numbers that scale as the matrix does; near `want`, by rtol."""

    call: Callable
    want: Any
    rtol: float


def both(estimate):
    """An estimate and its error."""
    return jnp.stack([estimate.estimate, estimate.error])


def quadrature(matvec, size, dtype):
    return slq.slq(KEY, matvec, size, steps=6, probes=4, dtype=dtype)


def moment(matvec, size, dtype):
    return both(slq.spectral_function(lambda x: x, *quadrature(matvec, size, dtype), size))


def start(size, dtype):
    return jnp.linspace(1.0, 2.0, size).astype(dtype)


def of_trace(matvec, size, dtype, **options):
    found = trace.trace(KEY, matvec, size, rtol=0.02, dtype=dtype, **options)
    return jnp.array([found.estimate, found.error, found.bound])


TRACE, NORM = A.trace(), np.linalg.norm(A)
ESTIMATORS = {
    "exact_trace": Case(lambda m, n, d: probes.exact_trace(m, n, dtype=d).estimate, TRACE, 1e-6),
    "hutchinson": Case(
        lambda m, n, d: both(probes.hutchinson(KEY, m, n, probes=8, dtype=d)), TRACE, 0.05
    ),
    "hutchpp": Case(
        lambda m, n, d: both(probes.hutchpp(KEY, m, n, matvecs=12, dtype=d)), TRACE, 0.15
    ),
    "xtrace": Case(lambda m, n, d: both(probes.xtrace(KEY, m, n, matvecs=12, dtype=d)), TRACE, 0.2),
    "diagonal": Case(
        lambda m, n, d: both(probes.diagonal(KEY, m, n, probes=8, rank=2, dtype=d)),
        A.diagonal(),
        0.8,
    ),
    "frobenius": Case(
        lambda m, n, d: both(probes.frobenius(KEY, m, n, probes=8, rank=2, dtype=d)), NORM, 0.2
    ),
    "trace": Case(of_trace, TRACE, 0.05),
    "trace, psd": Case(partial(of_trace, psd=True), TRACE, 0.05),
    "lanczos": Case(
        lambda m, n, d: jnp.linalg.eigvalsh(
            lanczos.tridiagonal(*lanczos.lanczos(m, start(n, d), n)[:2])
        ),
        VALUES,
        2e-5,
    ),
    "eigsh": Case(
        lambda m, n, d: lanczos.eigsh(KEY, m, n, steps=P, k=min(3, n), dtype=d).values,
        VALUES[::-1][:3],
        2e-5,
    ),
    "slq": Case(lambda m, n, d: quadrature(m, n, d).nodes[:, -1], VALUES[-1], 0.05),
    "resolution": Case(
        lambda m, n, d: slq.resolution(quadrature(m, n, d).nodes), np.ptp(VALUES) * np.pi / 24, 0.05
    ),
    "spectral_function": Case(moment, TRACE, 0.05),
    "total": Case(
        lambda m, n, d: slq.total(KEY, m, n, lambda x: x, rtol=0.05, steps=6, dtype=d).estimate,
        TRACE,
        0.05,
    ),
    "columns": Case(lambda m, n, d: dense.columns(m, n, jnp.arange(2), dtype=d), A[:2], 1e-6),
    "dense": Case(lambda m, n, d: dense.dense(m, n, dtype=d), A, 1e-6),
}
BESIDE = {"tridiagonal", "density", "cumulative", "entropy"}  # of numbers, not of products: below
PARTS = {"lanczos_part", "eigsh_part", "trace_part"}  # what the whole is made of
every = pytest.mark.parametrize("case", ESTIMATORS.values(), ids=list(ESTIMATORS))


def product(scale=1.0):
    return lambda v: jnp.asarray(A).astype(v.dtype) @ v * scale


def first(numbers):
    """Without the error and the bound."""
    return numbers[0] if np.ndim(numbers) and np.shape(numbers)[0] in (2, 3) else numbers


def test_every_estimator_is_tried():
    for module in (dense, lanczos, probes, slq, trace):
        for name, f in inspect.getmembers(module, inspect.isfunction):
            if f.__module__ == module.__name__ and not name.startswith("_"):
                assert name in ESTIMATORS or name in BESIDE | PARTS, name


@pytest.mark.parametrize("scale", [2.0**-99, 2.0**99, 2.0**-498, 2.0**498])
@every
def test_scale(case, scale):
    """By a power of two every digit is the same: of the estimate, the error and the bound."""
    wide = not 1e-40 < scale < 1e40
    with jax.enable_x64(wide):
        dtype = jnp.float64 if wide else jnp.float32
        one = np.asarray(case.call(product(), P, dtype), float)
        np.testing.assert_allclose(
            first(one) if np.ndim(case.want) < np.ndim(one) else one, case.want, case.rtol, 1e-5
        )
        other = np.asarray(case.call(product(scale), P, dtype), float)
        np.testing.assert_allclose(other / scale, one, rtol=1e-9 if wide else 1e-3, atol=1e-4)


@every
@pytest.mark.parametrize("dtype", [int, complex, jnp.float16, jnp.bfloat16])
def test_dtype_is_refused_by_name(case, dtype):
    if case in (ESTIMATORS["dense"], ESTIMATORS["columns"]) and dtype not in (int, complex):
        np.testing.assert_allclose(
            np.asarray(case.call(product(), P, dtype), float), case.want, atol=0.1
        )
        return
    if case is ESTIMATORS["lanczos"] and dtype is not complex:
        # what numbers there are become float32
        np.testing.assert_allclose(case.call(product(), P, dtype), VALUES, rtol=1e-4)
        return
    with pytest.raises(ValueError, match=r"dtype must|v0 must"):
        case.call(product(), P, dtype)


@every
def test_images_of_other_dtypes(case):
    """Integers are numbers; complex images are refused."""
    matrix = np.diag(np.arange(P))
    whole = lambda v: (jnp.asarray(matrix) @ v).astype(jnp.int32)  # noqa: E731
    if case is ESTIMATORS["trace, psd"]:  # images of Gaussian probes, cut, are no linear map's
        with pytest.raises(ValueError, match="not symmetric"):
            case.call(whole, P, jnp.float32)
    else:
        assert np.isfinite(np.asarray(case.call(whole, P, jnp.float32))).all()
    with pytest.raises(ValueError, match=r"matvec\(v\) must hold real"):
        case.call(lambda v: v * 1j, P, jnp.float32)


@every
def test_sizes(case):
    try:
        got = np.asarray(case.call(lambda v: 3 * v, 1, jnp.float32), float)
    except ValueError as error:
        assert any(name in str(error) for name in ("index", "range"))  # noqa: PT017
    else:
        assert np.isclose(got.flat[0], 3) or got.flat[0] == 0  # resolution: no range
    if case in (ESTIMATORS["dense"], ESTIMATORS["columns"]):
        return
    with pytest.raises(ValueError, match=r"size|steps|k = 0|vectors held"):
        case.call(lambda v: v, 0, jnp.float32)


@every
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_products_that_are_not_finite(case, bad):
    """A ValueError, or no number that looks like one."""
    matvec = lambda v: v.at[0].set(bad)  # noqa: E731
    try:
        got = np.asarray(case.call(matvec, P, jnp.float32), float)
    except ValueError as error:
        assert "finite" in str(error) or "nodes" in str(error)  # noqa: PT017
    else:
        assert not np.isfinite(got).all()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_densities_in_any_units(scale):
    nodes, weights = quadrature(product(), P, jnp.float32)
    grid = jnp.linspace(0.0, 25, 7)
    one, other = (slq.density(s * nodes, weights, s * grid) for s in (1, scale))
    np.testing.assert_allclose(other.estimate * scale, one.estimate, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(other.error * scale, one.error, rtol=1e-4, atol=1e-9)
    one, other = (slq.cumulative(s * nodes, weights, s * grid) for s in (1, scale))
    np.testing.assert_allclose(other.estimate, one.estimate, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda n, w: slq.density(n + 1j, w, n[0]), "nodes must hold real"),
        (lambda n, w: slq.density(n, w, n[0] * jnp.nan), "grid must be finite"),
        (lambda n, w: slq.density(n, w, n[0], sigma=0.0), "sigma"),
        (lambda n, w: slq.density(n[:0], w[:0], n[0]), "n of nodes"),
        (lambda n, w: slq.cumulative(n, w[:1], n[0]), "weights must"),
        (lambda n, w: slq.cumulative(n.at[0, 0].set(jnp.nan), w, n[0]), "nodes must be finite"),
        (lambda n, w: slq.spectral_function(jnp.sum, n, w, 4), "f"),
        (lambda n, w: slq.resolution(n[0]), "nodes must"),
        (lambda n, w: lanczos.tridiagonal(n[0], w[0, :2]), "beta must"),
        (lambda n, w: lanczos.lanczos(product(), n[0] * jnp.nan, 3), "v0 must be finite"),
        (lambda n, w: lanczos.lanczos(product(), n[0], 0), "steps"),
        (lambda n, w: lanczos.eigsh(KEY, product(), P, steps=9, k=1, tol=np.nan), "tol"),
        (lambda n, w: probes.diagonal(KEY, product(), P, probes=4, rank=-1), "rank"),
        (lambda n, w: probes.hutchinson(KEY, product(), P, probes=0), "probes"),
        (lambda n, w: trace.trace(KEY, product(), P, rtol=np.nan), "rtol"),
        (lambda n, w: dense.columns(product(), P, jnp.array([P])), "index"),
        (lambda n, w: dense.columns(product(), P, jnp.array([0.5])), "index"),
        (lambda n, w: dense.dense(product(), P, chunk=0), "chunk"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call(*quadrature(product(), P, jnp.float32))


# gradients ---------------------------------------------------------------------------------------


def second_moment(at, unit):
    return stability.second_moment(at, 0.1 / unit / unit, batch=2)(jnp.eye(3))


STABILITY = {
    "threshold": (lambda at, unit: stability.threshold(at, batch=2).lr, -2),
    "radius": (lambda at, unit: stability.radius(at, 0.1 / unit / unit, batch=2), 0),
    "second_moment": (second_moment, 0),
    "spread": (lambda at, unit: stability.spread(at, 2)(jnp.eye(3) / unit**2), 2),
    "modes": (lambda at, unit: at.curvature, 2),
}


@pytest.mark.parametrize("unit", [2.0**-55, 2.0**55])
@pytest.mark.parametrize("name", STABILITY)
def test_stability_in_any_units(name, unit):
    call, degree = STABILITY[name]
    one, other = (
        np.asarray(call(stability.modes(jnp.asarray(GRADIENTS * u, jnp.float32)), u), float)
        for u in (1.0, unit)
    )
    np.testing.assert_allclose(other / unit**degree, one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("gradients", "named"),
    [
        (GRADIENTS * 1j, "gradients must hold real"),
        (GRADIENTS * np.nan, "gradients must be finite"),
        (GRADIENTS[:0], "N of gradients"),
        (GRADIENTS[:, :0], "P of gradients"),
        (GRADIENTS[0], "gradients must have shape"),
        (np.float32(1e-25) * GRADIENTS, "leave the range"),
        (np.float32(1e25) * GRADIENTS, "leave the range"),
    ],
)
def test_gradients_that_are_refused(gradients, named):
    with pytest.raises(ValueError, match=named):
        stability.modes(gradients)
    if named == "leave the range":  # under jit, which cannot raise
        got = jax.jit(stability.modes)(jnp.asarray(gradients, jnp.float32))
        assert not jnp.isfinite(got.curvature).all()


def test_gradients_of_other_dtypes():
    whole = np.round(4 * GRADIENTS)
    want = np.linalg.eigvalsh(whole.T @ whole / 6)
    for dtype in (int, np.float16, jnp.bfloat16, np.float32):
        got = stability.modes(jnp.asarray(whole).astype(dtype)).curvature
        np.testing.assert_allclose(got, want, rtol=1e-5)
    for batch in (0, np.nan):
        with pytest.raises(ValueError, match="batch must"):
            stability.threshold(stability.modes(GRADIENTS), batch=batch)
    assert partial(stability.threshold, batch=1)(stability.modes(0 * GRADIENTS)).lr == np.inf
