"""Fixed and adaptive steps against closed forms and orders of convergence."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import ode


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(
    ("tableau", "order"), [(ode.EULER, 1), (ode.HEUN, 2), (ode.RK4, 4), (ode.DOPRI5, 5)]
)
def test_order_of_fixed_steps(tableau, order):
    """y' = (1 + t) y (1 - y), whose logit is t + t^2/2; the slope of the error is the order."""

    @partial(jax.jit, static_argnums=0)
    def error(n):
        times = jnp.linspace(0.0, 3.0, n + 1)
        y = ode.integrate(lambda y, t: (1 + t) * y * (1 - y), 0.02, times, tableau=tableau)
        return jnp.abs(y - jax.nn.sigmoid(jnp.log(0.02 / 0.98) + 7.5))

    assert np.log2(error(80) / error(160)) == pytest.approx(order, abs=0.2)


def swing(y, t):
    """A pendulum of small angle with a clock: y' = (v, -x), z' = t."""
    return {"x": y["v"], "v": -y["x"], "z": t + 0 * y["z"]}


def test_a_path_of_a_pytree_is_the_closed_form():
    times = jnp.linspace(0.5, 4.5, 401) ** 1.2  # uneven
    start = {"x": jnp.array([1.0, 0.0]), "v": jnp.array([0.0, 2.0]), "z": jnp.zeros(1)}
    found = jax.jit(lambda y: ode.path(swing, y, times))(start)
    since = times - times[0]
    np.testing.assert_allclose(
        found["x"], jnp.stack([jnp.cos(since), 2 * jnp.sin(since)], 1), atol=1e-8
    )
    np.testing.assert_allclose(found["z"][:, 0], (times**2 - times[0] ** 2) / 2, rtol=1e-12)
    last = jax.jit(lambda y: ode.integrate(swing, y, times, tableau=ode.RK4))(start)
    np.testing.assert_array_equal(found["x"][-1], last["x"])


@pytest.mark.parametrize("tableau", [ode.EULER, ode.HEUN, ode.RK4])
def test_advance_is_the_same_method_and_every_sample_may_have_its_own_clock(tableau):
    def field(y, t):
        return (1 + t) * y * (1 - y)

    y0, span = jnp.array([[0.02], [0.3]]), jnp.array([[3.0], [1.5]])
    found = jax.jit(lambda y: ode.advance(field, y, 0.5, span, steps=40, tableau=tableau))(y0)
    for row, start, length in zip(found, y0, span[:, 0], strict=True):
        times = 0.5 + jnp.linspace(0, length, 41)
        want = ode.integrate(field, start, times, tableau=tableau)
        np.testing.assert_allclose(row, want, rtol=1e-12)


def test_methods_that_look_further_back_are_refused():
    with pytest.raises(ValueError, match="last slope alone"):
        ode.advance(lambda y, t: -y, jnp.ones(1), 0.0, 1.0, steps=1, tableau=ode.DOPRI5)
