"""Networks and their wrappers against closed forms, limits and symmetries."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from common.nn import film, layers, potential, precondition, training, unet
from common.nn.net import Net, noise_score
from common.sde import gaussian, path, processes

KEY = jax.random.key(0)
VP = processes.vp()


def test_weights_of_one_draw_have_their_variance_and_are_independent():
    wanted = {
        "a": ((300, 100), 0.5),
        "b": ((30_000,), 2.0),
        "none": ((0, 4), 1.0),
        "zero": ((5,), 0.0),
    }
    found = jax.jit(lambda key: layers.normals(key, wanted))(KEY)
    assert {name: x.shape for name, x in found.items()} == {n: s for n, (s, _) in wanted.items()}
    for name in ("a", "b"):
        std = wanted[name][1]
        mean, spread = float(found[name].mean()), float(found[name].std())
        assert mean == pytest.approx(0, abs=4 * std / 30_000**0.5)
        assert spread == pytest.approx(std, rel=4 / 60_000**0.5)
    correlation = np.corrcoef(np.ravel(found["a"]), found["b"])[0, 1]
    assert abs(correlation) < 4 / 30_000**0.5
    assert not found["zero"].any()
    fewer = layers.normals(KEY, {"a": wanted["a"]})
    np.testing.assert_array_equal(fewer["a"], found["a"])


def test_a_perceptron_keeps_the_size_of_its_input():
    """He et al. 2015, with E silu(z)^2 = 0.3556: by it the mean square of a wide layer falls."""
    net = layers.init(KEY, [400, 4000, 4000])
    x = jax.random.normal(jax.random.key(1), (50, 400))
    assert float((layers.apply(net[:1], x) ** 2).mean()) == pytest.approx(2, rel=0.05)
    z = np.sqrt(2) * np.polynomial.hermite_e.hermegauss(60)[0]
    w = np.polynomial.hermite_e.hermegauss(60)[1] / np.sqrt(2 * np.pi)
    want = 2 * np.sum(w * (z / (1 + np.exp(-z))) ** 2)
    assert float((layers.apply(net, x) ** 2).mean()) == pytest.approx(want, rel=0.05)


def test_a_shift_is_that_of_further_inputs():
    """x W + t v + b: a time as input, or as the shift t v of the layer without it."""
    net = layers.init(KEY, [4, 8, 8, 2])
    (w, b), *rest = net
    x, t = jax.random.normal(jax.random.key(1), (5, 3)), jnp.linspace(0, 1, 5)
    shifted = layers.apply([(w[:3], b), *rest], x, t[:, None] * w[3])
    np.testing.assert_allclose(layers.timed(net, x, t), shifted, rtol=1e-4, atol=1e-6)
    one = layers.timed(net, x[:1], t[2])
    np.testing.assert_allclose(layers.timed(net, x, t[2])[:1], one, rtol=1e-5)


def test_sinusoids_add_as_angles_do():
    """sin(a + b), cos(a + b) by those of a and b."""
    rates, a, b = jnp.array([1.0, 2.5, 7]), jnp.linspace(-1, 1, 5), 0.3
    (sa, ca), (sb, cb) = (jnp.split(layers.sinusoids(jnp.asarray(v), rates), 2, -1) for v in (a, b))
    want = jnp.concatenate([sa * cb + ca * sb, ca * cb - sa * sb], -1)
    np.testing.assert_allclose(layers.sinusoids(a + b, rates), want, atol=1e-6)


def test_a_gradient_has_a_symmetric_jacobian_where_the_network_has_none():
    net = layers.init(KEY, [4, 16, 3])
    plain, t = partial(layers.timed, net), jnp.float32(0.3)
    field = potential.conservative(plain)
    jacobian = lambda f: jax.jacfwd(lambda x: f(x[None], t)[0])(jnp.array([0.3, -1, 0.5]))  # noqa: E731
    found, bare = jax.jit(lambda: (jacobian(field), jacobian(plain)))()
    np.testing.assert_allclose(found, found.T, atol=1e-5)
    assert float(jnp.abs(bare - bare.T).max()) > 0.1


def test_the_gradient_of_a_linear_network_is_its_symmetric_part():
    """<x, A x + b> / 2: (A + A^T) x / 2 + b / 2; samples do not meet."""
    a, b = jax.random.normal(KEY, (3, 3)), jnp.arange(3.0)
    x = jax.random.normal(jax.random.key(1), (4, 3))
    found = potential.conservative(lambda x, t: t * (x @ a.T) + b)(x, 2.0)
    np.testing.assert_allclose(found, x @ (a + a.T) + b / 2, rtol=1e-5, atol=1e-6)
    energy = lambda x, t: -0.5 * jnp.sum(x**2, axis=(1, 2)) / t  # noqa: E731
    np.testing.assert_allclose(
        potential.gradient(energy)(x[..., None], 4.0), -x[..., None] / 4, rtol=1e-6
    )


@pytest.mark.parametrize("sde", [VP, processes.ve(), gaussian.edm()], ids=["vp", "ve", "edm"])
def test_preconditioning_is_exact_for_gaussian_pixels(sde):
    """F = 0: E[x_0 | x_t] of N(0, s^2); what F then has to fit and what it sees have variance 1."""
    std, t = 0.5, jnp.array([0.01, 0.3, 0.9])
    x0, z = (
        std * jax.random.normal(KEY, (3, 40_000)),
        jax.random.normal(jax.random.key(1), (3, 40_000)),
    )
    alpha, sigma = (c[:, None] for c in sde.marginal(t))
    x = alpha * x0 + sigma * z
    seen = []
    zero = lambda x, level: seen.append((x, level)) or jnp.zeros_like(x)  # noqa: E731
    d = precondition.denoiser(sde, zero, std)(x, t)
    np.testing.assert_allclose(d, alpha * std**2 * x / (alpha**2 * std**2 + sigma**2), rtol=1e-4)
    assert float(seen[0][0].var()) == pytest.approx(1, rel=0.02)
    np.testing.assert_allclose(seen[0][1], np.log(sigma / alpha)[:, 0] / 4, rtol=1e-4, atol=1e-6)
    out = precondition.scales(path.at(sde, t), std**2, x).out
    np.testing.assert_allclose((((x0 - d) / out) ** 2).mean(axis=1), 1, rtol=0.03)


def test_preconditioning_is_that_of_karras_et_al():
    """Table 1 of 2206.00364, sigma_data = 0.5, at sigma = 2."""
    sde, t = gaussian.edm(), jnp.float32(2.0)
    skip, out, into = precondition.scales(path.at(sde, t), 0.25, jnp.zeros((1, 1)))
    np.testing.assert_allclose(np.ravel(skip), 0.25 / 4.25, rtol=1e-6)
    np.testing.assert_allclose(np.ravel(out), 2 * 0.5 / 4.25**0.5, rtol=1e-6)
    np.testing.assert_allclose(np.ravel(into), 1 / 4.25**0.5, rtol=1e-6)


def test_the_score_of_the_exact_noise_is_the_exact_score():
    """E[z | x_t] = std x / (scale^2 + std^2) of standard data: s = -x / (scale^2 + std^2) = -x."""
    net = Net(
        lambda key: 3.0, lambda params, t: VP.marginal(t)[1], lambda p, x, std: std[..., None] * x
    )
    score, embed = noise_score(net, VP, net.init(KEY))
    x, t = jnp.array([[1.0, -2], [0.5, 3]]), jnp.array([0.1, 0.7])
    np.testing.assert_allclose(score(x, embed(t)), -x, rtol=1e-5)


def test_the_average_is_the_weighted_sum_of_all_weights():
    """With keep_i = min(decay, (1 + i) / (10 + i)): sum_i (1 - keep_i) prod_(j > i) keep_j p_i."""
    p = np.random.default_rng(0).standard_normal(200)
    keep = np.minimum(0.9, (1.0 + np.arange(199)) / (10.0 + np.arange(199)))
    after = np.append(np.cumprod(keep[::-1])[::-1], 1.0)
    want = after[0] * p[0] + np.sum((1 - keep) * after[1:] * p[1:])
    average = {"w": jnp.float32(p[0])}
    once = jax.jit(training.averaged)
    for i in range(199):
        average = once(average, {"w": jnp.float32(p[i + 1])}, i, 0.9)
    assert float(average["w"]) == pytest.approx(want, rel=1e-4, abs=1e-6)


def descent(state, i):
    """Gradient descent on (p - 3)^2 / 2, and the loss before it."""
    return training.updated(state, state.params - 3, optax.sgd(0.5)), (state.params - 3) ** 2 / 2


def test_steps_are_those_of_the_closed_form_in_one_go_and_in_two():
    """p_n - 3 = (p_0 - 3) / 2^n; the mean of the losses is a geometric sum."""
    state = training.begin(KEY, lambda key: jnp.float32(11.0), optax.sgd(0.5), averaged=True)
    assert float(state.average) == 11
    end, loss = training.steps(descent, state, 0, 6)
    assert float(end.params) == 3 + 8 / 2**6
    assert float(loss[0]) == pytest.approx(32 * (1 - 4.0**-6) / (1 - 1 / 4) / 6)
    half, _ = training.steps(descent, state, 0, 3)
    assert training.steps(descent, half, 3, 3)[0].params == end.params
    with pytest.raises(ValueError, match="count"):
        training.steps(descent, state, 0, 0)


def test_the_numbers_of_a_step_hang_on_its_number_alone():
    state = training.begin(KEY, lambda key: jax.random.normal(key), optax.sgd(0.5))
    draw = jax.vmap(lambda i: jax.random.normal(training.key_of(state, i)))
    many = draw(jnp.arange(4000))
    np.testing.assert_array_equal(draw(jnp.arange(7, 9)), many[7:9])
    assert abs(float(many.mean())) < 4 / 4000**0.5
    assert float(jnp.corrcoef(many[1:], many[:-1])[0, 1]) == pytest.approx(0, abs=0.06)
    assert not (many == state.params).any(), "the weights have a key of their own"
    assert state.average is None


def test_film_holds_the_score_of_independent_gaussians():
    """With hidden layers off, the diagonal skip is gain(t) x + bias(t), and time enters only there.

    One time's film biases are solved for; the network then is the exact linear score."""
    params = jax.jit(lambda key: film.init(key, 6, 8, 4))(jax.random.key(0))
    params = params | {"film": 0 * params["film"], "out": 0 * params["out"]}
    gain, bias = jnp.linspace(0.1, 2, 6), jnp.linspace(-1, 1, 6)
    params["film_bias"] = params["film_bias"].at[-12:].set(jnp.concatenate([gain, bias]))
    x = jax.random.normal(jax.random.key(1), (5, 2, 3, 1))
    z = film.apply(params, x, film.embed(params, jnp.full(5, 0.3)))
    np.testing.assert_allclose(z.reshape(5, 6), gain * x.reshape(5, 6) + bias, rtol=1e-5)


def test_times_for_each_image_are_times_one_by_one():
    """Both networks: images and their times do not see the rest of the batch."""
    x, t = jax.random.normal(jax.random.key(1), (3, 5, 5, 1)), jnp.array([1e-4, 0.2, 0.9])
    shape = {"width": 8, "mults": (1, 2), "blocks": 1, "attention": (3,)}
    start = jax.jit(lambda key: unet.init(key, (5, 5, 1), 4, **shape))
    small = start(jax.random.key(0))
    small = {k: np.asarray(v) + 0.1 for k, v in small.items()}  # the last layers start near 0
    mlp = jax.jit(lambda key: film.init(key, 25, 8, 4))(jax.random.key(0))
    nets = (
        (partial(film.apply, mlp), partial(film.embed, mlp)),
        (partial(unet.apply, small, **shape), partial(unet.embed, small, features=4)),
    )
    for apply, embed in nets:
        net = jax.jit(lambda x, t, a=apply, e=embed: a(x, e(t)))
        alone = [net(jnp.stack([x[i]] * 3), jnp.stack([t[i]] * 3))[0] for i in range(3)]
        np.testing.assert_allclose(net(x, t), jnp.stack(alone), rtol=1e-5, atol=1e-6)


def test_unet_parts_against_their_definitions():
    """Up then down is the identity; groups have mean 0 and variance 1; attention, without
    positions, commutes with permuting pixels."""
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 16))
    np.testing.assert_allclose(unet.down(unet.up_to(8, 12)(x)), x, rtol=1e-6)
    rng = np.random.default_rng(0)
    values: dict = {}

    def get(name, size, gain):
        return values.setdefault(name, jnp.asarray(rng.normal(size=size) * 0.3, jnp.float32))

    flat = unet._norm(lambda name, size, gain: jnp.zeros(size), "n", x)
    groups = np.asarray(flat).reshape(2, 24, 4, 4)
    np.testing.assert_allclose(groups.mean(axis=(1, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(groups.var(axis=(1, 3)), 1, rtol=1e-3)
    order = rng.permutation(24)
    mixed = x.reshape(2, 24, 16)[:, order].reshape(x.shape)
    out = unet._attend(get, "a", x).reshape(2, 24, 16)[:, order]
    np.testing.assert_allclose(unet._attend(get, "a", mixed).reshape(2, 24, 16), out, atol=2e-5)
