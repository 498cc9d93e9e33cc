"""Second-order dynamics x' = z, z' = -a z - b Hess f(x) z - p grad f(x), and what they leave.

Immersion (derived; README): a = gamma, b = c, p = c gamma, so that phi = z + c grad f falls as
e^(-gamma t).  Nesterov's method of step s (Shi et al. 2022): a = 2 sqrt m, b = sqrt s,
p = 1 + sqrt(m s); heavy ball's: the same with b = 0.

Shapes: T times, D parameters.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common import ode
from common.optim import first_order


class Terms(NamedTuple):
    damping: Any  # a
    hessian: Any  # b
    pull: Any  # p


def immersion(c, gamma, *, hessian=True, immersed=True) -> Terms:
    """hessian, immersed: False takes the term away, or leaves a pull of 1."""
    return Terms(gamma, c * hessian, c * gamma if immersed else 1.0)


def high_resolution(step, m, hessian=1.0) -> Terms:
    """hessian: 1 of Nesterov's method, 0 of heavy ball with its momentum."""
    root = jnp.sqrt(step)
    return Terms(2 * jnp.sqrt(m), hessian * root, 1 + root * jnp.sqrt(m))


def field(grad, terms: Terms):
    """As common.ode takes it, of the state (x, z)."""

    def at(state, t):
        del t
        x, z = state
        g, bent = jax.jvp(grad, (x,), (z,))
        return z, -terms.damping * z - terms.hessian * bent - terms.pull * g

    return at


def course(dynamics, state, *, kept: int, steps: int, span: float = 1.0):
    """The states at `kept` times from 0 to span, `steps` Runge-Kutta steps apart."""
    every = span / (kept - 1)

    def advance(state, _):
        return ode.advance(dynamics, state, 0.0, every, steps=steps), state

    return jax.lax.scan(advance, state, length=kept)[1]


def off_manifold(grad, c, states):
    """|z + c grad f(x)| at every time.  ([T, D], [T, D]) -> [T]"""
    x, z = states
    return jnp.linalg.norm(z + c * jax.vmap(grad)(x), axis=-1)


def modes(curvature, c, gamma, x0, z0, times):
    """x of the immersion on a quadratic, in closed form: modes -c h and -gamma.  -> [T, D]"""
    slow, t = c * curvature, times[:, None]
    phi = z0 + slow * x0  # x' + c h x = phi e^(-gamma t)
    fast = (jnp.exp(-slow * t) - jnp.exp(-gamma * t)) / (gamma - slow)
    return x0 * jnp.exp(-slow * t) + phi * fast


class Compared(NamedTuple):
    """A method beside dynamics: 1 or 0 each."""

    lookahead: Any  # the gradient at the extrapolated point: Nesterov's method, else heavy ball
    hessian: Any  # of the dynamics
    fine: Any  # 1: high resolution; 0: z' = -2 sqrt m z - grad f from rest


PAIRS = Compared(  # Nesterov's method and heavy ball by theirs, Nesterov's by the plain one
    lookahead=np.array([1.0, 0, 1]), hessian=np.array([1.0, 0, 0]), fine=np.array([1.0, 1, 0])
)


def tracking(grad, x0, step, compared: Compared, m, *, count: int, until, substeps: int):
    """sup |x_k - X(k sqrt s)| / |x_0| over k sqrt s <= until, of x_1 = x_0 - s grad f(x_0).

    X'(0) = -sqrt s grad f(x_0) / 2 has X(sqrt s) = x_1 up to s^(3/2).  count: steps at least.
    """
    root, q = jnp.sqrt(step), jnp.sqrt(m * step)
    beta = (1 - q) / (1 + q)
    tx = first_order.two_step(step, beta, beta * compared.lookahead)
    fine = high_resolution(step, m, compared.hessian)
    plain = Terms(fine.damping, 0.0, 1.0)
    terms = jax.tree.map(lambda a, b: jnp.where(compared.fine, a, b), fine, plain)
    dynamics = field(grad, terms)

    def advance(carry, k):
        y, state, flow, worst = carry
        updates, state = tx.update(grad(y), state)
        y = optax.apply_updates(y, updates)
        flow = ode.advance(dynamics, flow, 0.0, root, steps=substeps)
        off = jnp.linalg.norm(first_order.output(state, y) - flow[0])
        worst = jnp.maximum(worst, jnp.where(k * root <= until, off, 0.0))
        return (y, state, flow, worst), None

    start = (x0, -compared.fine * root / 2 * grad(x0))
    carry = (x0, tx.init(x0), start, jnp.zeros(()))
    worst = jax.lax.scan(advance, carry, jnp.arange(1, count + 1))[0][-1]
    return worst / jnp.linalg.norm(x0)


def steps_of(curvature, terms: Terms, x0, accuracy):
    """Runge-Kutta steps of a quadratic's dynamics until |x| <= accuracy |x_0|, from rest.

    A step is 2 over the fastest mode, near the longest that is stable (2.8).  -> []
    """
    a, b = terms.damping + terms.hessian * curvature, terms.pull * curvature
    root = jnp.sqrt(a**2 / 4 - b + 0j)
    step = 2 / jnp.max(jnp.maximum(jnp.abs(a / 2 + root), jnp.abs(a / 2 - root)))
    dynamics = field(lambda x: curvature * x, terms)
    small = accuracy * jnp.linalg.norm(x0)

    def advance(carry):
        state, k = carry
        return ode.advance(dynamics, state, 0.0, step, steps=1), k + 1

    start = ((x0, jnp.zeros_like(x0)), jnp.zeros((), int))
    return jax.lax.while_loop(lambda c: jnp.linalg.norm(c[0][0]) > small, advance, start)[1]


PORTRAIT_GAMMAS = (1.0, 5.0, 50.0)
STARTS = ((-2.0, 4.0), (2.0, -4.0), (2.0, 3.0), (-2.0, -3.0), (0.5, 6.0), (-0.5, -6.0))


def portraits(grad, c, span: float = 4.0, *, kept: int = 161):
    """Courses of the immersion in the phase plane.  -> [gamma, start, T, (x, z)]"""

    def of(gamma, start):
        dynamics = field(grad, immersion(c, gamma))
        states = course(dynamics, (start[0], start[1]), kept=kept, steps=5, span=span)
        return jnp.stack(states, axis=1)

    each = jax.vmap(jax.vmap(of, (None, 0)), (0, None))
    return each(jnp.array(PORTRAIT_GAMMAS), jnp.array(STARTS))
