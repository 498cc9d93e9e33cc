"""Truths of the toy."""

import jax.numpy as jnp

from .run import descend


def test_one_step_is_the_closed_form():
    x, error = descend(jnp.ones(3), 0.5, 1)
    assert float(error[0]) == 3.0
    assert (x == 0.5).all()
