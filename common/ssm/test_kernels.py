"""The forms of a model against each other, dense references and closed forms."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from common.ssm import discrete, hippo, kernels


def model(dtype, length=96, h=3, n=8, seed=0):
    rng = np.random.default_rng(seed)
    values = np.stack([hippo.initial("lin", 2 * n)] * h)
    step = 10 ** rng.uniform(-3, -1, (h, 1))
    c = rng.normal(size=(h, n)) + 1j * rng.normal(size=(h, n))
    u = rng.normal(size=(2, h, length))
    kind = {np.float32: np.complex64, np.float64: np.complex128}[dtype]
    return values.astype(kind), step.astype(dtype), c.astype(kind), u.astype(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-4), (np.float64, 1e-10)])
@pytest.mark.parametrize("rule", [discrete.zoh_diagonal, discrete.bilinear_diagonal])
def test_three_forms_and_their_gradients_agree(dtype, tolerance, rule):
    with jax.enable_x64(dtype == np.float64):
        values, step, c, u = map(jnp.asarray, model(dtype))

        def convolved(values, c):
            log_a, gain = rule(values, step)
            return kernels.convolve(kernels.vandermonde(log_a, c * gain, 96), u)

        def scanned(values, c, chunk=0):
            log_a, gain = rule(values, step)
            return kernels.recurrent(log_a, c * gain, u, chunk=chunk)

        def chunked(values, c, chunk):
            log_a, gain = rule(values, step)
            return kernels.chunked(log_a, c * gain, u, chunk=chunk)

        def stepped(values, c):
            log_a, gain = rule(values, step)
            one = lambda x, u: kernels.step(log_a, c * gain, x, u)  # noqa: E731
            x = jnp.zeros((2, *c.shape), c.dtype)
            return jnp.moveaxis(jax.lax.scan(one, x, jnp.moveaxis(u, -1, 0))[1], 0, -1)

        forms = [convolved, scanned, lambda v, c: scanned(v, c, chunk=24), stepped]
        forms += [functools.partial(chunked, chunk=chunk) for chunk in (16, 36)]
        size = lambda form: lambda v, c: jnp.sum(form(v, c) ** 2)  # noqa: E731
        found = [jax.jit(form)(values, c) for form in forms]
        slopes = [jax.jit(jax.grad(size(form), argnums=(0, 1)))(values, c) for form in forms]
    for y, slope in zip(found[1:], slopes[1:], strict=True):
        scale = np.abs(found[0]).max()
        np.testing.assert_allclose(y, found[0], atol=tolerance * scale)
        for got, want in zip(slope, slopes[0], strict=True):
            np.testing.assert_allclose(got, want, atol=10 * tolerance * np.abs(want).max())


def test_the_kernel_is_that_of_the_dense_model():
    """A normal model in its own coordinates and in its eigenvectors, by both rules."""
    h = hippo.legs(16)
    d = hippo.diagonal(h)
    normal, c = h.a + h.p @ h.p.T, np.random.default_rng(1).normal(size=16)
    with jax.enable_x64(True):
        for dense, diagonal in ((discrete.zoh, discrete.zoh_diagonal),
                                (discrete.bilinear, discrete.bilinear_diagonal)):  # fmt: skip
            log_a, gain = diagonal(jnp.asarray(d.values)[None], 0.01)
            got = kernels.vandermonde(log_a, (c @ d.vectors) * d.b * gain, 300)[0]
            a, b = dense(normal, h.b / 2, 0.01)
            np.testing.assert_allclose(got, kernels.dense(a, b, c, 300), atol=1e-10)


def test_phases_of_long_kernels_keep_their_digits():
    """2^16 steps near the unit circle in float32: the error is of sqrt(L) eps, not of L eps."""
    length = 2**16
    angle = np.float32([[2.9, -1.7, 0.3]])
    log_a = jax.lax.complex(jnp.full((1, 3), -1e-6, jnp.float32), jnp.asarray(angle))
    got = kernels.vandermonde(log_a, jnp.ones((1, 3), jnp.complex64), length)[0]
    exact = np.exp(np.arange(length)[:, None] * np.asarray(log_a, complex)[0])
    np.testing.assert_allclose(got, 2 * exact.sum(1).real, atol=2e-3)
    wrong = jnp.exp(log_a[0] * jnp.arange(length, dtype=jnp.float32)[:, None])
    assert np.abs(2 * np.asarray(wrong, complex).sum(1).real - 2 * exact.sum(1).real).max() > 5e-3


@pytest.mark.parametrize("length", [2**8, 2**12, 2**16])
def test_errors_grow_as_the_root_of_the_length(length):
    """Modes that do not decay, the dearest, in float32 beside NumPy's float64: 16 sqrt(L) eps."""
    angle = np.random.default_rng(3).uniform(-np.pi, np.pi, (1, 6)).astype(np.float32)
    log_a, c = 1j * jnp.asarray(angle), jnp.ones((1, 6), jnp.complex64)
    impulse = jnp.zeros((1, length)).at[0, 0].set(1.0)
    exact = 2 * np.cos(np.arange(length)[:, None] * angle[0].astype(float)).sum(1)
    allowed = 16 * length**0.5 * np.finfo(np.float32).eps
    for got in (kernels.vandermonde(log_a, c, length), kernels.chunked(log_a, c, impulse)):
        np.testing.assert_allclose(got[0], exact, atol=allowed * np.abs(exact).max())


def test_holding_the_input_is_exact_and_the_trapezoid_of_second_order():
    h, held = hippo.legs(5), [0.3, -1.0, 2.0]
    x = np.zeros(5)
    a, b = discrete.zoh(h.a, h.b, 0.2)
    for u in held:
        exact = solve_ivp(lambda _, x, u=u: h.a @ x + h.b * u, (0, 0.2), x, rtol=1e-11, atol=1e-13)
        x = a @ x + b * u
        np.testing.assert_allclose(x, exact.y[:, -1], atol=1e-9)
        x = exact.y[:, -1]
    off = []
    for n in (40, 80):
        a, b = discrete.bilinear(h.a, h.b, 1 / n)
        y = kernels.dense(a, b, np.eye(5), n).sum(axis=1)  # a constant input of 1
        off.append(np.abs(y - np.linalg.solve(h.a, (_exponential(h.a) - np.eye(5)) @ h.b)).max())
    assert np.log2(off[0] / off[1]) == pytest.approx(2, abs=0.1)


def _exponential(a):
    return discrete.zoh(a, np.zeros(len(a)), 1.0)[0]


def test_a_mode_that_does_not_decay():
    """lambda = 0 adds up the input: also its derivative is a number."""
    log_a, gain = discrete.zoh_diagonal(jnp.zeros((1, 1), complex), 0.5)
    assert kernels.vandermonde(log_a, gain + 0j, 4).tolist() == [[1.0] * 4]
    slope = jax.grad(lambda v: discrete.zoh_diagonal(v, 0.5)[1].sum())(0.0)
    assert slope == pytest.approx(0.125)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("chunk", [0, 3])
def test_a_recurrence_and_its_derivatives_are_those_of_its_loop(constant, chunk):
    """Odd length, a start, real and complex, forward and backward mode, second order, a batch."""
    rng = np.random.default_rng(2)
    with jax.enable_x64(True):
        a = jnp.asarray(rng.normal(size=(2, 1 if constant else 21)))
        inputs = jnp.asarray(rng.normal(size=(3, 2, 21)) + 1j * rng.normal(size=(3, 2, 21)))
        start = inputs[..., 3]

        def looped(a, inputs, start):
            def one(x, part):
                x = part[0] * x + part[1]
                return x, x

            parts = [jnp.moveaxis(x, -1, 0) for x in jnp.broadcast_arrays(a, inputs)]
            return jnp.moveaxis(jax.lax.scan(one, start, parts)[1], 0, -1)

        given = a, inputs, start
        solved = functools.partial(kernels.linear, chunk=chunk)
        each = jax.vmap(solved, in_axes=(None, 0, 0))
        want = jax.jit(lambda *given: _derivatives(looped, given))(*given)
        for form in (solved, each):
            got = jax.jit(lambda *given, form=form: _derivatives(form, given))(*given)
            for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
                np.testing.assert_allclose(one, other, atol=1e-11 * np.abs(other).max())


def _derivatives(form, given):
    """The value and its tangent, the gradient and its tangent."""
    size = lambda *given: jnp.sum(jnp.abs(form(*given)) ** 2)  # noqa: E731
    slope = jax.grad(size, argnums=(0, 1, 2))
    return jax.jvp(form, given, given), jax.jvp(slope, given, given)


@pytest.mark.parametrize(("call", "word"), [
    (lambda: kernels.vandermonde(jnp.zeros((2, 3)) + 0j, jnp.zeros((2, 4)) + 0j, 5), "c"),
    (lambda: kernels.vandermonde(jnp.zeros((2, 3)) + 0j, jnp.zeros((2, 3)) + 0j, 0), "length"),
    (lambda: kernels.convolve(jnp.zeros((2, 3)), jnp.zeros((2, 4))), "u"),
    (lambda: kernels.linear(jnp.ones(1), jnp.ones(10), chunk=3), "chunk"),
    (lambda: kernels.chunked(jnp.ones((1, 1)) + 0j, jnp.ones((1, 1)) + 0j, jnp.ones((2, 8))), "u"),
    (lambda: kernels.chunked(*[jnp.ones((1, 1)) + 0j] * 2, jnp.ones((1, 8)), chunk=0), "chunk"),
    (lambda: discrete.zoh(np.eye(2), np.ones(2), 0.0), "step"),
    (lambda: discrete.zoh_diagonal(jnp.zeros(2), -1.0), "step"),
])  # fmt: skip
def test_what_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()
