"""Every statistic against scipy.stats, or by simulation."""

import numpy as np
import pytest
import scipy.stats as reference

from common import stats


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def test_t_interval_is_scipys(rng):
    x = rng.normal(2, 3, 7)
    got = stats.t_interval(x, 0.05)
    want = reference.ttest_1samp(x, 0).confidence_interval(0.9)
    assert (got.low, got.high) == pytest.approx((want.low, want.high))
    assert got.estimate == pytest.approx(x.mean())


def test_t_interval_covers_as_often_as_it_says(rng):
    x = rng.normal(size=(20_000, 5))
    outside = [(i.low > 0) + 2 * (i.high < 0) for i in (stats.t_interval(r) for r in x)]
    for side in (1, 2):
        assert np.mean(np.array(outside) == side) == pytest.approx(0.05, abs=0.005)


def test_resolution_keeps_equal_counts_from_certainty():
    got = stats.t_interval(np.full(5, 10.0), resolution=1.0)
    half = reference.t.ppf(0.95, 4) * np.sqrt(1 / 12 / 5)  # a uniform rounding error
    assert (got.low, got.high) == pytest.approx((10 - half, 10 + half))
    assert stats.t_interval(np.full(5, 10.0)) == (10, 10, 10)
    assert stats.t_interval(np.array([3.0])).high == np.inf


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (7, 12), (1, 40)])
def test_clopper_pearson_is_scipys(k, n):
    got = stats.clopper_pearson(k, n, 0.05)
    want = reference.binomtest(k, n).proportion_ci(0.9, "exact")
    low = want.low if k else 0.0
    assert (got.low, got.high) == pytest.approx((low, want.high))


def test_kendall_tau_is_somers_d(rng):
    for y in (rng.normal(size=9), rng.integers(0, 4, 9), np.ones(9)):
        want = reference.somersd(np.arange(9), y).statistic  # ties in y count 0, as in tau-a
        assert stats.kendall_tau(y) == pytest.approx(np.nan_to_num(want))


def test_fisher_z_and_its_bias(rng):
    x, y = rng.normal(size=(2, 12))
    r = reference.pearsonr(x, y).statistic
    assert stats.fisher_z(x, y) == pytest.approx(np.arctanh(r) - r / 22)
    z = rng.normal(size=(2, 40_000, 10))
    noisy = 0.8 * z[0] + 0.6 * z[1]
    assert stats.fisher_z(z[0], noisy).mean() == pytest.approx(np.arctanh(0.8), abs=0.01)
    assert stats.fisher_z(x, np.ones(12)) == 0.0


def test_lines_are_scipys(rng):
    x = np.geomspace(1, 30, 8)
    y = 3 * x**-1.7 * np.exp(0.1 * rng.normal(size=(2, 8)))
    got = stats.line(np.log(x), np.log(y))
    for i in range(2):
        want = reference.linregress(np.log(x), np.log(y[i]))
        assert got.slope[i] == pytest.approx(want.slope)
        assert got.intercept[i] == pytest.approx(want.intercept)
        assert got.r2[i] == pytest.approx(want.rvalue**2)
    np.testing.assert_allclose(stats.loglog_slope(x, y), got.slope)
    np.testing.assert_allclose(stats.semilog_slope(x, np.exp(-2 * x)), -2)
    assert stats.line(x, np.ones(8)).r2 == 0.0


def test_seeds_that_decide_do_decide(rng):
    """At that number most new samples of the same mean and spread are decided; at 5 few are."""
    x = rng.normal(size=5)
    x = (x - x.mean()) / x.std(ddof=1) + 0.7  # mean 0.7, spread 1, the edge at 0
    n = stats.seeds_that_decide(x, 0.0, np.inf)
    assert n is not None

    def decided(n):
        fresh = rng.normal(0.7, 1, size=(2000, n))
        return np.mean([stats.t_interval(f).low > 0 for f in fresh])

    assert decided(n) > 0.4 > decided(5)
    assert decided(3 * n) > 0.9
    assert stats.seeds_that_decide(x - 0.7, 0.0, np.inf) is None
