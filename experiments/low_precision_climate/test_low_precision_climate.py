"""Truths of the experiment: closed forms and limits."""  # TODO: three or more of your own

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import measure, quadratic


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_descent_is_the_closed_form():
    """Each direction shrinks by 1 - lr h a step."""
    h, start = quadratic.curvatures(4, 0.1), quadratic.start(jax.random.key(0), 4)
    how = {"curvature": h, "lr": 0.3, "momentum": 0.0}
    found = quadratic.descend(start, jnp.array([1, 2, 30]), **how)[1]
    x = start[0] * (1 - 0.3 * h) ** jnp.array([1, 3, 33])[:, None]
    np.testing.assert_allclose(found, 0.5 * (h * x**2).sum(axis=1), rtol=1e-12)


def test_one_direction_falls_at_the_law():
    start = quadratic.start(jax.random.key(1), 1)
    how = {"curvature": jnp.array([0.2]), "lr": 0.5, "momentum": 0.0}
    found = quadratic.descend(start, jnp.ones(20, int), **how)[1]
    arrays = {"loss": np.asarray(found)[None], "step": np.arange(1, 21)}
    np.testing.assert_allclose(measure.rate(arrays), measure.law(0.5, 0.2), rtol=1e-10)


def test_gradient_is_that_of_the_equation():
    x, h = jnp.array([1.0, -2.0, 3.0]), jnp.array([0.5, 1.0, 0.25])
    np.testing.assert_allclose(jax.grad(quadratic.loss)(x, h), h * x, rtol=1e-14)
