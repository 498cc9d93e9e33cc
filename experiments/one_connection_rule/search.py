"""Polynomials in a covariance that vanish on a model: null spaces, one multidegree at a time.

The model is invariant under Sigma -> D Sigma D, so its ideal is spanned by polynomials all of whose
monomials have each vertex equally often. Certified over integers mod a prime.
Shapes: E entries of the upper triangle, m monomials of a multidegree and degree k.
"""

from collections import defaultdict
from itertools import combinations_with_replacement

import numpy as np

from . import graphs

PRIME = 2**31 - 1  # products of two fit into 63 bits
SEPARATED = {  # sigma_ij = sigma_is sigma_sj / sigma_ss: (i, j): s; other entries are free
    "chain": {(0, 2): 1},
    "fork": {(1, 2): 0, (1, 3): 0, (2, 3): 0},
    "tail": {(0, 3): 2, (1, 3): 2},
    "long_chain": {(0, 2): 1, (0, 3): 1, (0, 4): 1, (1, 3): 2, (1, 4): 2, (2, 4): 3},
}


def entries(n: int) -> list[tuple[int, int]]:
    """(i, j), i <= j, in the order of np.triu_indices."""
    return list(zip(*np.triu_indices(n), strict=True))


def spaces(n: int, degree: int) -> list[np.ndarray]:
    """Monomials of every multidegree up to a degree, as places of entries.  -> int [m, k] each"""
    found = defaultdict(list)
    pairs = np.array(entries(n))
    for k in range(1, degree + 1):
        for places in combinations_with_replacement(range(len(pairs)), k):
            multidegree = np.bincount(pairs[list(places)].ravel(), minlength=n)
            found[tuple(multidegree)].append(places)
    return [np.array(monomials) for monomials in found.values()]


def known(name: str, monomials: np.ndarray) -> int:
    """Dimension of the ideal: monomials less their different forms in the free entries.

    The free entries are independent on the model, the others are monomials of them.
    """
    n, _ = graphs.named(name)
    place, separated = {e: k for k, e in enumerate(entries(n))}, SEPARATED.get(name, {})

    def exponents(i, j):
        i, j = min(i, j), max(i, j)
        if (i, j) not in separated:
            return np.eye(len(place), dtype=int)[place[i, j]]
        s = separated[i, j]
        return exponents(i, s) + exponents(s, j) - exponents(s, s)

    table = np.array([exponents(*e) for e in place])
    return len(monomials) - len(np.unique(table[monomials].sum(axis=1), axis=0))


def evaluated(sigma: np.ndarray, monomials: np.ndarray) -> np.ndarray:
    """Every point's monomials, over their norm.  sigma [..., n, n] -> [..., m]"""
    upper = sigma[..., *np.triu_indices(sigma.shape[-1])]
    values = upper[..., monomials].prod(axis=-1)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def null_space(values: np.ndarray, tol: float) -> tuple[np.ndarray, float]:
    """Orthonormal polynomials, and the smallest singular value over the largest.

    values [S, m] -> [dimension, m]
    """
    _, s, right = np.linalg.svd(values, full_matrices=False)
    return right[s <= tol * s[0]], s[-1] / s[0]


def reduced(polynomials: np.ndarray) -> np.ndarray:
    """Reduced row echelon form, by the largest pivot of a column.  [k, m] -> [k, m]"""
    rows, done = polynomials.copy(), 0
    for column in range(rows.shape[1]):
        if done == len(rows):
            break
        pivot = done + abs(rows[done:, column]).argmax()
        if abs(rows[pivot, column]) < 1e-6:
            continue
        rows[np.array([done, pivot])] = rows[np.array([pivot, done])]
        rows[done] /= rows[done, column]
        others = np.arange(len(rows)) != done
        rows[others] -= np.outer(rows[others, column], rows[done])
        done += 1
    return rows


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of matrices, mod PRIME.  int64 [..., n, n] each"""
    return (a[..., :, :, None] * b[..., None, :, :] % PRIME).sum(axis=-2) % PRIME


def adjugate(a: np.ndarray) -> np.ndarray:
    """det(a) a^-1 mod PRIME (Faddeev-LeVerrier).  int64 [..., n, n]"""
    n = a.shape[-1]
    eye = np.eye(n, dtype=np.int64)
    adjoint = np.broadcast_to(eye, a.shape)
    for k in range(1, n):
        following = product(a, adjoint)
        trace = np.trace(following, axis1=-2, axis2=-1) % PRIME * pow(k, -1, PRIME) % PRIME
        adjoint = (following - trace[..., None, None] * eye) % PRIME
    return adjoint * (-1) ** (n - 1) % PRIME


def covariance(lam: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """det(I - L)^2 Sigma mod PRIME.  int64 [..., n, n] each"""
    side = adjugate((np.eye(lam.shape[-1], dtype=np.int64) - lam) % PRIME)
    return product(product(side.swapaxes(-2, -1), omega), side)


def residues(sigma: np.ndarray, monomials: np.ndarray, polynomials: np.ndarray) -> np.ndarray:
    """Values of integer polynomials mod PRIME.  sigma int64 [S, n, n] -> [S, dimension]"""
    upper = sigma[..., *np.triu_indices(sigma.shape[-1])]
    values = np.ones((*upper.shape[:-1], len(monomials)), np.int64)
    for places in monomials.T:
        values = values * upper[..., places] % PRIME
    return (values[..., None, :] * (polynomials % PRIME) % PRIME).sum(axis=-1) % PRIME
