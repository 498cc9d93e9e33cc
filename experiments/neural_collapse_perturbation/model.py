"""Features H kept near given ones H_0, under an optimal last layer W: minimiser and flow.

f(W, H) = (|W H - Y|^2 + lambda_H |H|^2 + beta |H - H_0|^2) / 2 K n + lambda_W |W|^2 / 2 K.
With C = H H^T / n and M = H Y^T / n (balanced classes: class means)
    W*(H) = M^T (C + lambda_W)^-1,
    H*(W) = (W^T W + lambda_H + beta)^-1 (W^T Y + beta H_0).

Shapes: d width, K classes, N = K n examples; H [d, N], Y one-hot [K, N], W [K, d].
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve

from common import ode
from common.nn import collapse


class Penalty(NamedTuple):
    last: jax.Array  # lambda_W []
    features: jax.Array  # lambda_H []
    vicinity: jax.Array  # beta []


def objective(W, H, H0, Y, penalty):
    """f.  -> []"""
    examples, classes = Y.shape[1], len(Y)
    squares = jnp.sum((W @ H - Y) ** 2) + penalty.features * jnp.sum(H**2)
    squares += penalty.vicinity * jnp.sum((H - H0) ** 2)
    return squares / (2 * examples) + penalty.last * jnp.sum(W**2) / (2 * classes)


def weights(moment, mean, last):
    """W*.  moment H H^T / n [d, d], mean H Y^T / n [d, K] -> [K, d]"""
    return positive_solve(moment + last * jnp.eye(len(moment)), mean).T


def optimal(H, Y, last):
    """W*(H).  -> [K, d]"""
    per_class = Y.shape[1] / len(Y)
    return weights(H @ H.T / per_class, H @ Y.T / per_class, last)


def affine(W, penalty):
    """H*(W) = R H_0 + U Y.  -> R [d, d], U [d, K]"""
    dim = W.shape[1]
    curvature = W.T @ W + (penalty.features + penalty.vicinity) * jnp.eye(dim)
    both = positive_solve(curvature, jnp.hstack([penalty.vicinity * jnp.eye(dim), W.T]))
    return both[:, :dim], both[:, dim:]


def positive_solve(matrix, right):
    return cho_solve(cho_factor(matrix), right)


def minimise(H0, Y, penalty, *, tol, most):
    """Alternate W*(H) and H*(W) from H = H_0; f never rises.

    A turn takes W to W and meets H_0 by its moments alone, d x d and d x K. It ends at a relative
    change of W below tol, after `most` turns at the latest.  -> H, turns taken []
    """
    per_class = Y.shape[1] / len(Y)
    moment0, mean0 = H0 @ H0.T / per_class, H0 @ Y.T / per_class

    def turn(state):
        W, _, turns = state
        R, U = affine(W, penalty)
        pulled = R @ mean0
        cross = pulled @ U.T
        moment = R @ moment0 @ R.T + cross + cross.T + U @ U.T
        new = weights(moment, pulled + U, penalty.last)
        return new, jnp.linalg.norm(new - W) / jnp.linalg.norm(new), turns + 1

    def goes_on(state):
        return (state[1] > tol) & (state[2] < most)

    start = weights(moment0, mean0, penalty.last), jnp.array(jnp.inf), jnp.array(0)
    W, _, turns = jax.lax.while_loop(goes_on, turn, start)
    R, U = affine(W, penalty)
    return R @ H0 + U @ Y, turns


def solve(H0, Y, penalty, *, labels, tol, most):
    """The minimiser H [d, N], and `metrics` of H_0 and of H for the labels.  -> H, [2, 2]"""
    H, _ = minimise(H0, Y, penalty, tol=tol, most=most)
    return H, jax.vmap(partial(metrics, labels=labels))(jnp.stack([H0, H]))


def chain(H0, Y, penalty, *, labels, layers, tol, most):
    """`metrics` of H_0, of its minimiser, of the minimiser of that ...  -> [1 + layers, 2]"""

    def layer(H, _):
        return minimise(H, Y, penalty, tol=tol, most=most)[0], metrics(H, labels)

    return jax.lax.scan(layer, H0, length=1 + layers)[1]


def field(H, Y, penalty):
    """dH/dt = W^T Y - W^T W H - lambda_H H at W = W*(H): the central path.  -> [d, N]"""
    W = optimal(H, Y, penalty.last)
    return W.T @ (Y - W @ H) - penalty.features * H


def flow(H0, Y, penalty, labels, *, span, records, steps):
    """NC1 and tr Sigma_W / tr Sigma_B at equally spaced times of the flow, H_0 first.

    labels [K, N] are those the metrics are for; `steps` of fourth order between two records.
    -> [2, records + 1]
    """

    def record(H, _):
        moved = ode.advance(lambda H, t: field(H, Y, penalty), H, 0.0, span / records, steps=steps)
        return moved, metrics(H, labels)

    return jax.lax.scan(record, H0, length=records + 1)[1].T


def link(H0, Y, penalty, *, pace, steps, tol, most):
    """|minimiser at beta - flow at the time pace / beta| / |H_0|.  -> []"""
    found, _ = minimise(H0, Y, penalty, tol=tol, most=most)
    span = pace / penalty.vicinity
    flowed = ode.advance(lambda H, t: field(H, Y, penalty), H0, 0.0, span, steps=steps)
    return jnp.linalg.norm(found - flowed) / jnp.linalg.norm(H0)


def metrics(H, labels):
    """NC1 (directions below 1e-8 of the largest left out), ratio of traces.  -> [2]"""
    return jnp.stack([collapse.variability(H, labels, rcond=1e-8), collapse.trace_ratio(H, labels)])
