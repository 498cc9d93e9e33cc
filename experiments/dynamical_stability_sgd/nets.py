"""Two networks of squared parameters: their outputs, starts, and the norms that stability controls.

diagonal: f(x) = <x, u^2 - v^2>;  relu: f(x) = sum_j a_j max(w_j . x, 0).
At an interpolating minimum H = 1/N sum_i g_i g_i^T with g_i the gradient of f(x_i).

Shapes: N examples, D inputs, K hidden units, P parameters; params is a tuple of arrays.
"""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree


def diagonal(params, x):
    """<x, u^2 - v^2>.  params (u [D], v [D]), x [..., D] -> [...]"""
    u, v = params
    return x @ (u * u - v * v)


def relu(params, x):
    """sum_j a_j max(w_j . x, 0).  params (w [D, K], a [K]), x [..., D] -> [...]"""
    w, a = params
    return jax.nn.relu(x @ w) @ a


def relu_start(draw, scale):
    """w_j ~ N(0, scale^2 I / D), a_j ~ N(0, scale^2 / K).  draw [D + 1, K] -> (w [D, K], a [K])"""
    d, k = len(draw) - 1, draw.shape[1]
    return scale * draw[:-1] / jnp.sqrt(d), scale * draw[-1] / jnp.sqrt(k)


def gradients(net, params, x):
    """g_i of every example, flat.  x [N, D] -> [N, P]"""
    return jax.vmap(lambda xi: ravel_pytree(jax.grad(net)(params, xi))[0])(x)


def trace(net, params, x):
    """tr H = 1/N sum_i |g_i|^2.  x [N, D] -> []"""
    each = jax.vmap(jax.grad(net), (None, 0))(params, x)
    return sum(jnp.sum(g * g) for g in jax.tree.leaves(each)) / len(x)


def diagonal_trace(params):
    """4 (|u|^2 + |v|^2), the trace for isotropic inputs of variance 1; at least 4 |u^2 - v^2|_1."""
    u, v = params
    return 4 * (u @ u + v @ v)


def relu_trace(params):
    """1/2 sum_j (|w_j|^2 + D a_j^2), the trace for x ~ N(0, I); at least sqrt(D) path_norm."""
    w, a = params
    return 0.5 * (jnp.sum(w * w) + len(w) * a @ a)


def path_norm(params):
    """sum_j |a_j| |w_j|"""
    w, a = params
    return jnp.abs(a) @ jnp.linalg.norm(w, axis=0)
