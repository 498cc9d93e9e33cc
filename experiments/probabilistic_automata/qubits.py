"""A qubit from three classical spins, two from fifteen: moves of the states, CHSH.

Shapes: G moves, D distributions; 8 states, 3 spins.
"""

import itertools

import numpy as np
from scipy import special

STATES = np.array(list(itertools.product((1, -1), repeat=3)))
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
UP = np.array([1.0, 0, 0, 1])
TABLES = {"singlet": np.diag([1.0, -1, -1, -1]), "product": np.outer(UP, UP)}  # <sigma_mu nu>
SIGNS = np.array([1, 1, 1, -1])  # of ab, ab', a'b, a'b' in CHSH


def signed_permutations(determinant: int) -> np.ndarray:
    """The 24 signed permutations of three axes with this determinant.  -> int [24, 3, 3]"""
    found = [
        np.diag(signs) @ np.eye(3, dtype=int)[list(order)]
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    ]
    return np.array([R for R in found if round(np.linalg.det(R)) == determinant])


def moves(R: np.ndarray) -> np.ndarray:
    """The state that each state goes to.  R [G, 3, 3] -> int [G, 8]"""
    moved = np.einsum("gkl,sl->gsk", R, STATES)
    return (moved[:, :, None] == STATES).all(axis=-1).argmax(axis=-1)


def named(kind: str, generic):
    """Moves of the states: signed permutations of a determinant, or any.  generic [G, 8] -> same"""
    signs = {"rotations": 1, "reflections": -1}
    return moves(signed_permutations(signs[kind])) if kind in signs else generic


def linear_part(p):
    """Of new spins as functions of the state, what is linear in the old.  p [G, 8] -> [G, 3, 3]"""
    return np.einsum("gsk,sl->gkl", STATES[p], STATES) / 8


def unitary(B):
    """U of SU(2) whose rotation is nearest to B (Davenport's q).  B [G, 3, 3] -> [G, 2, 2]"""
    odd = [(2, 1), (0, 2), (1, 0)]
    z = np.stack([B[:, i, j] - B[:, j, i] for i, j in odd], axis=-1)
    total = np.trace(B, axis1=1, axis2=2)[:, None, None]
    even = B + B.mT - total * np.eye(3)
    K = np.block([[total, z[:, None]], [z[:, :, None], even]])
    q = np.linalg.eigh(K)[1][..., -1]
    return q[:, :1, None] * np.eye(2) - 1j * np.einsum("gk,kab->gab", q[:, 1:], PAULI)


def dirichlet(u, a: float):
    """Distributions of 8 states from numbers in [0, 1), by inverse gamma functions.  [..., 8]"""
    weight = special.gammaincinv(a, u)
    return weight / weight.sum(axis=-1, keepdims=True)


def bloch(p):
    """<s_k>.  p [..., 8] -> [..., 3]"""
    return p @ STATES


def density(r):
    """(1 + r . tau) / 2.  r [..., 3] -> [..., 2, 2]"""
    return (np.eye(2) + np.einsum("...k,kab->...ab", r, PAULI)) / 2


def vector(rho):
    """Tr(rho tau_k).  [..., 2, 2] -> [..., 3]"""
    return np.einsum("...ab,kba->...k", rho, PAULI).real


def turned(U, r):
    """Averages after rho -> U rho U^dagger.  U [G, 2, 2], r [D, 3] -> [G, D, 3]"""
    return vector(np.einsum("gab,dbc,gec->gdae", U, density(r), U.conj()))


def compared(p, probability) -> dict:
    """Moved averages and those after U; sums of their squares and those before.

    p [G, 8], probability [D, 8] -> turned [2, G, D, 3], squared [2, G, D]
    """
    r = bloch(probability)
    moved = bloch(probability[:, p.argsort(axis=-1)]).swapaxes(0, 1)
    sides = np.stack([moved, turned(unitary(linear_part(p)), r)])
    before = np.broadcast_to(r, moved.shape)
    return {"turned": sides, "squared": (np.stack([moved, before]) ** 2).sum(axis=-1)}


def averages(u, expected):
    """Averages of independent signs with these expectations.  u [..., n, 4, 4] -> [..., 4, 4]"""
    return np.where(u < (1 + expected) / 2, 1, -1).mean(axis=-3)


def chsh(T, frame):
    """CHSH at the singlet's best directions, turned by `frame`.  T [4, 4], frame [3, 3] -> []"""
    a = frame[0], frame[2]
    b = -(frame[0] + frame[2]) / np.sqrt(2), -(frame[0] - frame[2]) / np.sqrt(2)
    pairs = zip(SIGNS, itertools.product(a, b), strict=True)
    return sum(s * (x @ T[1:, 1:] @ y) for s, (x, y) in pairs)


def assignments(joint: bool) -> np.ndarray:
    """CHSH of all 16 assignments: of a, a', b, b' or, if not joint, of the four pairs.  -> [16]"""
    sign = np.array(list(itertools.product((1, -1), repeat=4)))
    a, b = sign[:, :2], sign[:, 2:]
    pairs = (a[:, :, None] * b[:, None]).reshape(16, 4) if joint else sign
    return pairs @ SIGNS
