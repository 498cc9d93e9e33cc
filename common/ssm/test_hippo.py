"""HiPPO matrices against their bases, Gramians and spectra."""

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.special import gamma, roots_genlaguerre

from common.ssm import hippo


def other_lagt(n):
    return hippo.lagt(n, 1.5, 0.25)


EXACT = hippo.legs, hippo.foud, hippo.lagt, other_lagt
ALL = *EXACT, hippo.legt, hippo.fout


def kernels(h, t):
    return np.stack([expm(s * h.a) @ h.b for s in t], axis=1)


@pytest.mark.parametrize("make", EXACT)
def test_bases_that_are_exact_at_every_size(make):
    h, t = make(15), np.linspace(0, 4, 41)
    np.testing.assert_allclose(kernels(h, t), h.basis(t), atol=2e-12)


@pytest.mark.parametrize("make", [hippo.legt, hippo.fout])
def test_windows_are_reached_as_the_root_of_the_number_of_states(make):
    """L2 errors fall by four from 16 to 256 states (2206.12037); nothing is left beyond."""
    step = 1 / 2048
    t = (np.arange(4096) + 0.5) * step
    errors = []
    for n in (17, 257):
        h = make(n)
        move, x = expm(step * h.a), expm(step / 2 * h.a) @ h.b
        k = np.empty((n, len(t)))
        for i in range(len(t)):
            k[:, i], x = x, move @ x
        errors.append(np.sqrt(np.sum((k - h.basis(t))[:3] ** 2, axis=1) * step))
        beyond = np.sum(k[:3, t > 1.02] ** 2) * step
    fall = errors[0] / errors[1]
    assert (fall > 3).all()
    assert fall[0] < 5.5
    assert beyond < 1e-3


def test_nothing_is_left_beyond_a_window_of_many_states():
    for h in (hippo.legt(1024), hippo.fout(1025)):
        assert not h.basis(np.array([-0.5, 1.5, 40.0])).any()


@pytest.mark.parametrize("make", ALL)
def test_every_matrix_is_a_normal_one_less_its_low_rank(make):
    h = make(21)
    normal = h.a + h.p @ h.p.T
    skew = normal + h.decay * np.eye(21)
    np.testing.assert_allclose(skew, -skew.T, atol=1e-11)


def test_gramians():
    """White noise: LegS has 1/2 a state on average, FouT the identity; weighted LegS as well."""
    s, f = hippo.legs(24), hippo.fout(25)
    gram = lambda a, b: solve_continuous_lyapunov(a, -np.outer(b, b))  # noqa: E731
    assert np.trace(gram(s.a, s.b)) / 24 == pytest.approx(0.5, rel=1e-10)
    np.testing.assert_allclose(gram(s.a + np.eye(24) / 2, s.b), np.eye(24), atol=1e-9)
    np.testing.assert_allclose(gram(f.a, f.b), np.eye(25), atol=1e-10)


def test_laguerre_functions_are_orthogonal_under_their_weight():
    """Integral of t^alpha e^(beta t) K_n K_m: Gamma(n + alpha + 1) / n! on the diagonal."""
    h, (t, weight) = hippo.lagt(8, 1.5, 0.25), roots_genlaguerre(40, 1.5)
    k = h.basis(t)
    gram = (k * weight * np.exp(1.25 * t)) @ k.T
    np.testing.assert_allclose(
        gram, np.diag(gamma(np.arange(8) + 2.5) / gamma(np.arange(8) + 1)), atol=1e-9
    )


def test_frequencies_of_the_normal_part():
    """Conjugate pairs on Re = -1/2 whose largest is N^2 / pi; Inv follows the large ones."""
    d = hippo.diagonal(hippo.legs(128))
    rebuilt = 2 * ((d.vectors * d.values) @ d.vectors.conj().T).real
    h = hippo.legs(128)
    np.testing.assert_allclose(rebuilt, h.a + h.p @ h.p.T, atol=1e-9)
    np.testing.assert_allclose(2 * (d.vectors @ d.b).real, h.b / 2, atol=1e-11)
    assert d.values.imag[-1] * np.pi / 128**2 == pytest.approx(0.9999, abs=1e-4)
    assert hippo.initial("inv", 128).imag[0] == pytest.approx(d.values.imag[-1], rel=0.02)
    lin = hippo.initial("lin", 16)
    np.testing.assert_allclose(lin[::2].imag, 2 * np.pi * np.arange(4))


@pytest.mark.parametrize(("call", "word"), [
    (lambda: hippo.fout(4), "odd"),
    (lambda: hippo.legs(0), "n must be"),
    (lambda: hippo.lagt(4, alpha=-1.0), "alpha"),
    (lambda: hippo.lagt(4, beta=0.0), "beta"),
    (lambda: hippo.initial("linear", 4), "kind"),
    (lambda: hippo.initial("lin", 3), "even"),
    (lambda: hippo.diagonal(hippo.legs(3)), "even"),
])  # fmt: skip
def test_what_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()
