"""Truths of the experiment: identities of the costs, the floor, quadrature, flows of a point."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.ot import sliced

from . import clouds, cost, flow, study


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def pair(n=32):
    return clouds.pairs(np.random.default_rng(0).uniform(size=(2, 2, n, 3)))[0]


def directions(m, d=3):
    return sliced.directions(jax.random.key(0), m, d, float)


def test_clouds_lie_on_their_surfaces_with_exact_means():
    u = np.random.default_rng(1).uniform(size=(64, 3))
    np.testing.assert_allclose(np.linalg.norm(clouds.sphere(u), axis=1), 1)
    x, y, z = clouds.torus(u).T
    np.testing.assert_allclose((np.hypot(x, y) - 1) ** 2 + z**2, 0.16)
    np.testing.assert_allclose(np.abs(clouds.cube(u)).max(axis=1), 1)
    assert (clouds.pairs(np.stack([[u, u[::-1]]] * 2)).sum(axis=2) == 0).all()


def test_a_shift_adds_the_lower_control_to_every_cost():
    (x, y), shift, theta = pair(), jnp.array([0.3, -1.0, 2.0]), directions(50)
    low, mean = sliced.lower(x, y + shift, theta)
    apart = sliced.costs(x, y, theta) + low
    np.testing.assert_allclose(apart, sliced.costs(x, y + shift, theta), rtol=1e-10)
    np.testing.assert_allclose(mean, shift @ shift / 3, rtol=1e-12)


def test_nodes_integrate_even_polynomials_of_the_sphere():
    """Means of t^2, t^4 are 1/3, 1/5: the relative variance of t^2 is 2 (d - 1) / (d + 2)."""
    t = clouds.nodes(4000) @ np.array([2.0, -1, 2]) / 3
    assert (t**2).mean() == pytest.approx(1 / 3, abs=1e-4)
    assert (t**2).var() / (t**2).mean() ** 2 == pytest.approx(0.8, abs=1e-3)


def test_a_basis_gives_the_means_of_the_controls():
    x, y = pair()
    for basis in (np.eye(3), np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]):
        for control in (sliced.lower, sliced.upper):
            values, mean = control(x, y + np.array([1.0, 2, 0]), basis)
            assert values.mean() == pytest.approx(float(mean), rel=1e-12)


def test_the_error_where_the_control_explains_all():
    """Z = B + const + e^3 / V with e = mean C - B; nothing is left about the sample's mean."""
    low, mean = sliced.lower(np.zeros((1, 3)), np.array([[1.0, 2, 3]]), directions(600))
    off = low - mean
    found = study.controlled(low + 5, off[None], 20)
    floor = study.groups(off, 20) ** 3 / study.groups(off**2, 20)
    np.testing.assert_allclose(found["mean"][0], mean + 5 + floor, rtol=1e-12)
    np.testing.assert_allclose(found["sample"][0], mean + 5, rtol=1e-12)


@pytest.mark.parametrize("centre", ["mean", "sample"])
def test_estimates_of_groups_are_those_of_the_library(centre):
    values, control, mean = jnp.sin(jnp.arange(40.0)), jnp.cos(jnp.arange(40.0)) ** 2, 0.4
    found = study.controlled(values, (control - mean)[None], 20)[centre]
    of = jax.jit(lambda v, c: sliced.control_variate(v, c, mean, centre=centre).value)
    assert found[0, 1] == pytest.approx(float(of(values[20:], control[20:])), rel=1e-10)


def test_the_study_of_a_cloud_and_its_copy():
    """All cost is the shift's: centring has no variance, the reference is |D|^2 / 3."""
    x, shifts = pair()[0], np.array([[0.0, 0, 0], [1, 2, 2]])
    how = {"pool": 400, "sizes": (20,), "centre": "mean", "paired": True, "known": "mean"}
    members = [a[None] for a in (np.stack([x, x]), shifts)]
    study_of = jax.jit(lambda key: study.study(key, *members, clouds.nodes(50), np.eye(3)[None],
                                               **how))  # fmt: skip
    found = {name: array[0] for name, array in study_of(jax.random.key(0)).items()}
    np.testing.assert_allclose(found["reference"], [0, 3], atol=1e-12)
    np.testing.assert_allclose(found["mean"][study.CENTRING, :, 0], [0, 3], atol=1e-12)
    np.testing.assert_allclose(found["variance"][study.CENTRING], 0, atol=1e-24)
    assert found["variance"][study.PLAIN, 1, 0] > 0.01


@pytest.mark.parametrize("seed", [0, 1])
def test_a_point_goes_straight_by_centring_and_by_the_second_moments_by_plain(seed):
    """x -> x + lr D / sqrt(3) / |D|; x + lr A D / sqrt(D.A D), A the mean of theta theta^T."""
    x, y, theta = np.zeros((4, 1, 3)), np.array([[2.0, -1, 2]]), directions(10 + seed)
    state = flow.Flows(x, np.ones(4))
    after = jax.jit(lambda: flow.step(y, theta, 0.1, state, centre="mean", root=True))().x
    np.testing.assert_allclose(after[3], 0.1 * y / 3 / np.sqrt(3), rtol=1e-10)
    A = np.asarray(theta.T @ theta) / len(theta)
    np.testing.assert_allclose(after[0], 0.1 * y @ A / np.sqrt(y @ A @ y.T), rtol=1e-10)


@pytest.mark.parametrize("estimate", flow.ESTIMATES)
def test_gradients_go_through_the_coefficient_too(estimate):
    x, y = (jnp.asarray(c) for c in pair(8))
    y, how = y + 1.0, {"estimate": estimate, "centre": "mean", "root": True}
    value = jax.jit(lambda t: flow.loss(x + t * y, y, directions(6), **how)[0])
    slope = (value(1e-5) - value(-1e-5)) / 2e-5
    assert jax.grad(value)(0.0) == pytest.approx(float(slope), rel=1e-6)


def test_operations_of_known_functions():
    a = jax.ShapeDtypeStruct((4, 8), float)
    assert cost.operations(lambda x: x @ x.T, a) == 2 * 4 * 8 * 4
    assert cost.operations(lambda x: jax.numpy.sort(x, axis=1), a) == 32 * 3
    assert cost.operations(lambda x: (x + x).sum(), a) == 64
