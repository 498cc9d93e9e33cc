"""One S4D channel a row: kernel and convolution in JAX; recurrence and formula in NumPy beside it.

Shapes: R rows, P pairs of states (N = 2 P), L steps.
"""

import jax
import numpy as np

from common.ssm import discrete, kernels


def forward(
    values: jax.Array, step: jax.Array, c: jax.Array, u: jax.Array, pairs: float = 2.0
) -> tuple[jax.Array, jax.Array]:
    """Kernel and output, ZOH, B = 1.  values, c [R, P] complex, step [R], u [R, L] -> [R, L] twice

    pairs: what a pair of conjugates counts for; `vandermonde` takes 2.
    """
    log_a, gain = discrete.zoh_diagonal(values, step[:, None])
    kernel = kernels.vandermonde(log_a, pairs / 2 * c * gain, u.shape[-1])
    return kernel, kernels.convolve(kernel, u)


def formula(values: np.ndarray, step: np.ndarray, c: np.ndarray, length: int) -> np.ndarray:
    """The paper's two lines, row by row: K_l = 2 Re sum_n C_n (e^(step l_n) - 1) / l_n e^(l step
    l_n).  values, c [R, P], step [R] -> [R, L]"""
    found = []
    for v, s, weights in zip(values, step, c, strict=True):
        powers = np.exp(s * v)[:, None] ** np.arange(length)
        found.append(2 * ((weights * (np.exp(s * v) - 1) / v) @ powers).real)
    return np.array(found)


def recurrence(values: np.ndarray, step: np.ndarray, c: np.ndarray, u: np.ndarray) -> np.ndarray:
    """x_k = A x_(k-1) + B u_k and y_k = C x_k with all N states, both of each pair.  -> [R, L]

    Real by cancellation: nothing here knows of a factor 2.
    """
    all_values, all_c = (np.concatenate([x, x.conj()], axis=1) for x in (values, c))
    a = np.exp(step[:, None] * all_values)
    b = (a - 1) / all_values
    x, outputs = np.zeros_like(a), np.empty(u.shape)
    for k in range(u.shape[-1]):
        x = a * x + b * u[:, k, None]
        outputs[:, k] = np.sum(all_c * x, axis=1).real
    return outputs
