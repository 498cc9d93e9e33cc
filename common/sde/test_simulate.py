"""Simulated Itô equations against the Ornstein-Uhlenbeck law; path weights against their mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import simulate


def back(x, t):
    return -x


def one(t):
    return jnp.ones_like(t)


@pytest.mark.parametrize(("heun", "order"), [(False, 1), (True, 2)])
def test_the_variance_of_an_ornstein_uhlenbeck_process_has_the_weak_order(heun, order):
    """With the noise as one of three equally likely columns the law of a linear chain is exact."""
    with jax.enable_x64(True):
        errors = []
        for steps in (20, 40):
            h = 1.0 / steps
            # variance of the chain: v' = a^2 v + q, with a and q read off from the step itself
            start = jnp.array([[0.0], [1.0]])
            times = jnp.array([0.0, h])
            quiet = simulate.simulate(
                jax.random.key(0), back, lambda t: 0.0 * t, start, times, heun=heun
            )
            a = float(quiet[1, 0] - quiet[0, 0])
            loud = simulate.simulate(
                jax.random.key(1), back, one, jnp.zeros((200_000, 1)), times, heun=heun
            )
            z = jax.random.normal(
                jax.random.split(jax.random.key(1), 1)[0], (200_000,), jnp.float64
            )
            q = float((loud[:, 0] @ z / (z @ z)) ** 2)
            v = 0.0
            for _ in range(steps):
                v = a**2 * v + q
            errors.append(abs(v - 0.5 * (1 - np.exp(-2))))
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("heun", [False, True])
def test_time_may_run_backward_and_noise_may_depend_on_it(heun):
    """dx = sqrt(2 t) dw from t = 2 to 1: variance 3 and no drift."""
    x = jnp.zeros((40_000, 1))
    times = jnp.linspace(2.0, 1.0, 201)
    end = simulate.simulate(
        jax.random.key(0), lambda x, t: 0 * x, lambda t: jnp.sqrt(2 * t), x, times, heun=heun
    )
    assert float(end.var()) == pytest.approx(3.0, rel=4 * (2 / 40_000) ** 0.5 + 0.01)


def test_all_states_are_kept_and_without_noise_they_are_the_flow():
    times = jnp.linspace(0.0, 1.0, 101)
    states = simulate.simulate(
        jax.random.key(0), back, lambda t: 0.0 * t, jnp.ones((1, 1)), times, heun=True, keep=True
    )
    np.testing.assert_allclose(states[:, 0, 0], np.exp(-times), atol=1e-4)


def test_path_weights_have_mean_one_and_turn_one_law_into_the_other():
    """From Brownian motion to an Ornstein-Uhlenbeck process: mean and variance at t = 1."""
    x = jnp.full((100_000, 1), 1.0)
    times = jnp.linspace(0.0, 1.0, 51)
    end, log_w = simulate.reweighted(jax.random.key(0), lambda x, t: 0 * x, back, one, x, times)
    w = np.exp(np.asarray(log_w, float))
    stderr = w.std() / len(w) ** 0.5
    assert w.mean() == pytest.approx(1.0, abs=4 * stderr)
    y = np.asarray(end[:, 0], float)
    mean = (w * y).mean()
    assert mean == pytest.approx(0.98**50, abs=4 * (w * y).std() / len(w) ** 0.5)
    exact = 0.02 * (1 - 0.98**100) / (1 - 0.98**2)  # variance of the chain of 50 Euler steps
    assert (w * (y - 0.98**50) ** 2).mean() == pytest.approx(exact, rel=0.05)


def test_a_drift_of_another_shape_is_named():
    with pytest.raises(ValueError, match="drift"):
        simulate.simulate(
            jax.random.key(0), lambda x, t: x[:1], one, jnp.ones((2, 1)), jnp.array([0.0, 1.0])
        )
