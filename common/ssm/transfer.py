"""Transfer functions and what makes a matrix hard to diagonalise, in float64 on the host.

x(i w) = (i w - A)^-1 B; a transfer function is C x. Trefethen & Embree 2005 (pseudospectra);
for state-space models Yu et al. 2024 (2310.01698), where equation numbers are recalled.

Shapes: N states, W frequencies (radians a unit of time), Z points of the complex plane.
"""

from math import comb, prod
from typing import NamedTuple

import numpy as np
from scipy.linalg import block_diag, schur

from common import shapes
from common.reals import at_least, complexes, reals
from common.ssm.hippo import Diagonal


def states(a: np.ndarray, b: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """(i w - A)^-1 B at every w, by one Schur form and N^2 work a frequency.  -> [W, N] complex

    a [N, N] and b [N], real or complex; backward stable where A has no good eigenvectors.
    """
    (a, n), b, omega = _square("a", a), _wide("b", b), _frequencies(omega)
    shapes.check("b", b, "N", {"N": n})
    upper, turn = _upper(a)
    right = turn.conj().T @ b
    found = np.empty((n, len(omega)), complex)
    for k in range(n - 1, -1, -1):
        known = upper[k, k + 1 :] @ found[k + 1 :]
        found[k] = (right[k] + known) / (1j * omega - upper[k, k])
    return (turn @ found).T


def _wide(name: str, x) -> np.ndarray:
    """In float64, or complex numbers of twice that.  Errors: ValueError where not finite."""
    x = np.asarray(complexes(name, np.asarray(x)))
    return x.astype(complex if x.dtype.kind == "c" else float)


def _square(name: str, x) -> tuple[np.ndarray, int]:
    """A matrix of one row or more, and its size."""
    n = shapes.check(name, x, "N N")["N"]
    at_least(1, **{f"rows of {name}": n})
    return _wide(name, x), n


def _frequencies(omega) -> np.ndarray:
    shapes.check("omega", omega, "W")
    return np.asarray(reals("omega", np.asarray(omega)), float)


def _upper(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Q and an upper triangle T with A = Q T Q^*; a triangle is turned over, not computed."""
    n = len(a)
    if not np.tril(a, -1).any():
        return a, np.eye(n)
    if not np.triu(a, 1).any():
        return a[::-1, ::-1], np.eye(n)[::-1]
    return schur(a, output="complex")


def frequencies(values: np.ndarray, *, low: float = 1e-2, count: int = 400) -> np.ndarray:
    """A grid that meets every resonance: its frequency and half its width to both sides, and count
    points spaced evenly in log w between `low` and four times the largest.  -> [W] rising

    values: eigenvalues [N], real part the half width. A grid without them misses spikes of width 1
    at w of thousands.
    """
    at_least(2, count=count)
    values = _wide("values", values)
    shapes.check("values", values, "N")
    if not values.size:
        raise ValueError("values is empty")
    near = np.abs(values.imag)[:, None] + np.abs(values.real)[:, None] * np.linspace(-1, 1, 5)
    high = 4 * max(near.max(), low)
    return np.unique(np.concatenate([near[near >= 0], np.geomspace(low, high, count)]))


class Perturbed(NamedTuple):
    """A + E = V diag(values) V^-1."""

    values: np.ndarray  # [N] complex
    vectors: np.ndarray  # [N, N] complex, columns of length one
    b: np.ndarray  # [N] complex, V^-1 B
    condition: float  # |V| |V^-1|, spectral norms
    error: float  # |V diag(values) V^-1 - A - E|, spectral norm: what rounding did


def perturbed(a: np.ndarray, b: np.ndarray, e: np.ndarray) -> Perturbed:
    """Perturb, then diagonalise (2310.01698): the eigenvectors of A + E, all of B.

    Where A = -1/2 (I + B B^T) + skew, as LegS, and |E| <= epsilon < 1/2, no x(i w) moves by more
    than 2 epsilon / (1 - 2 epsilon): (i w - A)^-1 is at most 2 and (i w - A)^-1 B at most 1.
    a, e [N, N], b [N].
    """
    (a, n), (e, _), b = _square("a", a), _square("e", e), _wide("b", b)
    shapes.check("e", e, "N N", {"N": n})
    shapes.check("b", b, "N", {"N": n})
    moved = a + e
    values, vectors = np.linalg.eig(moved)
    inverse = np.linalg.inv(vectors)
    error = np.linalg.norm((vectors * values) @ inverse - moved, 2)
    condition = np.linalg.norm(vectors, 2) * np.linalg.norm(inverse, 2)
    return Perturbed(values, vectors, inverse @ b, float(condition), float(error))


def modal(model: Diagonal | Perturbed, omega: np.ndarray) -> np.ndarray:
    """V (i w - values)^-1 b at every w, of all eigenvalues (`hippo.whole`).  -> [W, N] complex

    As good as the eigenvectors are: `states` does without them.
    """
    omega, values, b = _frequencies(omega), _wide("values", model.values), _wide("b", model.b)
    vectors = _wide("vectors", model.vectors)
    sizes = shapes.check("b", b, "P", shapes.check("values", values, "P"))
    shapes.check("vectors", vectors, "N P", sizes)
    return (b / (1j * omega[:, None] - values)) @ vectors.T


class Peak(NamedTuple):
    norm: float  # the largest |G(i w)|, which is attained at
    omega: float


def h_infinity(a: np.ndarray, b: np.ndarray, c: np.ndarray, *, rtol: float = 1e-8) -> Peak:
    """H-infinity norm of C (i w - A)^-1 B, the most that a sine of any frequency is amplified.

    a [N, N] with its spectrum in the left half plane, b [N], c [N] or [outputs, N]; |G| is the
    length over outputs. No grid: |G(i w)| = g where i w is an eigenvalue of a Hamiltonian matrix
    of g, and between two such w it is larger (Boyd & Balakrishnan 1990, Bruinsma & Steinbuch 1990).
    Errors: ValueError where A is not stable.
    """
    a, b, c = _model(a, b, c)
    c = np.atleast_2d(c)
    shapes.check("c", c, "P N")
    values = np.diag(_upper(a)[0])
    if not (values.real < 0).all():
        raise ValueError(f"a is not stable: an eigenvalue has real part {values.real.max():.3g}")

    def sizes(omega):
        return np.linalg.norm(states(a, b, omega) @ c.T, axis=1)

    tried = np.concatenate([[0.0], values.imag, -values.imag, np.abs(values), -np.abs(values)])
    found = sizes(tried)
    best = Peak(float(found.max()), float(tried[found.argmax()]))
    driven, seen = np.outer(b, np.conj(b)), c.conj().T @ c
    while best.norm:
        level = best.norm * (1 + rtol)
        hamiltonian = np.block([[a, driven / level], [-seen / level, -np.conj(a).T]])
        roots = np.linalg.eigvals(hamiltonian)
        # what rounding moves off the axis is tried too: a point too many costs nothing
        near = np.abs(roots.real) < 1e-6 * (1 + np.abs(roots).max())
        cuts = np.unique(roots.imag[near])
        tried = np.concatenate([cuts, (cuts[1:] + cuts[:-1]) / 2])
        found = sizes(tried) if len(tried) else np.zeros(1)
        if found.max() <= level:
            break
        best = Peak(float(found.max()), float(tried[found.argmax()]))
    return best


def difference(first: tuple, second: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(A, B, C) of the difference of two models (A, B, C): what one puts out less the other.

    c [N] or [outputs, N], as many outputs in both.
    """
    (a, b, c), (a2, b2, c2) = _model(*first, of=" of first"), _model(*second, of=" of second")
    if c.shape[:-1] != c2.shape[:-1]:
        raise ValueError(f"c must have as many outputs in both: {list(c.shape)}, {list(c2.shape)}")
    return block_diag(a, a2), np.concatenate([b, b2]), np.concatenate([c, -c2], axis=-1)


def _model(a, b, c, *, of: str = ""):
    (a, n), b, c = _square("a" + of, a), _wide("b" + of, b), _wide("c" + of, c)
    shapes.check("b" + of, b, "N", {"N": n})
    shapes.check("c" + of, c, "... N", {"N": n})
    return a, b, c


def of_norm(normals: np.ndarray, epsilon: float) -> np.ndarray:
    """A matrix of spectral norm epsilon in the direction of the normals [N, N]."""
    normals, _ = _square("normals", normals)
    if not reals("epsilon", epsilon) >= 0:
        raise ValueError(f"epsilon must not be negative, it is {epsilon}")
    size = np.linalg.norm(normals, 2)
    if not size:
        raise ValueError("normals are all zero: they have no direction")
    return normals * (epsilon / size)


def legs_condition(n: int) -> float:
    """log10 of |V| |V^-1| (Frobenius norms) of LegS, columns of V of length one, from integers.

    Before rows are scaled by sqrt(2i+1), V_ij = (-1)^(i-j) binom(i+j, i-j), and its inverse is
    integer as well; in floating point the number is lost from 1e16 on. It grows as (1+sqrt 2)^(2n).
    """
    at_least(1, n=n)
    v = [[(-1) ** (i - j) * comb(i + j, i - j) if i >= j else 0 for j in range(n)]
         for i in range(n)]  # fmt: skip
    inverse = _unit_triangle_inverse(v)
    # columns of D V over their lengths; rows of V^-1 D^-1 times them, D = diag sqrt(2i+1)
    squares = [sum((2 * i + 1) * v[i][j] ** 2 for i in range(j, n)) for j in range(n)]
    scale = prod(2 * k + 1 for k in range(n))
    other = sum(
        squares[j] * inverse[j][k] ** 2 * (scale // (2 * k + 1))
        for j in range(n)
        for k in range(j + 1)
    )
    return 0.5 * (_log10(n) + _log10(other) - _log10(scale))


def _unit_triangle_inverse(v: list[list[int]]) -> list[list[int]]:
    """Of a lower triangle of integers with a diagonal of ones, by forward substitution."""
    n = len(v)
    inverse = [[int(i == j) for j in range(n)] for i in range(n)]
    for i in range(n):
        for j in range(i):
            inverse[i][j] = -sum(v[i][k] * inverse[k][j] for k in range(j, i))
    return inverse


def _log10(number: int) -> float:
    """Of an integer of any size."""
    digits = max(len(str(number)) - 17, 0)
    return float(np.log10(number // 10**digits)) + digits


def smallest_singular(a: np.ndarray, z: np.ndarray) -> np.ndarray:
    """sigma_min(z - A): A + E has the eigenvalue z for some |E| of that size.  z [...] -> [...]"""
    (a, n), z = _square("a", a), _wide("z", z)
    shifted = z[..., None, None] * np.eye(n) - a
    return np.linalg.svd(shifted, compute_uv=False)[..., -1]


def numerical_abscissa(a: np.ndarray) -> float:
    """Largest Re of the field of values, an eigenvalue of (A + A^*) / 2: |e^(tA)| begins so."""
    a, _ = _square("a", a)
    return float(np.linalg.eigvalsh((a + a.conj().T) / 2)[-1])
