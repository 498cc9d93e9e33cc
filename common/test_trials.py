"""Five trials of every statistic and summary of spectra: scale, dtype, size, what is not finite.

A function gives the right number (SciPy's, or a closed form) or a ValueError that names its
argument.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats as reference

from common import spectra, stats
from common.curvature import outliers

X = np.array([1.0, 2.0, 4.0, 7.0, 11.0])
DATA = np.array([3.0, 1.0, 4.0, 2.0, 9.0])  # exact in every dtype
P = DATA / DATA.sum()
FIT, LOGS = reference.linregress(X, DATA), reference.linregress(np.log(X), np.log(DATA))
SEM = reference.sem(DATA)
R = reference.pearsonr(X, DATA).statistic
NAN = "nan"  # comes out as nan


class Case(NamedTuple):
    """What f(s DATA) / s^degree is; of an empty and of one value, and with a nan: a number or the
    name in the ValueError."""

    call: Callable
    want: Any
    degree: int
    empty: Any
    one: Any  # of the value 3
    bad: Any
    jax: bool = False


def interval(x):
    return np.array(stats.t_interval(x))


def fit(y, x=X):
    return np.array(stats.line(x[: len(y)], y)[:2])


def rate(y):
    return stats.decay_rate(X[: len(y)], y, late=1.0, least=2)


def exponent(x):
    return spectra.power_law(x, x_min=x.min() if len(x) else None).alpha


def weights(x):
    return spectra.weight_spectra({"a": np.diag(x) if len(x) else np.zeros((0, 0))})["a"]


T = reference.t.ppf(0.95, 4) * SEM
MEAN = DATA.mean()
CASES = {
    stats.t_interval: Case(
        interval, [MEAN, MEAN - T, MEAN + T], 1, "number of values", [3, -np.inf, np.inf], NAN
    ),
    stats.kendall_tau: Case(
        stats.kendall_tau, reference.kendalltau(X, DATA).statistic, 0, "y must", "y must", NAN
    ),
    stats.ranks: Case(stats.ranks, list(reference.rankdata(DATA) - 1), 0, "x must", 0, NAN),
    stats.fisher_z: Case(
        lambda y: stats.fisher_z(X[: len(y)], y), np.arctanh(R) - R / 8, 0, "x must", "x must", NAN
    ),
    stats.line: Case(fit, [FIT.slope, FIT.intercept], 1, "x must", "x must", NAN),
    stats.loglog_slope: Case(
        lambda y: stats.loglog_slope(X[: len(y)], y), LOGS.slope, 0, "x must", "x must", NAN
    ),
    stats.decay_rate: Case(rate, -reference.linregress(X, np.log(DATA)).slope, 0, NAN, NAN, None),
    stats.geometric_mean: Case(
        stats.geometric_mean, reference.gmean(DATA), 1, "length of x", 3, NAN
    ),
    stats.seeds_that_decide: Case(
        lambda x: stats.seeds_that_decide(x, 0.0, np.inf), 6, 0, "number of values", None, "values"
    ),
    spectra.effective_rank: Case(
        spectra.effective_rank, np.exp(reference.entropy(P)), 0, 0, 1, "singular_values", True
    ),
    spectra.stable_rank: Case(spectra.stable_rank, 111 / 81, 0, 0, 1, "singular_values", True),
    spectra.participation_ratio: Case(
        spectra.participation_ratio, 19**2 / 111, 0, 0, 1, "eigenvalues", True
    ),
    spectra.power_law: Case(
        exponent, 1 + 5 / np.log(DATA).sum(), 0, "least = 50", "no two different", "values"
    ),
    spectra.weight_spectra: Case(weights, [9, 4, 3, 2, 1], 1, [], [3], "weights a"),
    outliers.above_fraction: Case(
        lambda x: outliers.above_fraction(x, fraction=0.3),
        3,
        0,
        "eigenvalues",
        1,
        "eigenvalues",
        True,
    ),
    outliers.largest_ratio: Case(
        lambda x: outliers.largest_ratio(x, classes=1),
        1,
        0,
        "eigenvalues",
        "eigenvalues",
        "eigenvalues",
        True,
    ),
    outliers.above_bulk: Case(
        lambda x: outliers.above_bulk(x, classes=1, factor=2.0),
        2,
        0,
        "eigenvalues",
        "no bulk",
        "eigenvalues",
        True,
    ),
}
TRIED = [(f, c, xp) for f, c in CASES.items() for xp in ((np, jnp) if c.jax else (np,))]
every = pytest.mark.parametrize(
    ("case", "xp"),
    [(c, xp) for _, c, xp in TRIED],
    ids=[f"{f.__name__}-{xp.__name__}" for f, _, xp in TRIED],
)
COUNTS = {  # of counts and indices, without units: below
    "t_quantile",
    "clopper_pearson",
    "beside",
    "taken",
    "poisson_upper",
}


def test_every_public_function_is_tried():
    for module in (stats, spectra, outliers):
        for name, f in inspect.getmembers(module, inspect.isfunction):
            if f.__module__ == module.__name__ and not name.startswith("_"):
                assert f in CASES or name in COUNTS, name


def is_right(case, x, want, **tolerance):
    """`want` is a number, or the name in a ValueError."""
    if isinstance(want, str) and want != NAN:
        with pytest.raises(ValueError, match=want):
            case.call(x)
        return
    got = case.call(x)
    if want is None or want == NAN:
        assert got is None if want is None else np.isnan(got).all()
    else:
        np.testing.assert_allclose(np.asarray(got, float), want, **tolerance)


@every
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30, 1e-150, 1e150])
def test_scale(case, xp, scale):
    wide = not 1e-40 < scale < 1e40
    with jax.enable_x64(wide):
        x = xp.asarray(np.asarray(scale * DATA, float if wide else np.float32))
        rtol = 1e-12 if wide else 2e-6
        if case.degree:
            got = np.asarray(case.call(x), float) / scale
            np.testing.assert_allclose(got, case.want, rtol=rtol)
        else:
            is_right(case, x, case.want, rtol=rtol)


@every
@pytest.mark.parametrize(
    "dtype", [np.float16, jnp.bfloat16, np.float32, np.float64, np.int8, np.uint8, int, complex]
)
def test_dtype(case, xp, dtype):
    with jax.enable_x64(True):
        x = xp.asarray(DATA).astype(dtype)
        is_right(case, x, "must hold real numbers" if dtype is complex else case.want, rtol=1e-5)


@every
def test_size(case, xp):
    is_right(case, xp.asarray(DATA[:0]), case.empty)
    is_right(case, xp.asarray(DATA[:1]), case.one, rtol=1e-6)


@every
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(case, xp, bad):
    if case.bad is not None:
        is_right(case, xp.asarray(np.where(DATA == 2, bad, DATA)), case.bad)


def test_what_is_not_finite_stays_in_its_row():
    y = np.stack([DATA, np.where(DATA == 2, np.nan, DATA)])
    for f in (stats.kendall_tau, stats.geometric_mean):
        np.testing.assert_allclose(f(y), [f(DATA), np.nan])
    for f in (stats.fisher_z, stats.loglog_slope, lambda x, y: stats.line(x, y).r2):
        np.testing.assert_allclose(f(X, y), [f(X, DATA), np.nan])


def test_a_curve_that_left_the_numbers_has_no_rate():
    """Else one that decayed and then blew up would have a good one."""
    y = np.exp(-0.5 * X)
    assert stats.decay_rate(X, y, late=1.0, least=2) == pytest.approx(0.5)
    y[1] = np.inf
    assert np.isnan(stats.decay_rate(X, y, late=1.0, least=2))


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_lines_over_any_x(scale):
    slope, intercept, r2 = stats.line(scale * X, DATA)
    np.testing.assert_allclose(slope * scale, FIT.slope)
    np.testing.assert_allclose([intercept, r2], [FIT.intercept, FIT.rvalue**2])
    assert np.isnan(stats.line(np.ones(5), DATA).slope)
    assert stats.line(X, np.full(5, 0.1)).r2 == 0  # whose mean is not 0.1


def test_ratios_beyond_every_number():
    """The list ends at -1: the ratio in front of it is infinite, that of 1e30 and 1e-30 is not."""
    for xp in (np, jnp):
        values = xp.asarray(np.array([1e30, 1e-30, -1.0], np.float32))
        assert outliers.largest_ratio(values, classes=1) == 2


def test_sums_of_sixteen_bits():
    for rank in (spectra.effective_rank, spectra.stable_rank, spectra.participation_ratio):
        for ones in (np.ones(70_000, np.float16), jnp.ones(70_000, jnp.bfloat16)):
            np.testing.assert_allclose(float(rank(ones)), 70_000, rtol=1e-3)


def test_leaves_that_share_a_path_are_refused():
    for tree in ({"a/b": X[None], "a": {"b": X[None]}}, {"a/0": X[None], "a": [X[None]]}):
        with pytest.raises(ValueError, match="share the path a/"):
            spectra.weight_spectra(tree)
    assert spectra.weight_spectra({"a": np.zeros((2, 0))})["a"].size == 0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: stats.clopper_pearson(0, 0), "n must"),
        (lambda: stats.clopper_pearson(-1, 4), "successes"),
        (lambda: stats.clopper_pearson(5, 4), "successes"),
        (lambda: stats.clopper_pearson(2.5, 4), "successes"),
        (lambda: stats.clopper_pearson(2, 4, np.nan), "alpha"),
        (lambda: stats.t_interval(X, 1.0), "alpha"),
        (lambda: stats.t_quantile(0, 0.9), "df"),
        (lambda: stats.t_quantile(4, 1.5), "p must"),
        (lambda: stats.poisson_upper(-1), "count"),
        (lambda: stats.poisson_upper(1j), "count"),
        (lambda: stats.taken(np.ones((2, 3)), np.array([0, 3])), "index"),
        (lambda: stats.taken(np.ones((2, 3)), np.array([0, -1])), "index"),
        (lambda: stats.taken(np.ones((2, 3)), np.array([0.0, 1.0])), "index"),
        (lambda: stats.decay_rate(X, X, floor=-1.0), "floor"),
        (lambda: stats.decay_rate(X[:3], X), "x must"),
        (lambda: spectra.power_law(X, level=1.0), "level"),
        (lambda: spectra.power_law(X, least=0), "least"),
        (lambda: outliers.largest_ratio(X, classes=0), "classes"),
        (lambda: outliers.above_bulk(X, classes=-1), "classes"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call()
