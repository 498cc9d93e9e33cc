"""SIREN against the laws of its initial distributions, and against sums written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.nn import siren

KEY = jax.random.key(0)
WIDE = (1, 300, 300, 300, 300, 1)


def distance(values, cdf):
    """Kolmogorov's distance of the values from a distribution, times the root of their number."""
    x = np.sort(np.ravel(values).astype(float))
    have = np.arange(len(x) + 1) / len(x)
    found = np.maximum(have[1:] - cdf(x), cdf(x) - have[:-1]).max()
    return found * len(x) ** 0.5


def uniform(bound):
    return lambda x: np.clip((x / bound + 1) / 2, 0, 1)


def test_weights_and_biases_have_the_published_laws():
    """U(+-1/D), U(+-sqrt(6/N)/omega) for all others, the linear layer's too; U(+-1/sqrt(N)).

    1.95 is exceeded with probability 0.001; rounding of uniforms to 2^-23 is far below.
    """
    sizes, omega = (2, 150, 200, 90), 25.0
    net = jax.jit(lambda key: siren.init(key, sizes, omega=omega))(KEY)
    assert [w.shape for w, _ in net] == [(2, 150), (150, 200), (200, 90)]
    bounds = [1 / 2, (6 / 150) ** 0.5 / 25, (6 / 200) ** 0.5 / 25]
    for (w, b), bound, inputs in zip(net, bounds, sizes[:-1], strict=True):
        assert distance(w, uniform(bound)) < 1.95
        assert distance(b, uniform(inputs**-0.5)) < 1.95
    parts = [np.ravel(a)[:90] for layer in net for a in layer]
    others = np.corrcoef(parts) - np.eye(len(parts))
    assert np.abs(others).max() < 4.2 / 90**0.5, "each draw is its own"


@pytest.fixture(scope="module")
def deep():
    """A wide network, its units on coordinates that turn h_1 many times."""
    net = jax.jit(lambda key: siren.init(key, WIDE))(KEY)
    x = jax.random.uniform(jax.random.key(1), (2000, 1), minval=-1, maxval=1)
    return net, jax.jit(lambda: siren.hidden(net, x, first=3000.0))()


def test_units_have_the_arcsine_law_at_every_depth(deep):
    """Sitzmann et al. 2020, theorem 1.8: h ~ arcsine(-1, 1), of variance 1/2."""
    arcsine = lambda x: 0.5 + np.arcsin(np.clip(x, -1, 1)) / np.pi  # noqa: E731
    for h in deep[1]:
        assert float((h**2).mean()) == pytest.approx(0.5, abs=0.03)
        worst = distance(h, arcsine) / h.size**0.5  # units of one network hang together
        assert worst < 0.03


def test_phases_are_standard_normal_at_every_depth(deep):
    """omega W h, without the bias: mean square 2 E h^2 = 1 and the fourth moment of a normal."""
    net, seen = deep
    for (w, _), h in zip(net[1:-1], seen[:-1], strict=True):
        phase = siren.OMEGA * np.asarray(h @ w)
        assert (phase**2).mean() == pytest.approx(1, rel=0.1)
        assert (phase**4).mean() / (phase**2).mean() ** 2 == pytest.approx(3, rel=0.1)


def test_a_network_is_its_sum_of_sines_and_omega_goes_into_the_layer():
    """f = sum_j v_j sin(omega_1 (x . w_j + b_j)) + c; omega_1 may stand in W, b."""
    net = siren.init(KEY, (2, 3, 1))
    (w, b), (v, c) = ((np.asarray(a, float) for a in layer) for layer in net)
    x = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    want = sum(v[j] * np.sin(7 * (x @ w[:, j] + b[j]))[:, None] for j in range(3)) + c
    found = siren.apply(net, jnp.asarray(x), first=7.0)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-6)
    inside = [(7 * w, 7 * b), net[1]]
    np.testing.assert_allclose(siren.apply(inside, x, first=1.0), want, rtol=1e-4, atol=1e-6)


def test_a_derivative_is_a_network_of_shifted_phases():
    """The derivative of a sine network is one with a quarter turn added: here, of one layer."""
    net = siren.init(KEY, (1, 20, 1))
    (w, b), (v, c) = net
    x = jnp.linspace(-1, 1, 9)
    slope = jax.vmap(jax.grad(lambda x: siren.apply(net, x[None, None], first=5.0)[0, 0]))(x)
    turned = [(w, b + np.pi / 2 / 5), (5 * w.T * v, 0 * c)]
    want = siren.apply(turned, x[:, None], first=5.0)[:, 0]
    np.testing.assert_allclose(slope, want, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "omega", "said"),
    [((1, 1), 30.0, "number of sizes"), ((1, 0, 1), 30.0, "size 1"), ((1, 4, 1), 0.0, "omega")],
)
def test_what_is_no_network_is_refused(sizes, omega, said):
    with pytest.raises(ValueError, match=said):
        siren.init(KEY, sizes, omega=omega)


def test_coordinates_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="x must have shape"):
        siren.apply(siren.init(KEY, (2, 4, 1)), jnp.zeros((3, 1)))
