"""Entropic transport by its dual: Sinkhorn's sweeps, plan, potential, gradient, Hessian.

min <C, P> + (1 / eta) sum P log P over P 1 = r, P^T 1 = c has the concave dual

    f(x, y) = r.x + c.y - (1 / eta) sum_ij P_ij,   P_ij = exp(eta (x_i + y_j - C_ij) - 1)

with gradient (r - P 1, c - P^T 1) and Hessian -eta [[diag(P 1), P], [P^T, diag(P^T 1)]], whose null
direction (1, -1) is a freedom of the potentials: compare plans.  Cuturi 2013 (arXiv 1306.0895);
absorption: Schmitzer 2019 (arXiv 1610.06519).  Float32 meets marginals to some 1e-6 of the mass.

Shapes: n sources, m targets.  cost [n, m], masses r [n] and c [m] of equal sum; x [n] and y [m] in
units of the cost; eta [] in one over these: large is little entropy.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, held, real_arrays, reals, refuted

Array = jax.Array | np.ndarray
SAID = "eta is too small or too large for cost, r and c"


class Solution(NamedTuple):
    """Potentials, their L1 error of the marginals, and the errors after every sweep."""

    x: jax.Array  # [n]
    y: jax.Array  # [m]
    error: jax.Array  # [] |P 1 - r|_1 + |P^T 1 - c|_1
    steps: jax.Array  # [] how many were taken
    errors: jax.Array  # [sweeps]; the last one is repeated


def problem(cost: Array, r: Array, c: Array, eta) -> tuple[jax.Array, ...]:
    """The four as arrays of one dtype.

    Errors: ValueError for shapes and none; where known, for what is not finite, masses and an eta
    that are not positive, masses whose sums differ.
    """
    sizes = shapes.check("cost", cost, "n m")
    at_least(1, **{"n of cost": sizes["n"], "m of cost": sizes["m"]})
    shapes.check("r", r, "n", sizes)
    shapes.check("c", c, "m", sizes)
    shapes.check("eta", eta, "")
    cost, r, c = (jnp.asarray(reals(*p)) for p in (("cost", cost), ("r", r), ("c", c)))
    kind = jnp.result_type(cost, r, c)
    for name, x in (("r", r), ("c", c), ("eta", reals("eta", eta))):
        if refuted(lambda x: x > 0, x):
            raise ValueError(f"{name} must be positive")
    near = float(np.sqrt(jnp.finfo(kind).eps))
    if refuted(lambda r, c: abs(r.sum() - c.sum()) <= near * r.sum(), r, c):
        raise ValueError("r and c must have the same mass")
    return cost.astype(kind), r.astype(kind), c.astype(kind), jnp.asarray(eta, kind)


def sinkhorn(
    cost: Array,
    r: Array,
    c: Array,
    eta,
    *,
    start: Array | None = None,
    tol: float = 1e-9,
    sweeps: int | Array = 10_000,
    absorb: int = 50,
    history: bool = True,
) -> Solution:
    """Sweeps, rows then columns, until the rows' error is at most tol; the columns' is rounding.

    Of every `absorb` sweeps one is in the log domain, the others rescale the plan it leaves, which
    costs two products with a matrix in place of 2 n m exponentials; 1: all in the log domain. A
    rescaling that nears the range of the dtype is dropped, so both give the same numbers.
    start [m]: y to begin with, zero if none. history=False: no errors are kept, and a program may
    be told the number of sweeps when it runs.
    Errors: as `problem`, and outside of jit for potentials beyond the dtype.
    """
    at_least(1, absorb=absorb, **({"sweeps": sweeps} if history else {}))
    cost, r, c, eta = problem(cost, r, c, eta)
    start = np.zeros(cost.shape[1]) if start is None else start
    shapes.check("start", start, "m", {"m": cost.shape[1]})
    scaled, b = eta * cost, eta * jnp.asarray(reals("start", start), cost.dtype)
    errors = jnp.zeros(int(sweeps) if history else 0, cost.dtype)
    far, none = jnp.asarray(jnp.inf, r.dtype), jnp.zeros((), int)
    begun = _Sweeps(jnp.zeros_like(r), b, _logsumexp(b - scaled, 1), errors, none, far)

    def unfinished(s):
        return (s.error > tol) & (s.done < sweeps)

    def turn(s):
        s = _in_logs(s, scaled, r, c)
        if absorb == 1:
            return s
        last = jnp.minimum(s.done + absorb - 1, sweeps)
        return _in_scale(s, scaled, r, c, lambda t: (t.error > tol) & (t.done < last))

    s = jax.lax.while_loop(unfinished, turn, begun)
    x, y = s.a / eta, s.b / eta
    held(SAID, x, y)
    errors = jnp.where(jnp.arange(len(errors)) < s.done, s.errors, s.error)
    return Solution(x, y, s.error, s.done, errors)


class _Sweeps(NamedTuple):
    """Potentials times eta, log row sums of exp(b - eta C), and what was done."""

    a: jax.Array
    b: jax.Array
    rows: jax.Array
    errors: jax.Array
    done: jax.Array
    error: jax.Array

    def then(self, a, b, rows, error) -> "_Sweeps":
        errors = self.errors.at[self.done].set(error) if len(self.errors) else self.errors
        return _Sweeps(a, b, rows, errors, self.done + 1, error)


def _in_logs(s: _Sweeps, scaled, r, c) -> _Sweeps:
    """A sweep; its row sums are the next one's too."""
    a = jnp.log(r) + 1 - s.rows
    b = jnp.log(c) + 1 - _logsumexp(a[:, None] - scaled, 0)
    rows = _logsumexp(b - scaled, 1)
    return s.then(a, b, rows, jnp.sum(abs(jnp.exp(a + rows - 1) - r)))


def _in_scale(s: _Sweeps, scaled, r, c, unfinished) -> _Sweeps:
    """Sweeps that scale rows and columns of the plan of s, or s where they leave the range.

    Entries of the plan below the least normal number are lost: scales whose product stays below
    its root cannot bring them back to where they count.
    """
    kernel = jnp.exp(s.a[:, None] + s.b - 1 - scaled)

    def sweep(t):
        s, _, v, mass = t
        u = r / mass
        v = c / (u @ kernel)
        mass = kernel @ v
        return s.then(s.a, s.b, s.rows, jnp.sum(abs(u * mass - r))), u, v, mass

    begun = s, jnp.ones_like(r), jnp.ones_like(c), kernel.sum(axis=1)
    t, u, v, mass = jax.lax.while_loop(lambda t: unfinished(t[0]), sweep, begun)
    log_u, log_v = jnp.log(u), jnp.log(v)
    limit = -np.log(float(jnp.finfo(r.dtype).tiny)) / 4
    safe = jnp.maximum(jnp.max(abs(log_u)), jnp.max(abs(log_v))) < limit  # false where nan
    found = t._replace(a=s.a + log_u, b=s.b + log_v, rows=jnp.log(mass) + 1 - s.a)
    return jax.tree.map(lambda new, old: jnp.where(safe, new, old), found, s)


def _logsumexp(x, axis):
    """Of finite numbers: what jax.nn.logsumexp does for infinities costs a third more."""
    largest = x.max(axis=axis, keepdims=True)
    return (largest + jnp.log(jnp.exp(x - largest).sum(axis=axis, keepdims=True))).squeeze(axis)


def plan(cost: Array, eta, x: Array, y: Array) -> jax.Array:
    """P_ij = exp(eta (x_i + y_j - C_ij) - 1).  -> [n, m]

    Errors: ValueError for shapes and, outside of jit, beyond the dtype.
    """
    shapes.check("y", y, "m", shapes.check("x", x, "n", shapes.check("cost", cost, "n m")))
    cost, eta, x, y = real_arrays(cost=cost, eta=eta, x=x, y=y)
    found = jnp.exp(eta.astype(cost.dtype) * (x[:, None] + y - cost) - 1)
    held("x, y and eta are too large for cost", found)
    return found


def potential(cost: Array, r: Array, c: Array, eta, x: Array, y: Array) -> jax.Array:
    """f(x, y), concave; at its maximum <C, P> + (1 / eta) sum P log P.  -> []"""
    cost, r, c, eta = problem(cost, r, c, eta)
    p = plan(cost, eta, x, y)
    return r @ x + c @ y - p.sum() / eta


def gradient(p: Array, r: Array, c: Array) -> tuple[jax.Array, jax.Array]:
    """Of f, from a plan p [n, m]: what is missing of the masses.  -> [n], [m]"""
    sizes = shapes.check("p", p, "n m")
    shapes.check("r", r, "n", sizes)
    shapes.check("c", c, "m", sizes)
    p, r, c = map(jnp.asarray, real_arrays(p=p, r=r, c=c))
    return r - p.sum(axis=1), c - p.sum(axis=0)


def marginal_error(p: Array, r: Array, c: Array) -> jax.Array:
    """|P 1 - r|_1 + |P^T 1 - c|_1 of a plan p [n, m].  -> []"""
    rows, columns = gradient(p, r, c)
    return jnp.sum(abs(rows)) + jnp.sum(abs(columns))


def hessian_product(p: Array, eta, u: Array, v: Array) -> tuple[jax.Array, jax.Array]:
    """The Hessian of f times (u, v), from a plan p [n, m].  u [n], v [m] -> [n], [m]"""
    shapes.check("v", v, "m", shapes.check("u", u, "n", shapes.check("p", p, "n m")))
    p, eta, u, v = real_arrays(p=p, eta=eta, u=u, v=v)
    rows, columns = p.sum(axis=1) * u + p @ v, p.sum(axis=0) * v + u @ p
    return -eta.astype(rows.dtype) * rows, -eta.astype(rows.dtype) * columns
