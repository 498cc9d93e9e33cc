"""Closed forms against inverses and treks, ranks of Jacobians, a fibre, a search of the ideal."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import connections, fibre, graphs, hunt, listing, ranks, search

NAMES = "lengths", "covariances", "treks", "points", "others", "larger", "fibre", "search"
CHUNK = 20  # graphs whose tables are in memory at once
NOTHING = 1e-18  # what a singular value of 0 is called


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Gaps are s_k / s_1 of the Jacobian, k parameters, at the best of cfg.points points.

    sizes [N], tol; closed, inverse [seed, N, digraph, n, n]: (I - L)^-1, zeros beyond the graph
    adjoint, scaled [seed, N, digraph, n, n]: (I - L) numerators, denominator I; integer weights
    sigma, direct, trek, treks [seed, N', digraph, n', n']: of the doubled graph and by inv; of one
        without cycles, and by listing; denominator [seed, N', digraph]: of the latter
    gap [seed, graph]: of all simple ones; drawn, edges, cyclic: places, edges and whether there
        is a cycle, of those with as many vertices as the others
    other_gap, other_edges [seed, other]: not simple, of the second size of cfg.every
    failing_lost [seed, failing], holding_lost [seed, holding]: parameters less rank
    larger_gap [seed, larger]: of cfg.graphs of every larger size
    given [seed, case]: cycle products; found [seed, case, start]: 1 at a solution's first start
    product [seed, case, 2]: cycle products of the first two found, 0 if none
    saturated [model]; space_model, known [space]; dimension, smallest, vanishing, wrong [seed,
        space]; listed_model, listed_coefficient, listed_pair, listed_value: as in `hunt.told`
    """
    draw, found = drawn(cfg), {"sizes": np.array(cfg.sizes), "tol": np.array(cfg.tol)}
    for part, names in PARTS.items():
        if scratch.wants(*names):
            found |= scratch.cached(part.__name__, partial(part, cfg, mesh, draw))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def drawn(cfg) -> dict[str, np.ndarray]:
    """Uniform in [0, 1): name -> [seed, ...]."""
    n, m, small, large = most(cfg)
    many = max(graphs.named(name)[0] for name in cfg.models)
    order = middle(cfg)
    shapes = {
        "lengths": (len(cfg.sizes), cfg.digraphs, cfg.tries, 2, n, n),
        "covariances": (len(cfg.covariance_sizes), cfg.digraphs, cfg.tries + 1, 2, m, m),
        "treks": (len(cfg.covariance_sizes), cfg.digraphs, cfg.tries + 1, 2, m, m),
        "points": (cfg.points, 2, max(small, large), max(small, large)),
        "others": (cfg.others, 3 * order * (order - 1) // 2 + 3),
        "larger": (len(cfg.larger), cfg.graphs, 3 * large * (large - 1) // 2 + 3),
        "fibre": (cfg.cases, cfg.starts + 2, 3),
        "search": (len(cfg.models), cfg.samples + 2 * cfg.tests, 3, many, many),
    }
    return keys.draws(keys.split(cfg.seeds, NAMES), shapes, keys.uniform)


def most(cfg) -> tuple[int, int, int, int]:
    """Vertices at most: of digraphs, of covariances, of ranks, of larger ranks."""
    return max(cfg.sizes), max(cfg.covariance_sizes), max(cfg.every), max(cfg.larger)


def closed(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    """All graphs with as many vertices as the largest doubled one, in one program."""
    n, m, *_ = most(cfg)
    sizes, fewer = np.array(cfg.sizes)[:, None], np.array(cfg.covariance_sizes)[:, None]
    digraphs = partial(graphs.digraphs, density=cfg.density, least=cfg.least)

    def mixed(u, acyclic):
        lam = digraphs(u[..., 1:, :, :, :], fewer, acyclic=acyclic)
        return lam, graphs.noises(u[..., 0, :, :, :], fewer, cfg.density)

    lam = digraphs(draw["lengths"], sizes)
    whole = np.round(3 * lam)
    cyclic, trek = mixed(draw["covariances"], False), mixed(draw["treks"], cfg.acyclic)
    doubled = [connections.doubled(*pair, reverse=cfg.reverse) for pair in (cyclic, trek)]
    each = [lam, whole, *doubled]

    def of_seed(weights):
        sums = partial(connections.one_connections, sign=cfg.sign)
        return jax.lax.map(sums, weights, batch_size=CHUNK)

    found = sharding.gather(sharding.vmap_over(mesh, of_seed, at_once=1)(connections.stacked(each)))
    up, integer, sigma, treks = connections.parted(found[0], each)
    det, count, square, one = (x[..., None, None] for x in connections.parted(found[1], each))
    own, far = graphs.block(n, sizes), slice(m, 2 * m)
    T = np.linalg.inv(np.eye(m) - cyclic[0])
    return {
        "closed": (up / det)[..., :n, :n] * own,
        "inverse": np.linalg.inv(np.eye(n) - lam) * own,
        "adjoint": (np.eye(n) - whole) @ integer[..., :n, :n],
        "scaled": count * np.eye(n),
        "sigma": (sigma / square)[..., :m, far],
        "direct": T.swapaxes(-2, -1) @ cyclic[1] @ T,
        "trek": (treks / one)[..., :m, far],
        "treks": listing.every_trek_sum(*trek),
        "denominator": one[..., 0, 0],
    }


def small(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    """Every simple graph, some that are not, and those with names, in one program."""
    n, names = max(cfg.every), (*cfg.failing, *cfg.holding)
    special = joined([graphs.padded(graphs.named(name)[1], n) for name in names], np.stack)
    lists = [graphs.padded(graphs.every_simple(k), n) for k in cfg.every]
    vertices, simple = np.repeat(cfg.every, [len(g.directed) for g in lists]), joined(lists)
    own = graphs.not_simple(draw["others"], middle(cfg))
    others = graphs.columns(graphs.padded(own, n), middle(cfg))
    table = graphs.columns(special, 3)

    def of_seed(points, others, common):
        every = jax.tree.map(lambda *x: jnp.concatenate(x), others, common)
        return ranks.survey(every, points, cfg.tol)

    spread = sharding.vmap_over(mesh, of_seed, at_once=1, shared=(2,))
    common = joined([table, graphs.columns(simple, vertices)])
    gap, rank = sharding.gather(spread(graphs.points(draw["points"][..., :n, :n]), others, common))
    (other_gap, _, gap), (_, kept, rank) = (
        np.split(x, [cfg.others, cfg.others + len(names)], axis=1)
        for x in (np.maximum(gap, NOTHING).astype(np.float32), rank)
    )
    failing, holding = np.split(table.active.sum(axis=-1) - kept, [len(cfg.failing)], axis=1)
    return {
        "edges": graphs.edges(simple)[vertices == middle(cfg)],
        "cyclic": graphs.cyclic(simple.directed)[vertices == middle(cfg)],
        "drawn": np.flatnonzero(vertices == middle(cfg)),
        "gap": gap if cfg.simple else other_gap,
        "other_gap": other_gap,
        "other_edges": graphs.edges(own),
        "failing_lost": failing,
        "holding_lost": holding,
    }


def middle(cfg) -> int:
    """Vertices of the graphs that are not simple."""
    return cfg.every[min(1, len(cfg.every) - 1)]


def joined(trees, join=np.concatenate):
    """Graphs or columns in a row."""
    return jax.tree.map(lambda *x: join(x), *trees)


def larger(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    """Random graphs of more vertices."""
    n = max(cfg.larger)
    each = []
    for i, k in enumerate(cfg.larger):
        graph = graphs.drawn(draw["larger"][:, i], k, one_edge=cfg.simple)
        each.append(graphs.columns(graphs.padded(graph, n), k))
    columns = joined(each, partial(np.concatenate, axis=1))
    look = sharding.vmap_over(mesh, partial(ranks.survey, tol=cfg.tol), at_once=1)
    gap, _ = sharding.gather(look(columns, graphs.points(draw["points"][..., :n, :n])))
    return {"larger_gap": np.maximum(gap, NOTHING)}


def fibres(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    """Solutions for the covariances of random parameters."""
    present = np.array([1.0, 1.0, float(cfg.closing)])
    lam = graphs.weights(draw["fibre"][:, :, 0], 0.3, 0.9) * present
    omega = 0.5 + draw["fibre"][:, :, 1]
    solve = partial(fibre.solutions, present=present, steps=cfg.steps)
    spread = sharding.vmap_over(mesh, jax.vmap(solve), at_once=1)
    found, product = sharding.gather(spread(lam, omega, draw["fibre"][:, :, 2:]))
    return {"given": lam.prod(axis=-1), "found": found.astype(np.int8), "product": product}


def searched(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    """The ideal of every model, seed by seed."""
    spaces = [search.spaces(graphs.named(name)[0], cfg.degree) for name in cfg.models]

    def of_model(name, monomials, u):
        at = hunt.points(name, u, cfg.tests, cfg.sampled, cfg.fresh)
        return [hunt.hunted(each, at, cfg.tol) for each in monomials]

    seeds = [list(map(of_model, cfg.models, spaces, u)) for u in draw["search"]]
    full = [name in cfg.saturated for name in cfg.models]
    return hunt.told(cfg.models, spaces, seeds) | {"saturated": np.array(full, int)}


PARTS = {
    closed: ("closed", "inverse", "adjoint", "scaled", "sigma", "direct", "treks", "denominator"),
    small: ("gap", "other_gap", "failing_lost", "holding_lost"),
    larger: ("larger_gap",),
    fibres: ("given", "found", "product"),
    searched: ("dimension", "smallest", "vanishing", "wrong", "known"),
}
