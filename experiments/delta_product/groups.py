"""Finite groups as matrices, and orthogonal matrices as products of reflections.

Shapes: G elements, n the matrices' side, N factors.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

GOLDEN = (1 + 5**0.5) / 2


class Group(NamedTuple):
    matrices: np.ndarray  # [G, n, n], orthogonal; the identity first
    table: np.ndarray  # int [G, G]: table[a, b] is the element a b


def closure(generators: list[np.ndarray]) -> Group:
    """The group that they generate."""
    elements = [np.eye(len(generators[0]))]
    for element in elements:  # it grows
        for generator in generators:
            new = element @ generator
            if np.abs(np.stack(elements) - new).max((1, 2)).min() > 0.1:
                elements.append(new)
    matrices = np.stack(elements)
    flat = matrices.reshape(len(matrices), -1)
    products = np.einsum("aij,bjk->abik", matrices, matrices)
    likeness = products.reshape(len(flat), len(flat), -1) @ flat.T  # n where they are the same
    return Group(matrices, likeness.argmax(-1))


def rotation(axis: tuple[float, float, float], turns: float) -> np.ndarray:
    """By so many full turns about an axis of any length.  -> [3, 3]"""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = 2 * np.pi * turns
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def symmetric(n: int) -> list[np.ndarray]:
    """Generators of S_n by permutation matrices: a cycle and a swap."""
    return [cycle(n, n), cycle(n, 2)]


def cycle(n: int, length: int) -> np.ndarray:
    """The permutation matrix of a cycle of the first `length` of n points."""
    places = np.arange(n)
    places[:length] = np.roll(places[:length], 1)
    return np.eye(n)[places]


DIAGONAL = (1.0, 1.0, 1.0)
GENERATORS: dict[str, Callable[[], list[np.ndarray]]] = {
    "S3": lambda: symmetric(3),
    "S4": lambda: symmetric(4),
    "S5": lambda: symmetric(5),
    "cube": lambda: [rotation((0, 0, 1), 1 / 4), rotation(DIAGONAL, 1 / 3)],  # S4
    "A5": lambda: [rotation((0, 1, GOLDEN), 1 / 5), rotation(DIAGONAL, 1 / 3)],  # icosahedron
}


def named(name: str) -> Group:
    return closure(GENERATORS[name]())


def reflections(q: np.ndarray) -> np.ndarray:
    """Unit normals v_1 … v_N with q = H_1 … H_N, H = I - 2 v v^T, and N as small as can be.

    Cartan-Dieudonne: v = q x - x gives H q x = x, and v is orthogonal to all that q leaves alone;
    so every reflection frees one dimension, N = n - dim ker(q - I).  q [n, n] -> [N, n]
    """
    normals: list[np.ndarray] = []
    while np.abs(moved := q - np.eye(len(q))).max() > 1e-9:
        v = moved[:, np.linalg.norm(moved, axis=0).argmax()]
        normals.append(v / np.linalg.norm(v))
        q = q - 2 * np.outer(normals[-1], normals[-1] @ q)
    return np.array(normals).reshape(-1, len(q))


def unreachable(q: np.ndarray, factors: int) -> float:
    """Least Frobenius distance of q from I + rank `factors` (Eckart-Young): from any product of so
    many generalised Householder matrices it is no less."""
    return float(np.sqrt((np.linalg.svd(q - np.eye(len(q)))[1][factors:] ** 2).sum()))
