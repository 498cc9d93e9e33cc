"""Tests of truth: order of convergence, known exponents, exact learning, closed forms."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import flows, linear, measure, metrics, networks, reservoir


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_runge_kutta_has_order_4():
    """On x'' = -x: halving the step divides the error by 16."""

    def turn(x):
        return jnp.stack([x[:, 1], -x[:, 0]], axis=1)

    x, dt = jnp.array([[1.0, 0.0]]), jnp.array([[2.0]])
    exact = np.array([np.cos(2.0), -np.sin(2.0)])
    solve = jax.jit(flows.flow, static_argnums=0)
    errors = [np.abs(solve(turn, x, dt, n)[0] - exact).max() for n in (20, 40, 80)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 16, rtol=0.1)


def test_exponents_of_a_linear_flow_are_its_rates():
    """x' = A x with A upper triangular: exponents are the diagonal, their sum the trace."""
    a = jnp.array([[0.3, 1.0, -2.0], [0.0, -0.5, 0.7], [0.0, 0.0, -2.0]])
    x, dt = jnp.full((1, 3), 1e-3), jnp.array([[0.1]])
    found, volume = jax.jit(lambda x: flows.exponents(lambda x: x @ a.T, x, dt, 4, 1000))(x)
    np.testing.assert_allclose(found[0], [0.3, -0.5, -2.0], atol=0.03)  # transient over T = 100
    np.testing.assert_allclose([found.sum(), volume[0]], -2.2, atol=1e-5)


def test_lorenz_contracts_by_its_trace():
    """The sum of its exponents is -(sigma + 1 + beta), wherever it goes; the middle one is 0."""
    field = flows.together(["lorenz"])
    start = jnp.array(flows.constants(["lorenz"], "start"))
    x = flows.flow(field, start, jnp.array([[20.0]]), 4000)
    found, _ = jax.jit(lambda x: flows.exponents(field, x, jnp.array([[0.05]]), 10, 2000))(x)
    np.testing.assert_allclose(found.sum(), -(10 + 1 + 2.667), rtol=1e-4)
    assert abs(found[0, 1]) < 0.05
    assert found[0, 0] == pytest.approx(measure.MIDDLE, rel=0.1)


def test_divergence_is_the_trace_of_the_jacobian():
    """Tangents and trace of the variational flow against central differences of the field."""
    names = ["aizawa", "chua", "halvorsen", "thomas"]
    field, x = flows.together(names), flows.constants(names, "start")
    eye = np.tile(np.eye(3).reshape(1, 9), (len(x), 1))
    rate = jax.jit(flows.variational(field))(np.concatenate([x, eye, x[:, :1]], axis=1))
    f, h = jax.jit(field), 1e-5
    dense = np.stack([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(3)], axis=-1)
    np.testing.assert_allclose(rate[:, 3:12].reshape(-1, 3, 3), dense, atol=1e-7)
    np.testing.assert_allclose(rate[:, 12], np.trace(dense, axis1=1, axis2=2), atol=1e-7)


def test_regression_learns_a_polynomial_map_exactly():
    """nVAR on the Henon map of one lag: errors of rounding alone."""
    h = [np.array([0.1, 0.1])]
    for _ in range(259):
        h.append(np.array([1 - 1.4 * h[-1][0] ** 2 + h[-1][1], 0.3 * h[-1][0]]))
    h, shape = np.array(h), {"lags": 1, "order": 2}

    @jax.jit
    def rolled(u):
        return linear.forecast(linear.fit(u, penalty=1e-13, **shape), u, 10, **shape)

    np.testing.assert_allclose(rolled(h[:250]), h[250:], atol=1e-6)


def test_autoregression_learns_a_recurrence_exactly():
    """AR on u'' = 1.6 u' - 0.98 u: two lags are enough for all times."""
    u = [np.array([1.0]), np.array([0.5])]
    for _ in range(198):
        u.append(1.6 * u[-1] - 0.98 * u[-2])
    u, shape = np.array(u), {"lags": 2, "order": 1}

    @jax.jit
    def rolled(u):
        return linear.forecast(linear.fit(u, penalty=1e-14, **shape), u, 50, **shape)

    np.testing.assert_allclose(rolled(u[:150]), u[150:], atol=1e-6)


def test_ridge_is_the_solution_of_the_penalised_problem():
    """Against least squares with rows sqrt(L penalty) I below."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 2))
    below = np.sqrt(40 * 0.3) * np.eye(6)
    stacked = np.linalg.lstsq(np.vstack([x, below]), np.vstack([y, np.zeros((6, 2))]))[0]
    np.testing.assert_allclose(jax.jit(linear.ridge)(x, y, 0.3), stacked, rtol=1e-10)


def test_a_reservoir_forgets_its_start():
    """Echo-state property: two states driven alike meet at radius 0.6, and do not at radius 3."""
    rng = np.random.default_rng(1)
    u, states = rng.normal(size=(100, 3)), rng.uniform(-1, 1, (2, 80))

    @jax.jit
    def apart(radius):
        net = reservoir.draw(jax.random.key(3), 80, 3, radius=radius, scale=0.1)
        for_both = jax.vmap(partial(reservoir.step, net, leak=1.0), in_axes=(0, None))
        last, _ = jax.lax.scan(lambda r, u: (for_both(r, u), None), states, u)
        return jnp.abs(last[0] - last[1]).max()

    assert apart(0.6) < 1e-9
    assert apart(3.0) > 1e-2


def test_scores_in_closed_form():
    """A forecast of 3 y has sMAPE 100, one of -y 200; a shift of a has NRMSE a."""
    y = np.linspace(1.0, 2.0, 12).reshape(1, 4, 3)
    np.testing.assert_allclose(metrics.smape(y, 3 * y), 100.0, rtol=1e-9)
    np.testing.assert_allclose(metrics.smape(y, -y), 200.0, rtol=1e-9)
    np.testing.assert_allclose(metrics.nrmse(y, y + 0.25), 0.25)
    np.testing.assert_allclose(metrics.mase(y, y + 0.25, np.full((1, 3), 0.5)), 0.5)
    ramp = np.array([[0.1, 0.2, 0.5, 0.1]])
    assert metrics.valid_steps(ramp, 0.4) == 2
    assert metrics.valid_steps(ramp, 0.6) == 4


@pytest.mark.parametrize(
    "net", [networks.nbeats(4, 2, 3, width=8, blocks=1), networks.gru(4, 2, 3, width=8)]
)
def test_a_network_without_weights_persists(net):
    """With all weights 0, the forecast is the last state for ever."""
    context = np.arange(54, dtype=np.float32).reshape(2, 9, 3) / 10
    shapes = jax.eval_shape(net.init, jax.eval_shape(lambda: jax.random.key(6)))
    params = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    rolled = jax.jit(partial(networks.forecast, net, horizon=5))(params, context)
    np.testing.assert_array_equal(rolled, np.repeat(context[:, -1:].clip(-10, 10), 5, axis=1))


def test_windows_stay_within_the_data():
    draw = jax.jit(networks.beginnings, static_argnums=(1, 2, 4))
    begins = draw(jax.random.key(7), (5000,), 100, 20, 8)
    assert (begins.min(), begins.max()) == (80, 92)


def test_growth_of_a_planted_error():
    time = measure.TIMES
    error = np.minimum(np.log(1e-3) + 1.1 * time, 0.3)
    assert measure.free_slope(time, error) == pytest.approx(1.1)
    assert measure.free_slope(time, np.full(len(time), 0.3)) == 0


def test_ranks_correlate_as_they_should():
    x = np.array([0.1, 0.4, 2.0, 3.0, 9.0])
    assert measure.spearman(x, np.exp(x)) == 1
    assert measure.spearman(x, -(x**3)) == -1
    assert measure.spearman(x, x[[1, 0, 2, 3, 4]]) == pytest.approx(0.9)
