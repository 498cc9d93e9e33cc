"""Weighted particles against counts, exact normalising constants and Kalman's recursion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import smc


def test_the_effective_sample_size_of_equal_and_of_single_weights():
    assert float(smc.ess(jnp.full(7, -3.0))) == pytest.approx(7)
    assert float(smc.ess(jnp.array([0.0, -jnp.inf, -jnp.inf]))) == pytest.approx(1)
    w = np.array([1.0, 2.0, 5.0])
    assert float(smc.ess(jnp.log(w))) == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-6)


def test_weights_far_from_one_are_the_same_weights():
    log_w = jnp.array([0.1, -0.4, 2.0])
    for far in (-1e4, 1e4):
        np.testing.assert_allclose(smc.ess(log_w + far), smc.ess(log_w), rtol=2e-3)
        np.testing.assert_allclose(
            smc.normalised(log_w + far), smc.normalised(log_w), rtol=0, atol=1e-3
        )


def test_systematic_draws_the_floor_or_the_ceiling_of_what_is_due():
    w = np.random.default_rng(0).dirichlet(np.full(50, 0.3))
    draws = jax.vmap(lambda k: smc.systematic(k, jnp.log(w)))(
        jax.random.split(jax.random.key(0), 400)
    )
    counts = np.stack([np.bincount(d, minlength=50) for d in np.asarray(draws)])
    due = 50 * w
    assert ((counts >= np.floor(due - 1e-4)) & (counts <= np.ceil(due + 1e-4))).all()
    np.testing.assert_allclose(counts.mean(0), due, atol=0.5 * 4 / np.sqrt(400))  # 4 errors


@pytest.mark.parametrize("size", [1, 2, 1000, 100_001])
def test_a_weight_of_zero_is_never_drawn(size):
    log_w = (
        jnp.where(jnp.arange(size) % 2 == 0, 0.0, -jnp.inf).at[-1].set(-jnp.inf if size > 1 else 0)
    )
    for seed in range(5):
        drawn = smc.systematic(jax.random.key(seed), log_w)
        assert drawn.shape == (size,)
        assert np.isfinite(np.asarray(log_w)[np.asarray(drawn)]).all()


def test_resampling_keeps_the_law_the_constant_and_the_order_of_ancestors():
    x = jnp.arange(4.0)
    p = smc.weigh(smc.begin(x), jnp.log(jnp.array([0.5, 0.25, 0.25, 1e-30])))
    q = smc.resample(jax.random.key(1), p, below=1.0)
    assert q.x.tolist() == [0, 0, 1, 2]
    assert q.ancestor.tolist() == [0, 0, 1, 2]
    assert float(smc.log_mean(q)) == pytest.approx(float(smc.log_mean(p)), abs=1e-6)
    same = smc.resample(jax.random.key(1), p, below=0.0)
    assert same.x.tolist() == x.tolist()


def test_a_filter_finds_the_likelihood_of_a_linear_gaussian_chain():
    """log p(y_1..y_T) of x' = 0.9 x + z, y = x + z/2, against Kalman's recursion."""
    rng, steps, count = np.random.default_rng(3), 20, 4000
    x, ys = 0.0, []
    for _ in range(steps):
        x = 0.9 * x + rng.standard_normal()
        ys.append(x + 0.5 * rng.standard_normal())
    m, v, exact = 0.0, 0.0, 0.0
    for y in ys:
        m, v = 0.9 * m, 0.81 * v + 1
        s = v + 0.25
        exact += -0.5 * (y - m) ** 2 / s - 0.5 * np.log(2 * np.pi * s)
        m, v = m + v / s * (y - m), v * 0.25 / s

    def step(p, given):
        y, key = given
        move, draw = jax.random.split(key)
        p = p._replace(x=0.9 * p.x + jax.random.normal(move, p.x.shape))
        p = smc.weigh(p, -2 * (y - p.x) ** 2 - 0.5 * jnp.log(2 * jnp.pi * 0.25))
        return smc.resample(draw, p), None

    keys = jax.random.split(jax.random.key(0), steps)
    end, _ = jax.lax.scan(step, smc.begin(jnp.zeros(count)), (jnp.array(ys), keys))
    assert float(smc.log_mean(end)) == pytest.approx(exact, abs=0.15)
    assert float(smc.mean(end, end.x)) == pytest.approx(m, abs=0.05)


def test_what_is_no_weight_is_named():
    for bad in (jnp.array([]), jnp.array([-jnp.inf]), jnp.array([jnp.nan, 0.0]), jnp.ones((2, 2))):
        with pytest.raises(ValueError, match="log_w"):
            smc.ess(bad)
    with pytest.raises(ValueError, match="increment"):
        smc.weigh(smc.begin(jnp.zeros(3)), jnp.zeros(2))
    with pytest.raises(ValueError, match="below"):
        smc.resample(jax.random.key(0), smc.begin(jnp.zeros(3)), below=2.0)


def test_weights_keep_their_type_whatever_is_added():
    with jax.enable_x64(True):
        p = smc.begin(jnp.arange(4.0, dtype=jnp.float32))
        p = smc.resample(jax.random.key(0), smc.weigh(p, jnp.array([0.0, -1e9, -1e9, -1e9])))
        assert p.log_w.dtype == jnp.float32
        assert smc.begin(jnp.arange(4)).log_w.dtype == jnp.float64
    np.testing.assert_array_equal(p.x, 0)
