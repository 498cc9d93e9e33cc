"""What m and the networks that replace it say of points and of counterfactuals.

Shapes: M networks, m the first, P points, N rows, Q queries, W ways, S seeds, k noisy points, d
features.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from . import nets, outliers, search, stability


def turns(table, params, draw, bases: int) -> dict:
    """What is known while one of the networks is m: rows, test rows, m and the new ones, draws.

    leaves [S, ...], of networks [S, all, ...], of draws [S, bases, ...] -> name -> [S bases, ...]
    """
    all_networks = len(jax.tree.leaves(params)[0][0])
    order = np.array([[b, *range(bases, all_networks)] for b in range(bases)])
    flat = lambda a: a.reshape(-1, *a.shape[2:])  # noqa: E731
    rows = {"x": table.x, "pool": table.pool, "truth": table.truth}
    out = {name: a.repeat(bases, axis=0) for name, a in rows.items()}
    out |= {name: flat(draw[name]) for name in ("noise", "fresh", "stray", "cube")}
    return out | {"params": jax.tree.map(lambda a: flat(a[:, order]), params)}


def said(params, x: Array) -> Array:
    """Predictions, network after network.  params [M, ...], x [..., d] -> [M, ...]"""
    return jax.lax.map(lambda one: nets.predict(one, x), params)


def validity(predictions: Array) -> Array:
    """Share of the new networks that accept.  [M, ...] -> [...]"""
    return (predictions[1:] >= 0.5).mean(0, dtype=float)


def firsts(wanted: Array, count: int) -> Array:
    """Places of the first ones of which something is true, then of others.  bool [P] -> [count]"""
    return jax.lax.top_k(wanted.astype(int), count)[1]


def of_points(params, x: Array, truth: Array, noise: Array, ranked: int) -> dict[str, Array]:
    """Of all test points: accuracy [M]; distances of the new networks from m, |theta_M - theta_m|
    over |theta_m|, and mean |M - m| [M - 1]. Of some that m accepts: Stability, m, validity.

    x [P, d], truth [P], noise [k, d] -> the last [3, ranked]
    """
    all_said = said(params, x)
    seen = firsts(all_said[0] >= 0.5, ranked)
    R = stability.of_many(nets.first(params), x[seen], noise)
    own = optax.tree.norm(jax.tree.map(lambda a: a[0], params))
    gone = jax.tree.map(lambda a: a[1:] - a[0], params)
    return {
        "accuracy": ((all_said >= 0.5) == truth).mean(1, dtype=float),
        "parameters": jax.vmap(optax.tree.norm)(gone) / own,
        "predictions": jnp.abs(all_said[1:] - all_said[0]).mean(1),
        "ranked": jnp.stack([R, all_said[0, seen], validity(all_said[:, seen])]),
    }


def of_ways(params, queries: Array, ways: Array, rows: Array, noise: Array, neighbours: int):
    """Of counterfactuals [W, Q, d]: validity, L1, Stability, m, LOF among accepted rows [N, d].

    -> name -> [W, Q]
    """
    m, flat = nets.first(params), ways.reshape(-1, ways.shape[-1])
    all_said = said(params, flat)
    each = {
        "valid": validity(all_said),
        "confidence": all_said[0],
        "stability": stability.of_many(m, flat, noise),
        "factor": outliers.factor(flat, rows, m(rows) >= 0.5, neighbours),
    }
    each = {name: value.reshape(ways.shape[:2]) for name, value in each.items()}
    return each | {"cost": search.cost(ways, queries)}


def in_plane(params, queries: Array, base: Array, ends: Array, side: int) -> dict[str, Array]:
    """Predictions in the plane of the query whose base is dearest, this, and its end; see
    `search.plane`.  queries, base, ends [Q, d] -> plane [M, side, side], plane_axes, plane_at
    """
    dearest = search.cost(base, queries).argmax()
    seen = search.plane(*(a[dearest] for a in (queries, base, ends)), side)
    grid = seen.pop("grid")
    return {"plane": said(params, grid)} | {f"plane_{name}": x for name, x in seen.items()}
