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


@pytest.mark.parametrize("n", [2, 5, 30])
@pytest.mark.parametrize("alpha", [0.05, 0.0125])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, int])
def test_t_interval_at_every_size_level_and_dtype(rng, n, alpha, dtype):
    x = (10 * rng.normal(2, 3, n)).astype(dtype)
    exact = x.astype(float)
    want = reference.t.interval(1 - 2 * alpha, n - 1, exact.mean(), reference.sem(exact))
    assert stats.t_interval(x, alpha)[1:] == pytest.approx(want)
    degrees = np.array([1.0, 4.0, 40.0])
    np.testing.assert_allclose(stats.t_quantile(degrees, 0.95), reference.t.ppf(0.95, degrees))


def test_t_interval_moves_with_the_units(rng):
    x = rng.normal(size=6)
    mean, low, high = stats.t_interval(x)
    want = (3 - 1e-3 * mean, 3 - 1e-3 * high, 3 - 1e-3 * low)
    assert stats.t_interval(3 - 1e-3 * x) == pytest.approx(want, rel=1e-12)


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


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("n", [10, 37])
def test_clopper_pearson_is_scipys_at_every_count(n, alpha):
    for k in range(n + 1):
        want = reference.binomtest(k, n).proportion_ci(1 - 2 * alpha, "exact")
        assert stats.clopper_pearson(k, n, alpha)[1:] == pytest.approx((want.low, want.high))


@pytest.mark.parametrize("n", [10, 29])
def test_clopper_pearson_errs_at_most_alpha_exactly(n):
    """By summing the binomial over all outcomes, at every probability."""
    k = np.arange(n + 1)
    low, high = np.array([stats.clopper_pearson(i, n)[1:] for i in k]).T
    for p in np.linspace(0.01, 0.99, 99):
        mass = reference.binom.pmf(k, n, p)
        assert mass[low > p].sum() <= 0.05 + 1e-9
        assert mass[high < p].sum() <= 0.05 + 1e-9


def test_ranks_are_scipys_from_zero(rng):
    y = rng.integers(0, 6, (4, 3, 11)).astype(float)
    np.testing.assert_array_equal(stats.ranks(y), reference.rankdata(y, axis=-1) - 1)
    np.testing.assert_array_equal(stats.ranks(np.array([3.0, 1.0, 3.0, 7.0])), [1.5, 0, 1.5, 3])
    values = np.array([0.3, 0.1, 0.3, 0.9, 0.3])
    np.testing.assert_array_equal(stats.ranks(values) + 1, [3, 1, 3, 5, 3])


def test_kendall_tau_without_ties_is_scipys(rng):
    y = rng.normal(size=(3, 4, 11))
    want = [[reference.kendalltau(np.arange(11), r).statistic for r in rows] for rows in y]
    np.testing.assert_allclose(stats.kendall_tau(y), want)
    np.testing.assert_allclose(stats.kendall_tau(np.exp(y)), want)  # ranks alone
    np.testing.assert_allclose(stats.kendall_tau(y[..., ::-1]), -np.array(want))


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


def test_fisher_z_without_its_bias_centres_scipys_interval(rng):
    x, y = rng.normal(size=(2, 4, 15))
    y += x
    for a, b, z in zip(x, y, stats.fisher_z(x, y), strict=True):
        found = reference.pearsonr(a, b)
        ends = np.arctanh(found.confidence_interval(0.9))
        assert z + found.statistic / 28 == pytest.approx(ends.mean())


@pytest.mark.parametrize("rho", [0.3, 0.9, -0.8])
def test_hotellings_term_removes_the_bias(rng, rho):
    x, e = rng.normal(size=(2, 60_000, 10))
    y = rho * x + np.sqrt(1 - rho**2) * e
    z = stats.fisher_z(x, y)
    plain = np.arctanh([np.corrcoef(a, b)[0, 1] for a, b in zip(x[:9], y[:9], strict=True)])
    r = np.tanh(plain)
    np.testing.assert_allclose(z[:9], plain - r / 18)
    left = rho * (5 + rho**2) / (8 * 81)  # the next order of Hotelling's series
    assert z.mean() - np.arctanh(rho) == pytest.approx(left, abs=0.006)
    assert abs(rho / 18) > 2 * abs(left)  # what is left is small beside what was removed


def test_two_constants_are_not_correlated():
    """The mean of equal numbers is not always that number: rounding is no correlation."""
    for points in (10, 12, 25):
        for value in (0.1, 0.3, 1 / 3, 1e6 + 0.7):
            still = np.full(points, value)
            assert abs(stats.fisher_z(still, np.arange(points))) < 1e-6
            assert stats.fisher_z(still, still) == 0.0, (points, value)


def test_fisher_z_of_a_perfect_line_is_large_and_finite(rng):
    x = rng.normal(size=20)
    assert 10 < stats.fisher_z(x, 3 * x + 1) < np.inf
    assert stats.fisher_z(x, -x) == -stats.fisher_z(x, x)


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

    assert decided(n) > 0.75 > decided(5)
    assert stats.seeds_that_decide(x, 0.0, np.inf, most=n - 1) is None
    assert stats.seeds_that_decide(x - 0.7, 0.0, np.inf) is None


@pytest.mark.parametrize("distance", [0.5, 0.7, 0.9])
def test_at_that_many_seeds_four_of_five_new_samples_decide(rng, distance):
    """The noncentral t distribution gives the exact power."""
    x = np.array([-1.0, -0.5, 0, 0.5, 1])
    n = stats.seeds_that_decide(x / x.std(ddof=1) + distance, 0.0, np.inf)
    fresh = rng.normal(distance, 1, size=(20_000, n))
    p = reference.ttest_1samp(fresh, 0.0, axis=1, alternative="greater").pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=0.05)
    power = reference.nct.sf(reference.t.ppf(0.95, n - 1), n - 1, distance * np.sqrt(n))
    assert power == pytest.approx(0.8, abs=0.04)


def test_decay_rate_is_that_of_the_slowest_above_the_floor():
    """Two exponentials, a floor: the slow one's rate, where neither the fast one nor it counts."""
    x = np.arange(400.0)
    rates = np.array([0.1, 0.05])
    y = np.exp(-rates[:, None] * x) + 30 * np.exp(-x) + 1e-12
    got = stats.decay_rate(x, y, floor=1e-9, ceiling=1e2)
    np.testing.assert_allclose(got, rates, rtol=1e-3)
    assert stats.decay_rate(x, y[0]) < 0.5 * rates[0]  # the floor flattens it
    exact = stats.decay_rate(x[:20], np.exp(-0.3 * x[:20]), late=1.0)
    assert exact == pytest.approx(0.3, rel=1e-12)
    assert np.isnan(stats.decay_rate(x, y[0], floor=0.5))  # seven points
    blown_up = np.where(x < 300, y, np.inf)
    assert np.isnan(stats.decay_rate(x, blown_up)).all()


def test_rows_beside_each_other():
    x, y = np.array([1.0, 2.0, 4.0]), np.arange(6.0).reshape(2, 3)
    pairs = stats.beside(x, y)
    assert pairs.shape == (2, 2, 3)
    np.testing.assert_array_equal(pairs[1], [x, [3, 4, 5]])
    np.testing.assert_array_equal(stats.beside(y[:, 0], y[:, 1]), [[0, 1], [3, 4]])


def test_taken_is_one_a_seed():
    values = np.arange(12.0).reshape(2, 3, 2)
    np.testing.assert_array_equal(stats.taken(values, np.array([2, 0])), [[4, 5], [6, 7]])


def test_geometric_mean_is_scipys(rng):
    x = np.exp(rng.normal(size=(3, 4)))
    np.testing.assert_allclose(stats.geometric_mean(x), reference.gmean(x, axis=-1))
    np.testing.assert_allclose(stats.geometric_mean(x, axis=0), reference.gmean(x, axis=0))
