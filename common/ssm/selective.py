"""The selective scan (S6, Gu & Dao 2023, 2312.00752): a diagonal model whose step, input and output
weights hang on the sequence.

x_t = e^(delta_t A) x_(t-1) + delta_t B_t u_t,   y_t = C_t x_t

B by Euler's rule as in the published code (algorithm 2 writes zero-order hold; the two differ by
delta A / 2 of B).  Shapes: T steps, D channels, N states a channel; ... any leading axes.
"""

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, real_arrays
from common.ssm import kernels

Array = jax.Array


def selective_scan(
    u: Array,
    delta: Array,
    a: Array,
    b: Array,
    c: Array,
    *,
    start: Array | None = None,
    chunk: int = 0,
) -> tuple[Array, Array]:
    """Outputs [..., T, D] and the last state [..., D, N].

    u, delta [..., T, D], a [D, N] (0 or below), b, c [..., T, N], start [..., D, N]. The states of
    all steps are held at once, or with `chunk`, which divides T, those of as many steps; its
    gradient computes them again, chunk by chunk.
    """
    u, delta, a, b, c = real_arrays(u=u, delta=delta, a=a, b=b, c=c)
    sizes = shapes.check("u", u, "... T D")
    shapes.check("delta", delta, "... T D", sizes)
    sizes |= shapes.check("a", a, "D N", {"D": sizes["D"]})
    for name, x in (("b", b), ("c", c)):
        shapes.check(name, x, "... T N", {"T": sizes["T"], "N": sizes["N"]})
    at_least(0, chunk=chunk)
    at_least(1, **{"number of steps T of u": sizes["T"]})
    size = chunk or sizes["T"]
    if sizes["T"] % size:
        raise ValueError(f"chunk={chunk} does not divide {sizes['T']} steps")
    if start is None:
        start = jnp.zeros((*u.shape[:-2], *a.shape), jnp.result_type(u, delta, a, b))
    shapes.check("start", start, "... D N", {"D": sizes["D"], "N": sizes["N"]})

    def advance(x, part):
        u, delta, b, c = part  # [..., size, D or N]
        timed = jnp.swapaxes(delta, -1, -2)[..., None, :]  # [..., D, 1, size]
        inputs = (
            jnp.swapaxes(delta * u, -1, -2)[..., None, :] * jnp.swapaxes(b, -1, -2)[..., None, :, :]
        )
        states = kernels.linear(jnp.exp(timed * a[..., None]), inputs, x)  # [..., D, N, size]
        return states[..., -1], jnp.einsum("...dns,...sn->...sd", states, c, precision="highest")

    parts = [jnp.moveaxis(x.reshape(*x.shape[:-2], sizes["T"] // size, size, x.shape[-1]), -3, 0)
             for x in (u, delta, b, c)]  # fmt: skip
    state, y = jax.lax.scan(jax.checkpoint(advance) if chunk else advance, start, tuple(parts))
    return jnp.moveaxis(y, 0, -3).reshape(u.shape), state


def selective_step(
    x: Array, u: Array, delta: Array, a: Array, b: Array, c: Array
) -> tuple[Array, Array]:
    """One step, for generation: x [..., D, N], u, delta [..., D], a [D, N], b, c [..., N].

    -> the next x, and y [..., D]
    """
    x, u, delta, a, b, c = real_arrays(x=x, u=u, delta=delta, a=a, b=b, c=c)
    sizes = shapes.check("a", a, "D N")
    for name, value, pattern in (("x", x, "... D N"), ("u", u, "... D"), ("delta", delta, "... D"),
                                 ("b", b, "... N"), ("c", c, "... N")):  # fmt: skip
        shapes.check(name, value, pattern, {k: sizes[k] for k in pattern.split()[1:]})
    x = jnp.exp(delta[..., None] * a) * x + (delta * u)[..., None] * b[..., None, :]
    return x, jnp.einsum("...dn,...n->...d", x, c, precision="highest")
