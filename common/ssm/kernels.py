"""A model of one input and output in its three forms: kernel, recurrence over a sequence, one step.

y_k = sum_l K_l u_(k-l), K_l = 2 Re sum_n c_n e^(l log a_n): c holds B times the gain of the step,
log a the eigenvalues times it (discrete.py); one of each conjugate pair, hence 2 Re.

Time is the last axis.  Shapes: H models, N pairs of states, L steps, ... any leading axes.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least

TURN = 6.28125  # 2 pi in ten binary digits: times a number of turns it is exact


def dense(a: np.ndarray, b: np.ndarray, c: np.ndarray, length: int) -> np.ndarray:
    """The reference: C A^l B by doubling, in float64 on the host.  a [N, N], b [N], c [..., N]

    -> [..., L]
    """
    n = shapes.check("a", a, "N N")["N"]
    shapes.check("b", b, "N", {"N": n})
    shapes.check("c", c, "... N", {"N": n})
    at_least(1, length=length)
    found, power = np.asarray(b)[:, None], np.asarray(a)
    while found.shape[1] < length:
        found = np.concatenate([found, power @ found], axis=1)
        power = power @ power
    return np.asarray(c) @ found[:, :length]


def vandermonde(log_a: jax.Array, c: jax.Array, length: int) -> jax.Array:
    """2 Re sum_n c_n e^(l log a_n), l = 0..L-1.  log_a, c [H, N] complex -> [H, L]

    l = i S + j with S near sqrt(L): two tables [H, N, L/S] and [H, N, S] and one product of
    matrices a model, in place of [H, N, L]. Angles are taken modulo a turn before they are
    multiplied, so that errors of the phase grow as sqrt(L) eps and not as L |Im log a| eps.
    """
    shapes.check("c", c, "H N", shapes.check("log_a", log_a, "H N"))
    at_least(1, length=length)
    s = 2 ** max(round(math.log2(length) / 2), 0)
    inner = _powers(log_a, s)
    outer = _powers(_scaled(log_a, s), -(-length // s)) * c[..., None]
    found = 2 * jnp.einsum("hni,hnj->hij", outer.real, inner.real, precision="highest")
    found -= 2 * jnp.einsum("hni,hnj->hij", outer.imag, inner.imag, precision="highest")
    return found.reshape(len(found), -1)[:, :length]


def _powers(log_a, count):
    """e^(l log a), l = 0..count-1.  [...] -> [..., count]"""
    return jnp.exp(_turned(log_a)[..., None] * jnp.arange(count, dtype=log_a.real.dtype))


def _scaled(log_a, factor):
    """log a times a power of two, which is exact, its angle within half a turn."""
    return _turned(_turned(log_a) * factor)


def _turned(log_a):
    """The angle within half a turn; 2 pi in two parts, the first of few digits (Cody & Waite)."""
    turns = jnp.round(jax.lax.stop_gradient(log_a.imag) / (2 * np.pi))
    angle = log_a.imag - turns * TURN - turns * (2 * np.pi - TURN)
    return jax.lax.complex(log_a.real, angle)


def convolve(kernel: jax.Array, u: jax.Array) -> jax.Array:
    """Causal convolution sum_l K_l u_(k-l) by FFT.  kernel [H, L], u [..., H, L] -> [..., H, L]"""
    sizes = shapes.check("kernel", kernel, "H L")
    shapes.check("u", u, "... H L", sizes)
    length = sizes["L"]
    size = 2 ** math.ceil(math.log2(max(2 * length - 1, 1)))
    spectrum = jnp.fft.rfft(kernel, size) * jnp.fft.rfft(u, size)
    return jnp.fft.irfft(spectrum, size)[..., :length]


def linear(a: jax.Array, inputs: jax.Array, start: jax.Array | None = None, *, chunk: int = 0):
    """x_k = a_k x_(k-1) + inputs_k for k = 1..L: states along the last axis.

    a and inputs [..., L]; a may be constant, [..., 1]. start [...]: x_0, zero if none. By an
    associative scan, log L deep; with `chunk`, one after the other of as many steps, which holds
    less and is as fast on a CPU; L is a multiple of it.  -> [..., L]
    """
    shapes.check("inputs", inputs, "... L")
    length = inputs.shape[-1]
    a = jnp.broadcast_to(a, inputs.shape)
    if start is not None:
        inputs = inputs.at[..., 0].add(a[..., 0] * start)
    if not chunk:
        return _associative(a, inputs)[1]
    if length % chunk:
        raise ValueError(f"chunk={chunk} does not divide {length} steps")
    parts = [jnp.moveaxis(x.reshape(*x.shape[:-1], -1, chunk), -2, 0) for x in (a, inputs)]

    def advance(x, part):
        decay, found = _associative(*part)
        found = found + decay * x[..., None]
        return found[..., -1], found

    _, found = jax.lax.scan(advance, jnp.zeros_like(inputs[..., 0]), tuple(parts))
    return jnp.moveaxis(found, 0, -2).reshape(inputs.shape)


def _associative(a, inputs):
    def join(first, then):
        return first[0] * then[0], then[0] * first[1] + then[1]

    return jax.lax.associative_scan(join, (a, inputs), axis=-1)


def recurrent(log_a: jax.Array, c: jax.Array, u: jax.Array, *, chunk: int = 0) -> jax.Array:
    """y by the recurrence: the numbers of `convolve(vandermonde(…), u)`.  u [..., H, L] -> as u"""
    sizes = shapes.check("log_a", log_a, "H N")
    shapes.check("c", c, "H N", sizes)
    shapes.check("u", u, "... H L", {"H": sizes["H"]})
    inputs = jnp.broadcast_to(u[..., None, :], (*u.shape[:-1], sizes["N"], u.shape[-1]))
    x = linear(jnp.exp(log_a)[..., None], inputs + 0j, chunk=chunk)
    return 2 * jnp.einsum("hn,...hnl->...hl", c, x, precision="highest").real


def step(log_a: jax.Array, c: jax.Array, x: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One step, for generation: x [..., H, N], u [..., H] -> the next x, and y [..., H]"""
    x = jnp.exp(log_a) * x + u[..., None]
    return x, 2 * jnp.sum(c * x, axis=-1).real
