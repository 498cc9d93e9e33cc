"""Orthogonal updates, AuON and orthograd against the SVD, closed forms and the published loops."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.linalg import polar

from common.optim import auon, orthogonal, orthograd


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


MANY = np.tile(orthogonal.CONVERGENT, (30, 1))  # a loop: thirty steps of one kind are unrolled


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def updates(tx, grads, params=None):
    """What tx makes of one gradient after another."""
    state, found = tx.init(grads[0]), []
    for g in grads:
        u, state = tx.update(g, state, params)
        found.append(u)
    return found


@pytest.mark.parametrize("shape", [(24, 24), (16, 40), (40, 16)])
def test_convergent_coefficients_give_the_polar_factor(shape):
    g = gaussian(*shape)
    found = orthogonal.newton_schulz(g, 30, MANY)
    np.testing.assert_allclose(found, polar(g)[0], atol=1e-12)


def test_the_coefficients_of_muon_move_singular_values_alone():
    """By the polynomial a s + b s^3 + c s^5 five times, into the band of the constant's comment."""
    g = gaussian(48, 64)
    u, s, v = np.linalg.svd(g, full_matrices=False)
    want = s / np.linalg.norm(s)
    for _ in range(5):
        want = 3.4445 * want - 4.7750 * want**3 + 2.0315 * want**5
    found = orthogonal.newton_schulz(g)
    np.testing.assert_allclose(found, (u * want) @ v, atol=1e-12)
    np.testing.assert_allclose(orthogonal.newton_schulz(g.T), found.T, atol=1e-13)
    s = np.logspace(-2, -1e-4, 2000)
    pairs = np.stack([s, np.sqrt(1 - s**2)], 1)[:, :, None] * np.eye(2)
    found = np.linalg.svd(orthogonal.newton_schulz(pairs), compute_uv=False)
    assert 0.68 < found.min() < found.max() < 1.14


def test_coefficients_of_every_step():
    """Five of one kind are one kind five times; the last differs where its coefficients do."""
    g, abc = gaussian(6, 9), np.array([orthogonal.MUON] * 5)
    np.testing.assert_allclose(
        orthogonal.newton_schulz(g, 5, abc), orthogonal.newton_schulz(g), atol=1e-13
    )
    abc[-1] = [2.0, 0.0, 0.0]
    np.testing.assert_allclose(
        orthogonal.newton_schulz(g, 5, abc), 2 * orthogonal.newton_schulz(g, 4), atol=1e-13
    )


def test_muon_is_a_chain():
    """Jordan's loop by hand, with the polar factor in place of the five steps."""
    grads = [gaussian(8, 12, seed=i) for i in range(4)]
    tx = optax.chain(
        optax.trace(0.95, nesterov=True),
        orthogonal.orthogonalise(30, MANY),
        orthogonal.scale_by_aspect(),
    )
    m = np.zeros((8, 12))
    for g, found in zip(grads, updates(tx, grads), strict=True):
        m = 0.95 * m + 0.05 * g
        want = polar(0.95 * m + 0.05 * g)[0] * np.sqrt(12 / 8)
        np.testing.assert_allclose(found, want, atol=1e-10)


@pytest.mark.parametrize("gamma", [0.5, 1.5, 5.0])
def test_excess_of_cosh_has_its_law_and_its_bound(gamma):
    """Gaussian: gamma^2 / 2N; all of a size: cosh(gamma / sqrt N) - 1; one-hot: the largest."""
    n, one_hot = 64 * 64, np.zeros(4096)
    one_hot[7] = -3.0
    law = gamma**2 / (2 * n)
    assert float(auon.cosh_excess(gaussian(64, 64), gamma)) == pytest.approx(law, rel=30 / n)
    equal = np.cosh(gamma / 64) - 1
    assert float(auon.cosh_excess(np.ones((64, 64)), gamma)) == pytest.approx(equal, rel=1e-9)
    bound = np.sqrt(1 + np.sinh(gamma) ** 2 / n) - 1
    assert float(auon.cosh_excess(one_hot, gamma)) == pytest.approx(bound, rel=1e-10)
    heavy = gaussian(64, 64) ** 5
    assert law < auon.cosh_excess(heavy, gamma) < bound


def test_auon_is_the_loop_of_its_code_and_the_formula_of_its_paper():
    grads = [gaussian(6, 10, seed=i) for i in range(4)]
    code = optax.chain(optax.trace(0.95, nesterov=True), optax.scale(0.05), auon.scale_by_auon())
    paper = optax.chain(optax.trace(0.95, nesterov=True), auon.scale_by_auon(1.0, normalised=True))
    m = np.zeros((6, 10))
    for g, a, b in zip(grads, updates(code, grads), updates(paper, grads), strict=True):
        m = 0.95 * m + 0.05 * g
        look = 0.05 * g + 0.95 * m
        unit = look / np.linalg.norm(look)
        np.testing.assert_allclose(a, look / np.sqrt(np.mean(np.cosh(1.5 * unit) ** 2)))
        np.testing.assert_allclose(b, unit / np.sqrt(np.mean(np.cosh(unit) ** 2)))
        ratio = [x[0] / x for x in (np.linalg.svd(y, compute_uv=False) for y in (look, a, b))]
        np.testing.assert_allclose(ratio, [ratio[0]] * 3, rtol=1e-12)
        assert np.linalg.norm(b, 2) < 1


def test_orthograd_is_perpendicular_and_as_long():
    params = {"w": gaussian(30, 20), "b": gaussian(20, seed=1), "zero": np.zeros(5), "one": 2.0}
    params = jax.tree.map(jnp.asarray, params)
    grads = jax.tree.map(lambda w: gaussian(*w.shape, seed=2) + 100 * w, params)
    grads["one"] = jnp.asarray(3.0)
    (found,) = updates(orthograd.orthograd(), [grads], params)
    norms = jax.tree.map(lambda a: float(jnp.linalg.norm(a.ravel())), (found, grads, params))
    for name in ("w", "b"):
        assert norms[0][name] == pytest.approx(norms[1][name], rel=1e-14)
        inner = jnp.vdot(found[name], params[name])
        assert abs(inner) < 1e-15 * norms[0][name] * norms[2][name] * 10
    np.testing.assert_allclose(found["zero"], grads["zero"], rtol=1e-15)
    assert float(found["one"]) == 0


def test_orthograd_leaves_a_loss_without_a_scale_alone():
    """Euler: w . grad f = 0 where f(c w) = f(w)."""
    a, w = jnp.asarray(gaussian(40, 40)), jnp.asarray(gaussian(40, seed=1))
    grad = jax.grad(lambda w: w @ a @ w / (w @ w))(w)
    np.testing.assert_allclose(orthograd.perpendicular(grad, w), grad, rtol=1e-9, atol=1e-13)
    pulled = grad + 3 * w
    want = grad * (jnp.linalg.norm(pulled) / jnp.linalg.norm(grad))
    np.testing.assert_allclose(orthograd.perpendicular(pulled, w), want, rtol=1e-9, atol=1e-12)


def test_16_bits_stay_16_bits():
    u = jnp.ones((4, 6), jnp.bfloat16)
    for tx in (orthogonal.orthogonalise(1), auon.scale_by_auon(), orthograd.orthograd()):
        assert updates(tx, [u], 2 * u)[0].dtype == jnp.bfloat16


REFUSED = [
    (lambda: orthogonal.newton_schulz(np.ones(3)), "g must have two axes or more"),
    (lambda: orthogonal.newton_schulz(np.ones((3, 3)), 0), "steps must be an integer of 1"),
    (lambda: orthogonal.newton_schulz(np.ones((3, 3)), 2, [1.0, 2.0]), "coefficients must have"),
    (lambda: orthogonal.newton_schulz(np.ones((3, 3)), 2, np.ones((3, 3))), "coefficients must"),
    (lambda: updates(orthogonal.orthogonalise(), [{"b": jnp.ones(3)}]), "update b must have two"),
    (lambda: updates(orthogonal.scale_by_aspect(), [{"b": jnp.ones(3)}]), "update b must have two"),
    (lambda: auon.scale_by_auon(0.0), "gamma must be a positive number, not 0.0"),
    (lambda: auon.cosh_excess(np.ones(3), np.nan), "gamma must be a positive number, not nan"),
    (lambda: updates(orthograd.orthograd(), [jnp.ones(3)]), "params must be given to update"),
]


@pytest.mark.parametrize("wrong", REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_wrong_is_said_in_one_line(wrong):
    call, said = wrong
    with pytest.raises(ValueError, match=f"^{said}") as error:
        call()
    assert "\n" not in str(error.value)
