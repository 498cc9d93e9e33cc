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
    h, key = quadratic.curvatures(4, 0.1), jax.random.key(0)
    found = quadratic.descend(key, curvature=h, lr=0.3, momentum=0.0, steps=30)
    x = jax.random.normal(key, (4,)) * (1 - 0.3 * h) ** jnp.arange(30)[:, None]
    np.testing.assert_allclose(found, 0.5 * (h * x**2).sum(axis=1), rtol=1e-12)


def test_one_direction_falls_at_the_law():
    h = jnp.array([0.2])
    found = quadratic.descend(jax.random.key(1), curvature=h, lr=0.5, momentum=0.0, steps=20)
    arrays = {"loss": np.asarray(found)[None], "step": np.arange(20)}
    np.testing.assert_allclose(measure.rate(arrays), measure.law(0.5, 0.2), rtol=1e-10)


def test_gradient_is_that_of_the_equation():
    x, h = jnp.array([1.0, -2.0, 3.0]), jnp.array([0.5, 1.0, 0.25])
    np.testing.assert_allclose(jax.grad(quadratic.loss)(x, h), h * x, rtol=1e-14)
