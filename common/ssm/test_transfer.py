"""Transfer functions against solves, bounds and exact numbers."""

import numpy as np
import pytest

from common.ssm import hippo, transfer


@pytest.mark.parametrize("make", [hippo.legs, hippo.legt])
def test_states_solve_the_system_at_every_frequency(make):
    h, omega = make(20), np.array([0.0, 1.0, -30.0, 400.0])
    for w, x in zip(omega, transfer.states(h.a, h.b, omega), strict=True):
        np.testing.assert_allclose(1j * w * x - h.a @ x, h.b, atol=1e-10)
    turned = transfer.states(h.a.T, h.b, omega)  # an upper triangle
    np.testing.assert_allclose((1j * omega[1] * turned[1] - h.a.T @ turned[1]), h.b, atol=1e-10)


def test_the_diagonal_model_tends_to_legs_at_a_frequency_and_not_uniformly():
    """As 1/N at w = 1; the largest error of the first state tends to 2/pi, near N^2/pi."""
    at_one, worst = [], []
    for n in (16, 32, 64):
        h, d = hippo.legs(n), hippo.diagonal(hippo.legs(n))
        w = np.concatenate([[1.0], transfer.frequencies(d.values)])
        off = np.abs(transfer.modal(hippo.whole(d), w) - transfer.states(h.a, h.b, w))[:, 0]
        at_one.append(off[0])
        worst.append((off.max(), w[off.argmax()] / (n**2 / np.pi)))
    np.testing.assert_allclose(at_one, [0.0437, 0.0228, 0.0111], rtol=0.02)
    assert worst[-1][0] == pytest.approx(2 / np.pi, rel=0.01)
    assert worst[-1][1] == pytest.approx(1, abs=0.01)


def test_a_perturbed_model_is_near_at_every_frequency():
    h, rng = hippo.legs(32), np.random.default_rng(0)
    for epsilon in (0.01, 0.1):
        e = transfer.of_norm(rng.normal(size=(32, 32)), epsilon)
        p = transfer.perturbed(h.a, h.b, e)
        w = transfer.frequencies(p.values)
        moved = transfer.modal(p, w)
        np.testing.assert_allclose(moved, transfer.states(h.a + e, h.b, w), atol=1e-8)
        off = np.linalg.norm(moved - transfer.states(h.a, h.b, w), axis=1).max()
        assert 0.05 * epsilon < off < 2 * epsilon / (1 - 2 * epsilon)
        assert p.error < 1e-8
        assert p.condition < 1e7


def test_the_condition_of_legs_by_integers():
    """Against floating point where that holds, and its growth by (1 + sqrt 2)^2 a state."""
    h = hippo.legs(6)
    v = np.linalg.eig(h.a)[1]
    dense = np.log10(np.linalg.norm(v) * np.linalg.norm(np.linalg.inv(v)))
    assert transfer.legs_condition(6) == pytest.approx(dense, rel=1e-6)
    assert transfer.legs_condition(1) == 0
    growth = (transfer.legs_condition(64) - transfer.legs_condition(48)) / 16
    assert growth == pytest.approx(2 * np.log10(1 + np.sqrt(2)), abs=0.01)


def test_h_infinity_of_one_mode_of_a_pair_and_of_a_normal_matrix():
    """|c b| / decay of a mode; 1 / (2 z sqrt(1 - z^2)) of a damped oscillator, at
    sqrt(1 - 2 z^2)."""
    one = transfer.h_infinity(np.array([[-0.5 + 3j]]), np.array([2.0]), np.array([3.0]))
    assert (one.norm, one.omega) == pytest.approx((12.0, 3.0))
    z = 0.05
    oscillator = np.array([[0.0, 1], [-1, -2 * z]]), np.array([0.0, 1]), np.array([1.0, 0])
    peak = transfer.h_infinity(*oscillator)
    assert peak.norm == pytest.approx(1 / (2 * z * np.sqrt(1 - z**2)), rel=1e-9)
    assert abs(peak.omega) == pytest.approx(np.sqrt(1 - 2 * z**2), rel=1e-4)
    nothing = transfer.h_infinity(*transfer.difference(oscillator, oscillator))
    assert nothing.norm < 1e-12
    assert transfer.h_infinity(-np.eye(2), np.ones(2), np.zeros(2)).norm == 0


@pytest.mark.parametrize("n", [16, 32, 64])
def test_h_infinity_finds_what_a_grid_must_know(n):
    """S4D-LegS less LegS, first state: tends to 2/pi near n^2/pi; a resonance of width 1/2."""
    h = hippo.legs(n)
    normal, first = h.a + h.p @ h.p.T, np.eye(n)[0]
    peak = transfer.h_infinity(*transfer.difference((normal, h.b / 2, first), (h.a, h.b, first)))
    w = np.abs(peak.omega) + np.linspace(-2, 2, 801)
    off = transfer.states(normal, h.b / 2, w)[:, 0] - transfer.states(h.a, h.b, w)[:, 0]
    assert peak.norm == pytest.approx(np.abs(off).max(), rel=1e-3)
    assert peak.norm == pytest.approx(2 / np.pi, rel=0.4 / n)
    assert abs(peak.omega) == pytest.approx(n**2 / np.pi, rel=0.02)


def test_pseudospectra_and_the_field_of_values():
    """Of a normal matrix the distance to its spectrum; LegS has Re <= -1/2 but is far from it."""
    d = np.diag([1.0, 3.0])
    np.testing.assert_allclose(transfer.smallest_singular(d, np.array([0, 2.5 + 0j])), [1, 0.5])
    a = hippo.legs(24).a
    assert transfer.numerical_abscissa(a) == pytest.approx(-0.5, abs=1e-9)
    assert transfer.smallest_singular(a, -12.5 + 0j) < 1e-6  # half a unit from two eigenvalues


@pytest.mark.parametrize(("call", "word"), [
    (lambda: transfer.states(np.eye(2), np.ones(3), np.ones(1)), "b"),
    (lambda: transfer.states(np.eye(2), np.ones(2), np.array([np.nan])), "omega"),
    (lambda: transfer.frequencies(np.zeros(0)), "values"),
    (lambda: transfer.h_infinity(np.eye(2), np.ones(2), np.ones(2)), "not stable"),
    (lambda: transfer.h_infinity(-np.eye(2), np.ones(2), np.ones(3)), "c must"),
    (lambda: transfer.of_norm(np.zeros((2, 2)), 1.0), "normals"),
    (lambda: transfer.of_norm(np.eye(2), -1.0), "epsilon"),
    (lambda: transfer.legs_condition(0), "n must"),
])  # fmt: skip
def test_what_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()
