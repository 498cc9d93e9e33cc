"""A model of one input and output in its three forms: kernel, recurrence over a sequence, one step.

y_k = sum_l K_l u_(k-l), K_l = 2 Re sum_n c_n e^(l log a_n): c holds B times the gain of the step,
log a the eigenvalues times it (discrete.py); one of each conjugate pair, hence 2 Re.

Time is the last axis.  Shapes: H models, N pairs of states, L steps, ... any leading axes.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, complexes, real_arrays

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
    return found.reshape(len(found), math.prod(found.shape[1:]))[:, :length]


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
    kernel, u = real_arrays(kernel=kernel, u=u)
    sizes = shapes.check("kernel", kernel, "H L")
    shapes.check("u", u, "... H L", sizes)
    length = sizes["L"]
    at_least(1, **{"length L of u": length})
    size = 2 ** math.ceil(math.log2(max(2 * length - 1, 1)))
    spectrum = jnp.fft.rfft(kernel, size) * jnp.fft.rfft(u, size)
    return jnp.fft.irfft(spectrum, size)[..., :length]


def chunked(log_a: jax.Array, c: jax.Array, u: jax.Array, *, chunk: int = 128) -> jax.Array:
    """y without an FFT: the numbers of `convolve(vandermonde(log_a, c, L), u)`.

    Within a chunk a product with the kernel's Toeplitz matrix, between chunks the states, by
    `linear`: O(L (chunk + N)).  The sequences of a batch take turns, so that what is held besides u
    and y is that of one.  log_a, c [H, N] complex, u [..., H, L] -> as u
    """
    sizes = shapes.check("log_a", log_a, "H N")
    shapes.check("c", c, "H N", sizes)
    (u,) = real_arrays(u=u)
    length = shapes.check("u", u, "... H L", {"H": sizes["H"]})["L"]
    at_least(1, chunk=chunk, **{"models H of u": sizes["H"], "length L of u": length})
    chunk = min(chunk, length)
    tables = _chunk_tables(log_a, c, chunk)
    padded = jnp.pad(u, [(0, 0)] * (u.ndim - 1) + [(0, -length % chunk)])
    parts = padded.reshape(-1, sizes["H"], padded.shape[-1] // chunk, chunk)
    y = jax.lax.map(lambda part: _one_sequence(part, *tables), parts)
    return y.reshape(padded.shape)[..., :length]


def _chunk_tables(log_a, c, chunk):
    """From inputs to outputs [H, T, T], to states [H, 2N, T], from these [H, 2N, T]; decay [H, N]

    The 2 N are real and imaginary parts.
    """
    rough = _powers(_scaled(log_a, 16), -(-chunk // 16))  # both few, so that angles are small
    powers = rough[..., None] * _powers(log_a, 16)[..., None, :]
    powers = powers.reshape(*log_a.shape, rough.shape[-1] * 16)[..., :chunk]
    kernel = 2 * jnp.einsum("hn,hnt->ht", c, powers, precision="highest").real
    into = jnp.concatenate([powers.real, powers.imag], axis=1)[..., ::-1]
    out = 2 * (c * jnp.exp(log_a))[..., None] * powers
    out = jnp.concatenate([out.real, -out.imag], axis=1)
    return _toeplitz(kernel), into, out, jnp.exp(_scaled(log_a, chunk))


def _one_sequence(u, within, into, out, decay):
    """u [H, chunks, T] -> [H, chunks, T]"""
    product = functools.partial(jnp.einsum, precision="highest")
    gained = product("hnt,hct->hnc", into, u)
    x = linear(decay[..., None], jax.lax.complex(*jnp.split(gained, 2, axis=1)))
    x = _later(jnp.concatenate([x.real, x.imag], axis=1))
    return product("hct,hti->hci", u, within) + product("hnc,hni->hci", x, out)


def _toeplitz(kernel):
    """K_(i-j) at [j, i], zero below.  Rows of a repeated [K, 0], one entry shorter: no gather.

    [H, T] -> [H, T, T]
    """
    h, t = kernel.shape
    repeated = jnp.tile(jnp.pad(kernel, ((0, 0), (0, t))), (1, t))
    return repeated[:, : t * (2 * t - 1)].reshape(h, t, -1)[..., :t]


def linear(a: jax.Array, inputs: jax.Array, start: jax.Array | None = None, *, chunk: int = 0):
    """x_k = a_k x_(k-1) + inputs_k for k = 1..L: states along the last axis.

    a and inputs [..., L]; a may be constant, [..., 1], which is then cheaper. start [...]: x_0,
    zero if none. By an associative scan, log L deep; with `chunk`, one after the other of as many
    steps; L is a multiple of it. Derivatives are one more recurrence, backwards for gradients, that
    hold x alone, no part of the scan.  -> [..., L]
    """
    a, inputs = (
        jnp.asarray(complexes(n, x, finite=False)) for n, x in (("a", a), ("inputs", inputs))
    )
    length = shapes.check("inputs", inputs, "... L")["L"]
    try:
        np.broadcast_to(np.empty(a.shape, bool), inputs.shape)
    except ValueError:
        raise ValueError(
            f"a {list(a.shape)} must broadcast to inputs {list(inputs.shape)}"
        ) from None
    if chunk and length % chunk:
        raise ValueError(f"chunk={chunk} does not divide {length} steps")
    a = jnp.broadcast_to(a, (*inputs.shape[:-1], *jnp.shape(a)[-1:]))
    inputs = inputs.astype(jnp.result_type(a, inputs))
    if start is not None:
        inputs = inputs.at[..., 0].add(a[..., 0] * start)
    run = functools.partial(_in_turn, chunk=chunk) if chunk else _scanned

    def backward(_, slope):
        after = jnp.flip(a, -1)
        after = after if after.shape[-1] == 1 else _later(after)
        return jnp.flip(run(after, jnp.flip(slope, -1)), -1)

    return jax.lax.custom_linear_solve(
        lambda x: x - a * _later(x), inputs, lambda _, b: run(a, b), transpose_solve=backward
    )


def _later(x):
    """A step later along the last axis, zero first."""
    return jnp.pad(x[..., :-1], [(0, 0)] * (x.ndim - 1) + [(1, 0)])


def _scanned(a, inputs):
    """Two steps at a time at the odd places, which gives the even ones.  a [..., L] or [..., 1]"""
    length = inputs.shape[-1]
    if length <= 1:
        return inputs
    if length % 2:
        head = _scanned(a if a.shape[-1] == 1 else a[..., :-1], inputs[..., :-1])
        return jnp.append(head, a[..., -1:] * head[..., -1:] + inputs[..., -1:], axis=-1)
    first, then = (a, a) if a.shape[-1] == 1 else (a[..., ::2], a[..., 1::2])
    odd = _scanned(first * then, then * inputs[..., ::2] + inputs[..., 1::2])
    even = first * _later(odd) + inputs[..., ::2]
    return jnp.stack([even, odd], axis=-1).reshape(inputs.shape)


def _in_turn(a, inputs, chunk):
    """Chunk after chunk."""
    a = jnp.broadcast_to(a, inputs.shape)
    parts = [jnp.moveaxis(x.reshape(*x.shape[:-1], -1, chunk), -2, 0) for x in (a, inputs)]

    def advance(x, part):
        a, inputs = part
        found = _scanned(a, inputs.at[..., 0].add(a[..., 0] * x))
        return found[..., -1], found

    _, found = jax.lax.scan(advance, jnp.zeros_like(inputs[..., 0]), tuple(parts))
    return jnp.moveaxis(found, 0, -2).reshape(inputs.shape)


def recurrent(log_a: jax.Array, c: jax.Array, u: jax.Array, *, chunk: int = 0) -> jax.Array:
    """y by the recurrence: the numbers of `convolve(vandermonde(…), u)`.  u [..., H, L] -> as u"""
    sizes = shapes.check("log_a", log_a, "H N")
    shapes.check("c", c, "H N", sizes)
    (u,) = real_arrays(u=u)
    shapes.check("u", u, "... H L", {"H": sizes["H"]})
    inputs = jnp.broadcast_to(u[..., None, :], (*u.shape[:-1], sizes["N"], u.shape[-1]))
    x = linear(jnp.exp(log_a)[..., None], inputs + 0j, chunk=chunk)
    return 2 * jnp.einsum("hn,...hnl->...hl", c, x, precision="highest").real


def step(log_a: jax.Array, c: jax.Array, x: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One step, for generation: x [..., H, N], u [..., H] -> the next x, and y [..., H]"""
    sizes = shapes.check("log_a", log_a, "H N")
    shapes.check("c", c, "H N", sizes)
    shapes.check("x", x, "... H N", sizes)
    shapes.check("u", u, "... H", {"H": sizes["H"]})
    x = jnp.exp(log_a) * x + u[..., None]
    return x, 2 * jnp.sum(c * x, axis=-1).real
