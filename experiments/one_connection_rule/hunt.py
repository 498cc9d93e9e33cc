"""The search of `search` on several models and sets of points, and what is told of it.

Shapes: S points of the search, F fresh ones, n vertices of the model.
"""

from typing import NamedTuple

import numpy as np

from . import graphs, search


class Points(NamedTuple):
    """Covariances [S, n, n], fresh [F, n, n], others [F, n, n]; of integers mod PRIME [F, n, n]."""

    samples: np.ndarray
    fresh: np.ndarray
    other: np.ndarray
    exact: np.ndarray


class Space(NamedTuple):
    """One multidegree: integer polynomials [dimension, m], and what they do."""

    monomials: np.ndarray
    polynomials: np.ndarray
    smallest: float  # singular value over the largest
    vanishing: float  # largest value at fresh points, both normalised; 0 if there are none
    elsewhere: float  # smallest over polynomials of the largest value at others; 0 if none
    wrong: int  # values that are not 0 mod PRIME


def points(name: str, u: np.ndarray, tests: int, sampled: str, fresh: str) -> Points:
    """From numbers in [0, 1): u [S + 2 F, 3, N, N], N >= n."""
    n, graph = graphs.named(name)
    u = u[..., :n, :n]
    upper = np.triu(graphs.weights(u[:, 1], 0.3, 1.0) * graph.bidirected, 1)
    omega = upper + upper.swapaxes(-2, -1) + np.eye(n) * (0.5 + u[:, 1])
    T = np.linalg.inv(np.eye(n) - graphs.weights(u[:, 0], 0.3, 1.0) * graph.directed)
    of_model = T.swapaxes(-2, -1) @ omega @ T
    factor = 2 * u[:, 2] - 1
    random = factor @ factor.swapaxes(-2, -1)
    whole = np.floor(u * search.PRIME).astype(np.int64)[-tests:]
    integer = np.triu(whole[:, 1] * (graph.bidirected | np.eye(n, dtype=bool)))
    noise = integer + np.triu(integer, 1).swapaxes(-2, -1)
    exact = {
        "model": search.covariance(whole[:, 0] * graph.directed, noise),
        "random": np.triu(whole[:, 2]) + np.triu(whole[:, 2], 1).swapaxes(-2, -1),
    }[fresh]
    each = {"model": of_model, "random": random}
    first, second = slice(0, len(u) - 2 * tests), slice(len(u) - 2 * tests, len(u) - tests)
    return Points(each[sampled][first], each[fresh][second], random[-tests:], exact)


def hunted(monomials: np.ndarray, at: Points, tol: float) -> Space:
    """The polynomials of one multidegree."""
    null, smallest = search.null_space(search.evaluated(at.samples, monomials), tol)
    whole = np.round(search.reduced(null)).astype(np.int64)
    unit = null / np.linalg.norm(null, axis=1, keepdims=True)
    near = abs(search.evaluated(at.fresh, monomials) @ unit.T)
    far = abs(search.evaluated(at.other, monomials) @ unit.T)
    wrong = int(np.count_nonzero(search.residues(at.exact, monomials, whole)))
    elsewhere = far.max(axis=0).min() if len(null) else 0.0
    return Space(monomials, whole, max(smallest, 1e-18), near.max(initial=0), elsewhere, wrong)


def told(names, spaces, seeds) -> dict[str, np.ndarray]:
    """space_model, known [space]; dimension, smallest, vanishing, wrong [seed, space]; `listed`.

    spaces: of every model, monomials; seeds: of every seed and model, a Space each.
    """
    flat = [[space for model in models for space in model] for models in seeds]
    each = zip(names, spaces, strict=True)
    return listed(names, seeds[0]) | {
        "space_model": np.repeat(np.arange(len(names)), [len(x) for x in spaces]),
        "known": np.array([search.known(name, x) for name, model in each for x in model]),
        "dimension": np.array([[len(s.polynomials) for s in row] for row in flat]),
        "smallest": np.array([[s.smallest for s in row] for row in flat], np.float32),
        "vanishing": np.array([[s.vanishing for s in row] for row in flat], np.float32),
        "wrong": np.array([[s.wrong for s in row] for row in flat]),
    }


def listed(names, models: list[list[Space]]) -> dict[str, np.ndarray]:
    """Polynomials of degree 2: K of them, of T terms at most.

    listed_model [K]; listed_coefficient [K, T]; listed_pair [K, T, 2 entries, 2 vertices];
    listed_value [K, 2]: largest at fresh points, at others, of their multidegree
    """
    rows = [
        (model, c, np.array(search.entries(graphs.named(name)[0]))[space.monomials], space)
        for model, (name, spaces) in enumerate(zip(names, models, strict=True))
        for space in spaces
        if space.monomials.shape[1] == 2
        for c in space.polynomials
    ]
    terms = max((np.count_nonzero(c) for _, c, _, _ in rows), default=1)
    coefficient, pair = np.zeros((len(rows), terms), int), np.zeros((len(rows), terms, 2, 2), int)
    for row, (_, c, pairs, _) in enumerate(rows):
        at = np.flatnonzero(c)
        coefficient[row, : len(at)], pair[row, : len(at)] = c[at], pairs[at]
    value = np.array([(s.vanishing, s.elsewhere) for *_, s in rows]).reshape(-1, 2)
    model = np.array([row[0] for row in rows], int)
    return {
        "listed_model": model,
        "listed_coefficient": coefficient,
        "listed_pair": pair,
        "listed_value": value,
    }
