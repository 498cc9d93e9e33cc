"""Free chiral fermions on a ring of M sites: momenta, energies, the Hamiltonian of all bits."""

import numpy as np

from . import automata, cycles


def momenta(M: int, twist: bool) -> np.ndarray:
    """2 pi k / M, or half-integer k with a twist, in (-pi, pi].  -> [M]"""
    k = np.arange(M) + (0.5 if twist else 0.0)
    return 2 * np.pi / M * np.where(2 * k > M, k - M, k)


def free_levels(M: int, twist: bool) -> np.ndarray:
    """Sums of momenta over all subsets, counted at multiples of 2 pi / M by number of particles.

    twist: half-integer momenta for even numbers -> [M + 1, M]
    """
    occupied = automata.bits(M)
    number = occupied.sum(axis=1)
    twice = 2 * occupied @ np.arange(M) + np.where(number % 2 == 0, twist * number, 0)
    counts = np.zeros((M + 1, M), int)
    np.add.at(counts, (number, twice // 2 % M), 1)
    return counts


def levels(order: np.ndarray, hop: int) -> np.ndarray:
    """Energies of all states whose bits move along `order`, counted alike.  [M] -> [M + 1, M]"""
    M = len(order)
    p = automata.shifted(M, hop, order)
    return cycles.levels(p, automata.bits(M).sum(axis=1), M)


def phases(order: np.ndarray, hop: int) -> np.ndarray:
    """Energies of one mover in units of 2 pi / M, in order, from its matrix.  [M] -> [M]"""
    M = len(order)
    step = np.zeros((M, M))
    step[np.roll(order, -hop), order] = 1
    turns = -np.angle(np.linalg.eigvals(step)) * M / (2 * np.pi)
    return np.sort((turns + 0.5) % M - 0.5)  # the cut of the logarithm lies between two momenta


def spectra(u: np.ndarray, sizes, hop: int, twist: bool) -> dict[str, np.ndarray]:
    """Energies of movers beside momenta, on sites in an order drawn by u [S, M, largest M].

    one [S, 2, M, k], many [S, 2, M, number, k]: as `phases` and `levels`, filled up with zeros
    """
    most = max(sizes)
    one = np.zeros((len(u), 2, len(sizes), most))
    many = np.zeros((len(u), 2, len(sizes), most + 1, most), int)
    for i, j in np.ndindex(*u.shape[:2]):
        M = sizes[j]
        order = u[i, j, :M].argsort()
        one[i, :, j, :M] = phases(order, hop), np.arange(M)
        many[i, :, j, : M + 1, :M] = levels(order, hop), free_levels(M, twist)
    return {"one": one, "many": many}


def annihilators(M: int) -> np.ndarray:
    """a_j by Jordan and Wigner, bit j of a state being site j.  -> [M, 2^M, 2^M]"""
    lower, sign, one = np.array([[0.0, 1], [0, 0]]), np.diag([1.0, -1]), np.eye(2)
    found = []
    for j in range(M):
        a = np.eye(1)
        for i in range(M):  # later sites are higher bits
            a = np.kron(lower if i == j else sign if i < j else one, a)
        found.append(a)
    return np.array(found)


def hamiltonian(M: int, twist: bool) -> np.ndarray:
    """sum_k p_k a_k^dagger a_k, with a_k^dagger = sum_j e^{i p_k j} a_j^dagger / sqrt M."""
    p, a = momenta(M, twist), annihilators(M)
    wave = np.exp(1j * np.outer(np.arange(M), p)) / np.sqrt(M)
    h = (wave * p) @ wave.conj().T
    hopped = np.tensordot(h, a, axes=(1, 0))  # sum_l h_jl a_l
    return np.einsum("jba,jbc->ac", a, hopped, optimize=True)


def evolved(M: int, twist: bool, q: np.ndarray) -> np.ndarray:
    """exp(-i H) q; half-integer momenta, with a twist, for even numbers.  q [S, 2^M] -> same"""
    even = automata.bits(M).sum(axis=1) % 2 == 0
    found = np.zeros(q.shape, complex)
    for rows, turned in ((~even, False), (even, twist)):
        energy, modes = np.linalg.eigh(hamiltonian(M, turned)[np.ix_(rows, rows)])
        found[:, rows] = (q[:, rows] @ modes.conj() * np.exp(-1j * energy)) @ modes.T
    return found


def both(M: int, twist: bool, q: np.ndarray) -> np.ndarray:
    """A wave function moved by one site, and exp(-i H) of it.  q [S, 2^M] -> [S, 2, 2^M, 2]"""
    moved = np.zeros(q.shape, complex)
    moved[:, automata.shifted(M, 1)] = q
    sides = np.stack([moved, evolved(M, twist, q)], axis=1)
    return np.stack([sides.real, sides.imag], axis=-1)
