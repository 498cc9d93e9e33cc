"""First-order methods for L-smooth, m-strongly convex f, in their exact forms.

All are one iteration, with v_k = xi_k - xi_(k-1), v_0 = 0:

    y_k = xi_k + gamma v_k;   v_(k+1) = beta v_k - alpha grad f(y_k);   x_k = xi_k + delta v_k

The gradient is taken at y_k, so the parameters that optax moves are y_k, from y_0 = xi_0 = x_0 on,
and the method's answer is `output(state, params)` = x_k:

    tx = first_order.triple_momentum(L, m)
    updates, state = tx.update(grad(f)(y), state)
    y = optax.apply_updates(y, updates)
    x = first_order.output(state, y)

In a chain it comes last; what comes before it is its gradient.  L and m may be traced.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common.reals import reals, refuted

Coefficient = Any  # a number, or k -> its value at y_k


class TwoStepState(NamedTuple):
    count: Any  # k
    velocity: Any  # v_k
    ahead: Any  # delta - gamma at k: x_k = y_k + ahead v_k


def two_step(
    alpha: Coefficient, beta: Coefficient, gamma: Coefficient = 0.0, delta: Coefficient = 0.0
) -> optax.GradientTransformation:
    """The iteration above; a coefficient is a number or a function of k."""
    at = [c if callable(c) else _constant(c) for c in (alpha, beta, gamma, delta)]

    def init(params):
        k = jnp.zeros((), jnp.int32)
        return TwoStepState(k, jax.tree.map(jnp.zeros_like, params), _ahead(at, k))

    def update(grads, state, params=None):
        del params
        k, old = state.count, state.velocity
        a, b, before, _ = (c(k) for c in at)
        after = at[2](k + 1)
        new = jax.tree.map(lambda v, g: (b * v - a * g).astype(v.dtype), old, grads)
        moved = jax.tree.map(lambda v, u: ((1 + after) * v - before * u).astype(v.dtype), new, old)
        return moved, TwoStepState(k + 1, new, _ahead(at, k + 1))

    return optax.GradientTransformation(init, update)


def output(state: Any, params: Any) -> Any:
    """x_k, the method's answer, from the state (also that of a chain) and params y_k."""
    own = optax.tree.get(state, "TwoStepState")
    if own is None:
        raise ValueError("state must be that of a method of first_order")
    return jax.tree.map(lambda y, v: (y + own.ahead * v).astype(y.dtype), params, own.velocity)


def gradient_descent(L, m) -> optax.GradientTransformation:
    """Step 2 / (L+m): |x_k - x*| falls by (kappa-1) / (kappa+1) a step, kappa = L/m."""
    L, m = _moduli(L, m)
    return two_step(2 / (L + m), 0.0)


def heavy_ball(L, m) -> optax.GradientTransformation:
    """Polyak 1964: rate (sqrt kappa - 1) / (sqrt kappa + 1) on quadratics; elsewhere it may cycle
    (Lessard, Recht & Packard 2016)."""
    L, m = _moduli(L, m)
    p, q = jnp.sqrt(L), jnp.sqrt(m)
    return two_step(4 / (p + q) ** 2, ((p - q) / (p + q)) ** 2)


def nag_sc(L, m) -> optax.GradientTransformation:
    """Nesterov's method, constant momentum: rate sqrt(1 - 1/sqrt kappa) for |x_k - x*|."""
    L, m = _moduli(L, m)
    p, q = jnp.sqrt(L), jnp.sqrt(m)
    beta = (p - q) / (p + q)
    return two_step(1 / L, beta, beta)


def nag_c(L) -> optax.GradientTransformation:
    """Nesterov's method for m = 0, momentum (k-1) / (k+2): f(x_k) - f* <= 2L |x_0-x*|^2 / (k+1)^2.

    Su, Boyd & Candes 2016, eq. 1.
    """
    L, _ = _moduli(L, L)
    return two_step(1 / L, _growing, _growing)


def triple_momentum(L, m) -> optax.GradientTransformation:
    """Van Scoy, Freeman & Lynch 2018: |x_k - x*| = O(rho^k), rho = 1 - 1/sqrt kappa.

    The rate is that of `output`, x_k.
    """
    L, m = _moduli(L, m)
    rho = 1 - jnp.sqrt(m / L)
    gamma = rho**2 / ((1 + rho) * (2 - rho))
    delta = jnp.where(rho < 1, rho**2 / (1 - rho**2), 0.0)
    return two_step((1 + rho) / L, rho**2 / (2 - rho), gamma, delta)


def _growing(k):
    k = jnp.asarray(k, float)  # int32 / int32 has 32 bits
    return jnp.maximum(k - 1, 0) / (k + 2)


def _constant(value) -> Callable:
    return lambda k: value


def _ahead(at, k):
    return jnp.asarray(at[3](k) - at[2](k), float)


def _moduli(L, m):
    """L >= m > 0 as arrays."""
    L, m = (jnp.asarray(reals(name, x)) for name, x in (("L", L), ("m", m)))
    if L.shape != () or m.shape != ():
        raise ValueError(f"L and m must be numbers, not of shapes {L.shape} and {m.shape}")
    if refuted(lambda L, m: np.logical_and(m > 0, m <= L), L, m):
        raise ValueError(f"L and m must keep 0 < m <= L, not {L} and {m}")
    return L, m
