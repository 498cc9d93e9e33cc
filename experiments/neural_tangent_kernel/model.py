"""The network in the NTK parametrisation and gradient descent on least squares (section 1).

alpha^0 = x, u^(l+1) = W alpha^l / sqrt(n_l) + beta b, alpha^l = s(u^l), f = u^L; W, b ~ N(0, 1);
cost 1/(2N) sum (f - y)^2.

Shapes: N examples, D inputs; one output; params is a list of (W [n_in, n_out], b [n_out]).
"""

from itertools import pairwise

import jax
import jax.numpy as jnp

NONLINEARITIES = {"relu": jax.nn.relu, "erf": jax.scipy.special.erf, "linear": lambda u: u}


def init(key, sizes, *, beta, standard=False):
    """Weights and biases N(0, 1); standard: N(0, 1/n_in) and N(0, beta^2).  sizes D, n, …, 1"""
    count = sum((n + 1) * m for n, m in pairwise(sizes))
    drawn, params = jax.random.normal(key, (count,)), []
    for n, m in pairwise(sizes):
        w, b, drawn = drawn[: n * m].reshape(n, m), drawn[n * m : n * m + m], drawn[n * m + m :]
        params.append((w / jnp.sqrt(n), beta * b) if standard else (w, b))
    return params


def apply(params, x, *, nonlinearity, beta, standard=False, power=0.0):
    """f(x) n^-power, n the width.  x [N, D] -> [N, 1]"""
    for layer, (w, b) in enumerate(params):
        x = nonlinearity(x) if layer else x
        x = x @ w + b if standard else x @ w / jnp.sqrt(len(w)) + beta * b
    return x / len(params[-1][0]) ** power


def descend(f, params, x, y, *, lr, steps):
    """`steps` full-batch gradient steps on 1/(2N) sum (f(params, x) - y)^2.  y [N]

    -> params, and the outputs on x before each step [steps, N]
    """

    def cost(params):
        outputs = f(params, x)[:, 0]
        return jnp.mean((outputs - y) ** 2) / 2, outputs

    def step(params, _):
        gradient, outputs = jax.grad(cost, has_aux=True)(params)
        return jax.tree.map(lambda p, g: p - lr * g, params, gradient), outputs

    return jax.lax.scan(step, params, length=steps)
