"""Truths of the experiment: dense solves, quadrature, the differential equation, exact fits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from common.ssm import discrete, hippo

from . import layer, measure, models, probe


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_transforms_and_kernels_are_those_of_the_matrix():
    """(iw - A - B B^T / 2)^-1 B / 2 by a dense solve, e^(tA) B / 2 by a dense exponential."""
    h, omega = hippo.legs(10), np.array([0.0, 1.0, -7.0])
    a, d = h.a + np.outer(h.b, h.b) / 2, hippo.diagonal(h)
    dense = [np.linalg.solve(1j * w * np.eye(10) - a, h.b / 2)[: models.FIRST] for w in omega]
    np.testing.assert_allclose(models.transforms(d, omega), dense, atol=1e-11)
    moved = expm(0.7 * a) @ h.b / 2
    np.testing.assert_allclose(models.kernels(d, np.array([0.7]))[:, 0], moved[:4], atol=1e-11)


def test_what_legs_lacks_of_its_input():
    """|1 - B^T (iw - A)^-1 B| by a dense solve: the law of the error of S4D-LegS."""
    for n, w in ((4, 0.5), (12, 3.0), (30, 100.0)):
        h = hippo.legs(n)
        lacks = abs(1 - h.b @ np.linalg.solve(1j * w * np.eye(n) - h.a, h.b))
        assert measure.remainder(n, w) == pytest.approx(lacks, abs=1e-11)


def test_the_phase_of_small_models_by_hand():
    """N = 2: A + B B^T / 2 is [[-1/2, s], [-s, -1/2]] with s = sqrt(3) / 2."""
    assert measure.phase(2, np.array([np.sqrt(3) / 2]))[0] == pytest.approx(np.pi / 2, abs=1e-14)
    assert models.largest("legs", 2, 1)[0] == pytest.approx(np.sqrt(3) / 2, abs=1e-14)


def test_the_mean_square_error_is_the_integral():
    d = hippo.diagonal(hippo.legs(8))
    time = np.linspace(0, 30, 60_001)
    off = models.kernels(d, time)[0] - np.exp(-time)
    integral = np.sum((off[1:] ** 2 + off[:-1] ** 2) / 2) * time[1]
    assert models.mean_square_error(d) == pytest.approx(np.sqrt(2 * integral), rel=1e-4)


def test_the_envelope_holds_the_kernel():
    """Of a fine grid: its least and greatest value in every bin, which holds a period."""
    n, end, count = 8, 2.4, 4
    d = hippo.diagonal(hippo.legs(n))
    low, mean, high = models.envelope(d, end, count)
    fine = models.kernels(d, np.linspace(0, end, 4001)[:-1]).reshape(4, count, -1)
    assert end / count > 1.5 * models.period(n)
    np.testing.assert_allclose(low, fine.min(-1), atol=0.05)
    np.testing.assert_allclose(high, fine.max(-1), atol=0.05)
    np.testing.assert_allclose(mean, fine.mean(-1), atol=0.05)


def test_the_layer_is_the_real_matrix():
    """LegS's normal part, dense and real, held over steps, against one of each pair times two."""
    h, length, step = hippo.legs(8), 40, 0.05
    d = hippo.diagonal(h, 1.0)
    c, u = np.random.default_rng(0).normal(size=8), np.random.default_rng(1).normal(size=length)
    a, b = discrete.zoh(h.a + np.outer(h.b, h.b) / 2, h.b, step)
    x, outputs = np.zeros(8), []
    for value in u:
        x = a @ x + b * value
        outputs.append(c @ x)
    rows = d.values[None], np.array([step]), (c @ d.vectors * d.b)[None], u[None]
    kernel, convolved = jax.jit(layer.forward)(*map(jnp.asarray, rows))
    np.testing.assert_allclose(convolved[0], outputs, atol=1e-11)
    np.testing.assert_allclose(layer.recurrence(*rows)[0], outputs, atol=1e-11)
    np.testing.assert_allclose(layer.formula(*rows[:3], length), kernel, atol=1e-11)


def test_the_probe_finds_what_the_modes_hold():
    """A kernel of the model leaves nothing; a target that no column meets leaves itself."""
    eigenvalues, step = hippo.initial("lin", 16), 0.05
    kernel = 2 * np.real(np.exp(step * np.outer(np.arange(64), eigenvalues)) @ np.arange(1.0, 9))
    assert probe.residuals(eigenvalues, step, kernel[None], 1e-12)[0] < 1e-10
    fast_decay, late = np.array([-1e3 + 0j]), np.eye(64)[[0, 40]]
    np.testing.assert_allclose(probe.residuals(fast_decay, 1.0, late, 1e-12), [0, 1], atol=1e-12)
    line = probe.bumps(np.array([20.0]), 2.0, 64)[0]
    assert line.argmax() == 20
    assert line[22] == pytest.approx(np.exp(-0.5))
