"""Frozen models on sequences: a readout fitted through LegS, and how others answer to a tone.

Bilinear rule: a tone of theta rad a step meets the model at w = (2 / step) tan(theta / 2).
Shapes: N states, L steps, J signals, M modes, K tones, B models.
"""

import jax
import jax.numpy as jnp
import numpy as np

from common.ssm import discrete, kernels
from common.ssm.hippo import Hippo


def angle(omega, step: float):
    """theta of the tone that the bilinear rule sends to w.  [...] -> [...]"""
    return 2 * np.arctan(step * np.asarray(omega) / 2)


def smooth(normals: np.ndarray, band: float, time: np.ndarray) -> np.ndarray:
    """Cosines and sines up to `band`, mean square 1.  normals [J, M, 2], time [L] -> [J, L]"""
    modes = normals.shape[1]
    phase = band * np.arange(1, modes + 1)[:, None] / modes * time
    waves = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    return np.einsum("jmk,mkt->jt", normals, waves) / np.sqrt(modes)


def exact_kernels(h: Hippo, step: float, length: int) -> np.ndarray:
    """Of every state of LegS, dense.  -> [N, L]"""
    return kernels.dense(*discrete.bilinear(h.a, h.b, step), np.eye(len(h.b)), length)


def kernel(model, c, step: float, length: int):
    """Of the outputs C x of diagonal models, c [N] real.  model of arrays [B, …] -> [B, L]

    `vandermonde` takes one of each pair and gives 2 Re: here are all eigenvalues, hence c / 2.
    """
    values, b, vectors = model
    log_a, gain = discrete.bilinear_diagonal(values, jnp.asarray(step))
    return kernels.vandermonde(log_a, (c @ vectors) * b * gain / 2, length)


def readout(exact, u, target, ridge: float):
    """C by ridge regression on the later half of the steps.  exact [N, L], u, target [J, L] -> [N]

    ridge is in units of the mean square of a state.
    """
    n = len(exact)

    def moments(pair):
        x = later(kernels.convolve(exact, jnp.broadcast_to(pair[0], exact.shape)))
        return x @ x.T, x @ later(pair[1])

    gram, moment = (x.sum(0) for x in jax.lax.map(moments, (u, target)))
    return jnp.linalg.solve(gram + ridge * jnp.trace(gram) / n * jnp.eye(n), moment)


def answers(kernel, u):
    """Root mean square of outputs over the later half.  kernel [B, L], u [K, L] -> [B, K]"""

    def size(u):
        y = kernels.convolve(kernel, jnp.broadcast_to(u, kernel.shape))
        return jnp.sqrt(jnp.mean(later(y) ** 2, axis=-1))

    return jax.lax.map(size, u).T


def later(x):
    """The later half of the steps.  [..., L]"""
    return x[..., x.shape[-1] // 2 :]


def errors(exact, model, u, target, waves, step: float, ridge: float):
    """Of a readout fitted through LegS on signals u: errors of models that take it over.

    exact [N, L], model of arrays [B, …], u, target [J, L], waves [K, L]
    -> under the signals, under signals and the first wave [B, J], under the waves [B, K]
    """
    c = readout(exact, u, target, ridge)
    off = kernel(model, c, step, exact.shape[-1]) - c @ exact
    return answers(off, u), answers(off, u + waves[0]), answers(off, waves)
