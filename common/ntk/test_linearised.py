"""Closed-form training against matrix exponentials, explicit descent and the linearised model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.ntk.empirical import ntk
from common.ntk.linearised import descent, flow, linearise


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def problem():
    keys = jax.random.split(jax.random.key(0), 3)
    root = jax.random.normal(keys[0], (9, 9))
    kernel = root @ root.T / 9
    return kernel[:6, :6], kernel[6:, :6], jax.random.normal(keys[1], (6, 2))


def test_flow_is_the_matrix_exponential():
    kernel, cross, residual = problem()
    times = jnp.array([0.0, 0.3, 2.0, jnp.inf])
    on, off = flow(kernel, residual, times), flow(kernel, residual, times, cross=cross)
    for i, t in enumerate(times[:3]):
        gone = (jnp.eye(6) - jax.scipy.linalg.expm(-t * kernel)) @ residual
        np.testing.assert_allclose(on[i], -gone, atol=1e-12)
        np.testing.assert_allclose(off[i], -cross @ jnp.linalg.solve(kernel, gone), atol=1e-11)
    np.testing.assert_allclose(off[3], -cross @ jnp.linalg.solve(kernel, residual), rtol=1e-8)


def test_descent_is_descent_and_becomes_flow():
    kernel, cross, residual = problem()
    inside, outside = residual, jnp.zeros((3, 2))
    for _ in range(20):
        outside = outside - 0.1 * cross @ inside
        inside = inside - 0.1 * kernel @ inside
    steps = jnp.array([20])
    got = descent(kernel, residual, steps, lr=0.1)[0]
    np.testing.assert_allclose(got, inside - residual, atol=1e-13)
    got = descent(kernel, residual, steps, lr=0.1, cross=cross)[0]
    np.testing.assert_allclose(got, outside, atol=1e-12)
    errors = [
        jnp.abs(descent(kernel, residual, jnp.array([n]), lr=2.0 / n)[0]
                - flow(kernel, residual, jnp.array([2.0]))[0]).max()
        for n in (100, 200)
    ]  # fmt: skip
    assert 1.9 < errors[0] / errors[1] < 2.1  # order 1 in the step


def test_a_singular_kernel_moves_nothing_in_its_null_space():
    kernel, residual = jnp.diag(jnp.array([1.0, 0.0])), jnp.array([1.0, 1.0])
    for change in (
        flow(kernel, residual, jnp.array([50.0]))[0],
        descent(kernel, residual, jnp.array([300]), lr=0.5)[0],
    ):
        np.testing.assert_allclose(change, [-1, 0], atol=1e-12)


def test_descent_on_the_linearised_model_is_descent_with_its_kernel():
    keys = jax.random.split(jax.random.key(3), 4)
    params = [jax.random.normal(k, s) for k, s in zip(keys, [(3, 5), (5, 1)], strict=False)]
    x, y = jax.random.normal(keys[2], (4, 3)), jax.random.normal(keys[3], (4, 1))
    model = lambda p, x: jnp.tanh(x @ p[0]) @ p[1]  # noqa: E731
    linear = linearise(model, params)
    np.testing.assert_allclose(linear(params, x), model(params, x))

    @jax.jit
    def step(moved):
        grad = jax.grad(lambda p: ((linear(p, x) - y) ** 2).sum() / 2)(moved)
        return jax.tree.map(lambda p, g: p - 0.02 * g, moved, grad)

    moved = params
    for _ in range(30):
        moved = step(moved)
    start = model(params, x)
    kernel = jax.jit(lambda p: ntk(model, p, x))(params)
    change = descent(kernel, start - y, jnp.array([30]), lr=0.02)[0]
    np.testing.assert_allclose(linear(moved, x), start + change, rtol=1e-10)


def test_descent_keeps_small_eigenvalues_in_float32():
    kernel = jnp.diag(jnp.array([1.0, 1e-4, 30.0], jnp.float32))
    steps = jnp.array([1, 3, 1000])
    got = descent(kernel, jnp.ones(3, jnp.float32), steps, lr=0.05, cross=jnp.eye(3))
    values = np.array([1.0, 1e-4, 30.0])
    want = -(1 - (1 - 0.05 * values) ** np.array(steps)[:, None]) / values
    np.testing.assert_allclose(got, want, rtol=1e-4)
