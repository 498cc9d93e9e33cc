"""Truths of the experiment: resolvent identities, closed forms, bounds, sequences step by step."""

import jax
import numpy as np
import pytest

from common.ssm import discrete, hippo, transfer

from . import measure, models, tones


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def normals(n, seed=0):
    return np.asarray(jax.random.normal(jax.random.key(seed), (n, n)))


def test_diagonal_models_are_resolvents_of_their_matrices():
    h, omega = hippo.legs(12), np.array([0.0, 1.0, 40.0])
    e = transfer.of_norm(normals(12), 0.1)
    half = np.outer(h.b, h.b) / 2
    cases = (
        (models.normal(h), h.a + half, h.b / 2),
        (models.normal(h, 1.0), h.a + half, h.b),
        (models.perturbed(h, normals(12), 0.1), h.a + e, h.b),
    )
    for model, a, b in cases:
        dense = [np.linalg.solve(1j * w * np.eye(12) - a, b) for w in omega]
        np.testing.assert_allclose(transfer.modal(model, omega), dense, atol=1e-10)


def test_legs_has_the_properties_that_the_bound_is_derived_from():
    """A + A^T = -I - B B^T, |(iw - A)^-1| <= 2, |(iw - A)^-1 B| <= 1 with equality at w = 0."""
    h, omega = hippo.legs(24), np.array([0.0, 0.3, 5.0, 183.0, 400.0])
    np.testing.assert_allclose(h.a + h.a.T, -np.eye(24) - np.outer(h.b, h.b), atol=1e-12)
    size = np.linalg.norm(transfer.states(h.a, h.b, omega), axis=1)
    assert size[0] == pytest.approx(1, abs=1e-10)
    assert (size <= 1 + 1e-10).all()
    assert (transfer.smallest_singular(h.a, 1j * omega) >= 0.5 - 1e-10).all()


def test_the_difference_of_ptd_is_the_resolvent_identity():
    """x_PTD - x = (iw - A - E)^-1 E (iw - A)^-1 B: two factors and the size of E."""
    h, omega, n = hippo.legs(16), np.array([0.0, 2.0, 81.0]), 16
    e = transfer.of_norm(normals(n), 0.2)
    off = models.difference(h, models.perturbed(h, normals(n), 0.2), omega)
    x = transfer.states(h.a, h.b, omega)
    product = [
        np.linalg.solve(1j * w * np.eye(n) - h.a - e, e @ xw)
        for w, xw in zip(omega, x, strict=True)
    ]
    np.testing.assert_allclose(off, product, atol=1e-11)
    assert (np.linalg.norm(off, axis=1) <= measure.error_bound(0.2)).all()


def test_the_largest_error_misses_no_resonance():
    """Against 200,000 evenly spaced frequencies, for both models."""
    h = hippo.legs(8)
    omega = np.linspace(0, 100, 200_001)
    for model in (models.normal(h), models.perturbed(h, normals(8), 0.1)):
        dense = np.linalg.norm(models.difference(h, model, omega), axis=1).max()
        assert models.largest(h, model, 400).norm == pytest.approx(dense, rel=2e-3)


def test_a_triangle_keeps_its_eigenvectors_ill_conditioned():
    """The control: E of the same norm that moves no eigenvalue far; kappa = N of the normal."""
    h, e = hippo.legs(16), normals(16)
    triangle = models.perturbed(h, e, 0.1, "triangular")
    assert triangle.condition > 1e4 * models.perturbed(h, e, 0.1).condition
    np.testing.assert_allclose(np.sort(triangle.values.real), -np.arange(16.0, 0, -1), atol=0.1)
    assert models.condition(16, "normal") == pytest.approx(np.log10(16), abs=1e-10)


def test_kernels_are_those_of_the_recurrence():
    """x_k = A x_(k-1) + B u_k, dense, for the normal part and for PTD."""
    h, step, length, n = hippo.legs(8), 0.02, 64, 8
    c = np.asarray(normals(n, 1)[0])
    pair = models.normal(h), models.perturbed(h, normals(n), 0.1)
    stacked = tuple(np.stack([getattr(m, name) for m in pair]) for name in pair[0]._fields)
    found = np.asarray(jax.jit(tones.kernel, static_argnums=(2, 3))(stacked, c, step, length))
    half, e = np.outer(h.b, h.b) / 2, transfer.of_norm(normals(n), 0.1)
    for row, a, b in zip(found, (h.a + half, h.a + e), (h.b / 2, h.b), strict=True):
        ahead, x = discrete.bilinear(a, b, step)
        for value in row:
            assert value == pytest.approx(c @ x, abs=1e-10)
            x = ahead @ x


def test_a_tone_is_answered_by_the_transfer_function():
    """After a long time |2z / (z + 1)| |C x(iw)| / sqrt 2, also at the spike: s of the bilinear
    rule."""
    h, step, length = hippo.legs(8), 0.05, 4096
    model, c = models.normal(h), np.ones(8)
    spike = model.values.imag.max()
    theta = tones.angle(np.array([3.0, spike]), step)
    waves = np.sin(theta[:, None] * np.arange(length))
    stacked = tuple(x[None] for x in model)
    found = jax.jit(lambda m: tones.answers(tones.kernel(m, c, step, length), waves))(stacked)[0]
    size = np.abs(transfer.modal(model, np.array([3.0, spike])) @ c) / np.cos(theta / 2)
    np.testing.assert_allclose(found, size / np.sqrt(2), rtol=1e-3)


def test_the_readout_recalls_the_past():
    """Legendre states hold the past: a smooth signal half a unit ago, read off eight of them."""
    h, step, length = hippo.legs(16), 0.02, 1024
    time = step * np.arange(length)
    draw = np.asarray(jax.random.normal(jax.random.key(3), (2, 4, 2)))
    u, past = (tones.smooth(draw, 3.0, t) for t in (time, time - 0.5))
    exact = tones.exact_kernels(h, step, length)
    c = np.asarray(jax.jit(tones.readout)(exact, u, past, 1e-9))
    y = np.convolve(c @ exact, u[0])[:length]
    error = tones.later(y - past[0])
    assert np.sqrt(np.mean(error**2)) < 0.02 * np.sqrt(np.mean(past[0] ** 2))
