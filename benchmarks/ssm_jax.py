"""The contestants of ssm.py that are written in JAX; used by ssm_length.py too."""

import os
import sys

import jax
import jax.numpy as jnp

from common.ssm import discrete, kernels


def s4d(name: str, data: dict):
    """(function, its arguments): kernel, convolution or both -> y [BATCH, H, L], kernel [H, L]"""
    u, c, length = data["u"], data["c"], data["u"].shape[-1]
    log_a, gain = discrete.zoh_diagonal(data["values"], data["step"])
    kernel = lambda log_a, c: kernels.vandermonde(log_a, c, length)  # noqa: E731
    if name == "FFT convolution":
        return kernels.convolve, (jax.jit(kernel)(log_a, c * gain), u)
    if name == "ours, kernel":
        return kernel, (log_a, c * gain)
    if name == "ours, chunked":
        return kernels.chunked, (log_a, c * gain, u)
    if name == "ours, kernel and FFT":
        both = lambda log_a, c, u: kernels.convolve(kernel(log_a, c), u)  # noqa: E731
        return both, (log_a, c * gain, u)
    sys.path.insert(0, os.environ["ANNOTATED_S4"])
    from s4 import s4 as convolutions
    from s4 import s4d as peer

    def formula(values, c):  # it takes the real part where we take twice that
        one = lambda c, a, step: peer.s4d_kernel_zoh(c, a, length, step)  # noqa: E731
        return jax.vmap(one)(2 * c, values, data["step"][:, 0])

    def whole(values, c, u):
        each = jax.vmap(convolutions.causal_convolution)
        return jax.vmap(each, in_axes=(0, None))(u, formula(values, c))

    values = data["values"]
    return (formula, (values, c)) if name.endswith("kernel") else (whole, (values, c, u))


def s5(name: str, data: dict):
    """(function, its arguments): the layer without its feedthrough -> y [BATCH, L, H]"""
    u = jnp.swapaxes(data["u"], 1, 2)
    a = jnp.exp(data["values"][0] * 0.01)
    if name == "ours":
        return _ours, (a, data["b_in"], data["c_out"], u)
    sys.path.insert(0, os.environ["S5"])
    jnp.DeviceArray = jax.Array  # annotations of its time
    from s5.ssm import apply_ssm

    def layer(a, b, c, u):
        return jax.vmap(lambda u: apply_ssm(a, b, c, u, True, False))(u)

    return layer, (a, data["b_in"], data["c_out"], u)


def _ours(a, b, c, u):
    inputs = jnp.einsum("ph,blh->bpl", jnp.concatenate([b.real, b.imag]), u)
    x = kernels.linear(a[:, None], jax.lax.complex(*jnp.split(inputs, 2, axis=1)))
    x = jnp.concatenate([x.real, x.imag], axis=1)
    return jnp.einsum("hp,bpl->blh", 2 * jnp.concatenate([c.real, -c.imag], axis=1), x)


def both_ways(run):
    """y and the gradients of sum(slope y) to every argument; the last argument is the slope."""

    def found(*given):
        y, back = jax.vjp(run, *given[:-1])
        return y, back(given[-1])

    return found


def planned_mb(compiled) -> float:
    """Arguments, results and what the program allocates between."""
    plan = compiled.memory_analysis()
    held = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return held / 2**20


def compile_case(case: str, name: str, data: dict):
    """(compiled program, its arguments)"""
    data = jax.device_put(data)
    run, given = (s5 if case.startswith("S5") else s4d)(name, data)
    if case.endswith("gradient"):
        like = jax.eval_shape(run, *given)
        slope = data["slope"].reshape(like.shape) if like.ndim == 3 else data["slope"][0]
        run, given = both_ways(run), (*given, slope)
    return jax.jit(run).lower(*given).compile(), given


def jax_run(case: str, name: str, data: dict):
    """One run of a contestant, for `serve`."""
    compiled, given = compile_case(case, name, data)
    held = planned_mb(compiled)

    def run():
        found = jax.block_until_ready(compiled(*given))
        return {"peak_mb": held, "size": float(jnp.linalg.norm(jax.tree.leaves(found)[0][0]))}

    return run
