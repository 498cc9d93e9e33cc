"""Iterates x_k of first-order methods, their rates and the steps they need.

Shapes: K steps, F functions, D parameters.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common import loops
from common.optim import first_order


def method(name: str, L, m) -> optax.GradientTransformation:
    """Of first_order, or "tuned_ball": heavy ball with Nesterov's step and momentum."""
    if name != "tuned_ball":
        return getattr(first_order, name)(L, m)
    q = jnp.sqrt(m / jnp.asarray(L))
    return first_order.two_step(1 / L, (1 - q) / (1 + q))


def plain(L) -> optax.GradientTransformation:
    """Gradient descent of step 1 / L."""
    return first_order.two_step(1 / L, 0.0)


def iterates(tx, grad, x0, steps: int):
    """x_0 .. x_steps.  x0 [...] -> [K + 1, ...]"""

    def advance(carry, _):
        y, state = carry
        updates, new = tx.update(grad(y), state)
        return (optax.apply_updates(y, updates), new), first_order.output(state, y)

    return jax.lax.scan(advance, (x0, tx.init(x0)), length=steps + 1)[1]


def lengths(tx, grad, x0, steps: int):
    """|x_k| for k = 0 .. steps.  x0 [D] -> [K + 1]"""
    return jnp.linalg.norm(iterates(tx, grad, x0, steps), axis=-1)


def gaps(tx, grad, gap, x0, at):
    """gap(x_k) at the steps k of `at` int [K].  -> [K]"""

    def step(carry):
        y, state = carry
        updates, state = tx.update(grad(y), state)
        return optax.apply_updates(y, updates), state

    def observe(carry):
        y, state = carry
        return gap(first_order.output(state, y))

    return loops.trajectory(step, observe, (x0, tx.init(x0)), np.diff(at, prepend=0))[1]


def rates(sizes, first: int, last: int):
    """Contraction a step between two steps, of the largest size from each on; 0 of what is 0.

    The envelope, since momentum oscillates.  sizes [K + 1, F] -> [F]
    """
    before, after = sizes[first:].max(0), sizes[last:].max(0)
    return (after / jnp.where(before > 0, before, 1)) ** (1 / (last - first))


def steps_to(tx, curvature, x0, accuracy):
    """Steps of a method until |x_k| <= accuracy |x_0|, on a quadratic.  -> []"""
    small = accuracy * jnp.linalg.norm(x0)

    def on(carry):
        y, state, _ = carry
        return jnp.linalg.norm(first_order.output(state, y)) > small

    def advance(carry):
        y, state, k = carry
        updates, state = tx.update(curvature * y, state)
        return optax.apply_updates(y, updates), state, k + 1

    return jax.lax.while_loop(on, advance, (x0, tx.init(x0), jnp.zeros((), int)))[2]
