"""Ordinary differential equations of any pytree: fixed Runge-Kutta steps, Dormand-Prince 5(4).

field(y, t) -> dy/dt, a pytree like y.  t and step sizes are [], or have leading axes of the leaves,
[B] or [B, 1]: every sample has its own clock then.  Integers and 16-bit numbers are taken as floats
of 32 bits or more, the clock too; a state may be complex.

Shapes: B batch, N steps, S stages.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, reals, unit

Array = jax.Array
Field = Callable[..., Any]


class Tableau(NamedTuple):
    """An explicit Runge-Kutta method: nodes c [S], rows a [S][<S], weights b [S]."""

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]


EULER = Tableau((0.0,), ((),), (1.0,))
HEUN = Tableau((0.0, 1.0), ((), (1.0,)), (0.5, 0.5))
RK4 = Tableau(
    (0.0, 0.5, 0.5, 1.0), ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)
)
DOPRI5 = Tableau(
    (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0),
)
# Fifth-order weights minus the embedded fourth-order ones: the local error estimate.
DOPRI5_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


def expand(t, x: Array) -> Array:
    """t [] or [B] with trailing axes of one, as x [B, ...] has axes.  Errors: ValueError."""
    t = jnp.asarray(t)
    if any(a != b and 1 not in (a, b) for a, b in zip(t.shape, x.shape, strict=False)):
        raise ValueError(f"t must have leading axes of x, {list(x.shape)}, not {list(t.shape)}")
    return t.reshape(t.shape + (1,) * (x.ndim - t.ndim))


def _state(name: str, y):
    """The leaves as arrays of 32 bits or more.  Errors: ValueError where there are none."""
    y = jax.tree.map(lambda a: jnp.asarray(a) if jnp.iscomplexobj(a) else _real(name, a), y)
    if not sum(a.size for a in jax.tree.leaves(y)):
        raise ValueError(f"{name} has no numbers")
    return y


def _real(name: str, x, **how):
    """An array; of a Python number one that takes the type of others."""
    if type(x) in (bool, int, float):
        x, _ = float(x), reals(name, x, **how)
        return jnp.asarray(x)
    return jnp.asarray(reals(name, x, **how))


def _clock(y):
    """The real type of a state."""
    return jnp.finfo(jnp.result_type(*jax.tree.leaves(y))).dtype


def _combine(y, h, weights, slopes):
    """y + h sum_k weights_k slopes_k, leaf by leaf; h [] or [B]."""

    def leaf(y0, *ks):
        total = sum(w * k for w, k in zip(weights, ks, strict=False) if w)
        return (y0 + expand(h, y0) * total).astype(y0.dtype)

    return jax.tree.map(leaf, y, *slopes[: len(weights)])


def integrate(
    field: Field, y0, times: Array, *, tableau: Tableau = HEUN, embed: Callable | None = None
):
    """y at the last of `times` [N+1] by N fixed steps; order 1, 2, 4 for EULER, HEUN, RK4.

    `embed(t)` is what the field takes in place of t, computed for all stages before the loop.
    """
    return _march(field, y0, times, tableau, embed, keep=False)[0]


def path(field: Field, y0, times: Array, *, tableau: Tableau = RK4):
    """y at all `times` [N+1], each leaf [N+1, ...], by one fixed step from each to the next."""
    y0 = _state("y0", y0)
    _, states = _march(field, y0, times, tableau, None, keep=True)
    return jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest]), y0, states)


def _march(field, y0, times, tableau, embed, *, keep: bool):
    """(the last y, every y after a step if kept)."""
    sizes = shapes.check("times", times, "N")
    if not sizes["N"]:
        raise ValueError("times has no times, not even the first")
    y0, times = _state("y0", y0), _real("times", times)
    steps = jnp.diff(times)
    nodes = times[:-1, None] + steps[:, None] * jnp.asarray(tableau.c, times.dtype)
    nodes = nodes if embed is None else jax.vmap(jax.vmap(embed))(nodes)

    def body(y, step):
        h, stage_nodes = step
        slopes: list = []
        for k, row in enumerate(tableau.a):
            node = jax.tree.map(lambda leaf, k=k: leaf[k], stage_nodes)
            slopes.append(field(_combine(y, h, row, slopes) if row else y, node))
        y = _combine(y, h, tableau.b, slopes)
        return y, y if keep else None

    return jax.lax.scan(body, y0, (steps, nodes))


def advance(field: Field, y, t, span, *, steps: int, tableau: Tableau = RK4):
    """y after `steps` equal steps that last `span` together, from the time t.

    The stages are a loop, so that a long field is compiled once: for methods whose stages each
    start from the slope before them alone (EULER, HEUN, RK4).  Errors: ValueError for others.
    """
    if any(w for row in tableau.a for w in row[:-1]):
        raise ValueError("advance needs a method whose stages use the last slope alone")
    at_least(1, steps=steps)
    y, t, span = _state("y", y), _real("t", t), _real("span", span)
    before = [0.0, *(row[-1] for row in tableau.a[1:])]
    rows = jnp.array(list(zip(before, tableau.b, strict=True)), _clock(y))
    nodes = jnp.asarray(tableau.c, rows.dtype)

    def step(i, y):
        h = span / steps

        def stage(carry, row):
            slope, total = carry
            (a, b), c = row
            moved = jax.tree.map(lambda y, k: y + expand(a * h, y) * k, y, slope)
            slope = field(moved, t + (i + c) * h)
            return (slope, jax.tree.map(lambda s, k: s + b * k, total, slope)), None

        zero = jax.tree.map(jnp.zeros_like, y)
        (_, total), _ = jax.lax.scan(stage, (zero, zero), (rows, nodes))
        return jax.tree.map(lambda y, s: y + expand(h, y) * s, y, total)

    return jax.lax.fori_loop(0, steps, step, y)


class Solution(NamedTuple):
    """Where an adaptive solve ended. `success` is False where t1 was not reached."""

    y: Any
    t: Array  # [] or [B]
    accepted: Array
    rejected: Array
    nfe: Array  # [] calls of the field, each on the whole batch
    success: Array  # [] or [B] bool


class _State(NamedTuple):
    y: Any
    slope: Any  # field at (y, t): first stage of the next step, last of the one accepted
    t: Array
    h: Array
    retry: Array  # the last attempt was refused: the step must not grow
    stuck: Array  # the step fell under the resolution of t
    accepted: Array
    rejected: Array
    tries: Array


class _Problem(NamedTuple):
    """What stays the same during an adaptive solve."""

    field: Field
    end: Array
    sign: Array
    rtol: Any
    atol: Any
    per_sample: bool

    def scale(self, *ys):
        """atol + rtol |y|, the larger of the states given."""
        largest = lambda *v: jnp.max(jnp.abs(jnp.stack(v)), axis=0)  # noqa: E731
        return jax.tree.map(lambda *v: self.atol + self.rtol * largest(*v), *ys)

    def norm(self, tree):
        """Root mean square over all elements -> [], or over all of each sample -> [B]."""
        leaves = jax.tree.leaves(jax.tree.map(jnp.abs, tree))
        lead = leaves[0].shape[0] if self.per_sample else 1
        rows = [v.reshape(lead, -1) for v in leaves]
        u = unit(
            jnp.concatenate([jnp.max(v, axis=1, keepdims=True, initial=0) for v in rows], 1), 1
        )
        total = sum(jnp.sum(jnp.square(v / u), axis=1) for v in rows)
        mean = total / (sum(v.size for v in leaves) // lead)
        root = jnp.sqrt(mean) * u[:, 0]
        return root if self.per_sample else root[0]

    def running(self, s: _State):
        return (s.t != self.end) & ~s.stuck


def _first_step(at: _Problem, y, slope, t, span):
    """Hairer, Norsett & Wanner I, section II.4: one Euler step tells the second derivative."""
    scale = at.scale(y)
    d0, d1 = (at.norm(jax.tree.map(jnp.divide, v, scale)) for v in (y, slope))
    tiny = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = jnp.minimum(jnp.where(tiny, 1e-6, 0.01 * d0 / jnp.where(tiny, 1.0, d1)), span)
    other = at.field(_combine(y, at.sign * h0, (1.0,), (slope,)), t + at.sign * h0)
    d2 = at.norm(jax.tree.map(lambda a, b, s: (a - b) / s, other, slope, scale)) / h0
    top = jnp.minimum(jnp.maximum(d1, d2), jnp.finfo(d1.dtype).max)
    h1 = jnp.where(
        top <= 1e-15, jnp.maximum(1e-6, 1e-3 * h0), (0.01 / jnp.maximum(top, 1e-15)) ** (1 / 5)
    )
    return jnp.minimum(jnp.minimum(100 * h0, h1), span)


def _attempt(at: _Problem, s: _State) -> _State:
    """One step, taken where its error is small; the length of the next."""
    left = jnp.abs(at.end - s.t)
    h = jnp.minimum(s.h, left)
    t_new = jnp.where(h >= left, at.end, s.t + at.sign * h)
    h = jnp.abs(t_new - s.t)  # what the clock moves by, to the last digit
    slopes = [s.slope]
    for c, row in zip(DOPRI5.c[1:], DOPRI5.a[1:], strict=True):
        y_new = _combine(s.y, at.sign * h, row, slopes)  # the last row is the step itself
        slopes.append(at.field(y_new, t_new if c == 1.0 else s.t + c * at.sign * h))
    zero = jax.tree.map(jnp.zeros_like, s.y)
    error = _combine(zero, h, DOPRI5_ERROR, slopes)
    err = at.norm(jax.tree.map(jnp.divide, error, at.scale(s.y, y_new)))
    ok = err < 1.0  # False for NaN
    go = at.running(s)
    growth = jnp.where(err == 0.0, 10.0, 0.9 * jnp.where(err > 0, err, 1.0) ** -0.2)
    growth = jnp.where(jnp.isfinite(err), jnp.clip(growth, 0.2, 10.0), 0.2)
    growth = jnp.where(~ok | s.retry, jnp.minimum(growth, 1.0), growth)
    take = ok & go

    def keep(new, old):
        return jnp.where(expand(take, new), new, old)

    return _State(
        y=jax.tree.map(keep, y_new, s.y),
        slope=jax.tree.map(keep, slopes[-1], s.slope),
        t=jnp.where(take, t_new, s.t),
        h=jnp.where(go, h * growth, s.h),
        retry=go & ~ok,
        stuck=s.stuck | (go & ~ok & (h <= 10 * jnp.spacing(jnp.abs(s.t)))),
        accepted=s.accepted + take,
        rejected=s.rejected + (go & ~ok),
        tries=s.tries + 1,
    )


def dopri5(
    field: Field,
    y0,
    t0,
    t1,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    max_steps: int = 1000,
    per_sample: bool = False,
) -> Solution:
    """Dormand-Prince 5(4) from t0 to t1 (either direction) in one lax.while_loop.

    Standard step control as in scipy's RK45 (safety 0.9, factors 0.2 to 10): the RMS of the local
    error over atol + rtol |y| stays under 1, over the whole batch or, with `per_sample`, for each
    sample with a clock t [B] of its own. A solve that runs out of `max_steps` attempts, meets a
    value that is not finite or a vanishing step comes back with success = False.
    Errors: ValueError for a y0, t0 or t1 that is empty, no number or, outside of jit, not finite.
    """
    at_least(1, max_steps=max_steps)
    y0, t0, t1 = _state("y0", y0), _real("t0", t0), _real("t1", t1)
    dtype = _clock(y0)
    shape = jax.tree.leaves(y0)[0].shape[:1] if per_sample else ()
    start, end = jnp.full(shape, t0, dtype), jnp.full(shape, t1, dtype)
    at = _Problem(field, end, jnp.sign(end - start), rtol, atol, per_sample)
    slope = field(y0, start)
    h = _first_step(at, y0, slope, start, jnp.abs(end - start)).astype(dtype)
    none, count = jnp.zeros(shape, bool), jnp.zeros(shape, jnp.int32)
    state = _State(y0, slope, start, h, none, none, count, count, jnp.zeros((), jnp.int32))
    s = jax.lax.while_loop(
        lambda s: jnp.any(at.running(s)) & (s.tries < max_steps), lambda s: _attempt(at, s), state
    )
    return Solution(s.y, s.t, s.accepted, s.rejected, 2 + 6 * s.tries, s.t == end)
