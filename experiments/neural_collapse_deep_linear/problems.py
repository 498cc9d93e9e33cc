"""What is descended on: cases of free features, penalties about the threshold, planted starts.

Shapes: C cases, S seeds, K classes, d width, N examples, x penalties.
"""

from itertools import pairwise
from typing import NamedTuple

import jax
import numpy as np

from common import loops

from . import model, theory


class Case(NamedTuple):
    """One data set of free features, with a bias or without; `simplex`: which frame is expected."""

    counts: tuple[int, ...]
    bias: bool
    simplex: bool


def cases(balanced, imbalanced, *, bias):
    """Balanced with a bias (or not) and without, imbalanced without."""
    return (
        Case(balanced, bias, True),
        Case(balanced, False, False),
        Case(imbalanced, False, False),
    )


def members(cases, params, decay, *, penalty):
    """Every case from every seed's start, case by case; trained with `penalty` times lambda.

    params [S] -> model.State, model.Problem, model.Targets, each [C S]
    """
    seeds, depth = len(params.head), 1 + len(params.hidden)
    start = jax.tree.map(lambda a: a[np.tile(np.arange(seeds), len(cases))], params)
    trained = np.array(decay * penalty)
    each = [
        (
            model.Problem(np.array(case.counts), trained, np.array(float(case.bias))),
            model.targets(case.counts, decay, depth, simplex=case.simplex),
        )
        for case in cases
    ]
    problem, targets = jax.tree.map(lambda a: a.repeat(seeds, axis=0), loops.stack(each))
    return model.begin(start), problem, targets


def penalties(counts, depth, ratios):
    """`ratios` of the lambda at which the smallest class vanishes.  -> [x]"""
    return np.array(ratios) * theory.critical_decay(min(counts), sum(counts), depth)


def pairs(params, decays):
    """Every start under every penalty.  params [S], lambda [x] -> params [S x], lambda [S x]"""
    starts = jax.tree.map(lambda a: a.repeat(len(decays), axis=0), params)
    return starts, np.tile(decays, len(params.head))


def planted(normals, squares, s, labels):
    """A collapsed point: layers of singular values s, class features of length^2 `squares`, rows of
    P along them, between random bases.

    normals: N(0, 1) [depth, d, K], squares, s [K], labels [K, N] -> model.Params
    """
    U = np.linalg.qr(normals)[0]  # U[j]: orthonormal columns between layers j and j + 1
    hidden = tuple((V * s) @ W.T for W, V in pairwise(U))
    features = (U[0] * np.sqrt(squares)) @ labels
    return model.Params(features, hidden, s[:, None] * U[-1].T, np.zeros(len(s)))


def plants(normals, noise, counts, decay):
    """For every seed: the minimum at `decay`, and the same without the smallest class; noisy.

    normals: N(0, 1) [S, depth d K], noise: model.Params [S] -> model.Params [2 S]
    """
    n, (K, d), depth = np.array(counts), noise.head.shape[1:], 1 + len(noise.hidden)
    labels = np.repeat(np.eye(K), n, axis=1)
    squares, s = (f(n, decay, depth) for f in (theory.lengths, theory.singular_values))
    points = [
        planted(bases, keep * squares, keep * s, labels)
        for bases in normals.reshape(-1, depth, d, K)
        for keep in (np.ones(K), n > n.min())
    ]
    return jax.tree.map(lambda point, a: point + a.repeat(2, axis=0), loops.stack(points), noise)


def subsets(order, images, labels, counts):
    """The first n_k images of every class, in each seed's own order.

    order ints [S, n], images [n, ...], labels [n] -> [S, N, D] in [0, 1]
    """
    chosen = []
    for mine in order:
        each = [mine[labels[mine] == k][:n] for k, n in enumerate(counts)]
        chosen.append(np.concatenate(each))
    return images[np.stack(chosen)].reshape(len(order), sum(counts), -1) / float(images.max())
