"""Chains of bits as matrices: histories, density matrices, Heisenberg operators, the Ising chain.

Shapes: N steps, n states of a layer, A observables, R boundary terms.
"""

import numpy as np


def spins(bits: int) -> np.ndarray:
    """Signs of all states.  -> [2^bits, bits]"""
    return 2 * (np.arange(2**bits)[:, None] >> np.arange(bits) & 1) - 1


def weights(noise, coupling):
    """Steps K(s', s) = exp(coupling s' . s + noise) over their largest eigenvalue.

    noise [N, n, n], n a power of 2 -> [N, n, n]
    """
    s = spins(noise.shape[-1].bit_length() - 1)
    K = np.exp(coupling * (s @ s.T) + noise)
    return K / abs(np.linalg.eigvals(K)).max(axis=-1)[:, None, None]


def jumps(noise):
    """Random permutation matrices, from numbers that are all different.  noise [N, n, n] -> same"""
    return np.eye(noise.shape[-1])[noise[..., 0].argsort(axis=-1)]


def products(S):
    """S_{t-1} ... S_0 and S_{N-1} ... S_t for t = 0 to N.  S [N, n, n] -> each [N + 1, n, n]"""
    before, after = [np.eye(S.shape[-1])], [np.eye(S.shape[-1])]
    for first, last in zip(S, S[::-1], strict=True):
        before.append(first @ before[-1])
        after.append(after[-1] @ last)
    return np.stack(before), np.stack(after[::-1])


def normalised(rho):
    return rho / np.trace(rho, axis1=-2, axis2=-1)[..., None, None]


def density(S, start, end):
    """rho'(t) = sum of q(t) qbar(t)^T / Z over boundary terms.

    start, end [R, n] -> [N + 1, n, n]
    """
    before, after = products(S)
    return normalised(before @ np.einsum("ri,rj->ij", start, end) @ after)


def squares(S, start):
    """What q(t) q(t)^T / |q|^2 would give: no conjugate wave function.  -> [N + 1, n, n]"""
    before, _ = products(S)
    return normalised(before @ (start.T @ start) @ before.mT)


def matched(S, start):
    """rho'(t) whose final boundary is the wave function itself.  start [n] -> [N + 1, n, n]"""
    last = products(S)[0][-1] @ start
    return density(S, start[None], last[None])


def powers(rho):
    """Tr rho'^k for k = 1 to n.  -> [N + 1, n]"""
    each = [np.linalg.matrix_power(rho, k + 1) for k in range(rho.shape[-1])]
    return np.trace(np.stack(each), axis1=-2, axis2=-1).T


def histories(S, start, end):
    """Probability of every history s_0, ..., s_N, one axis each.  -> [n] * (N + 1)"""
    N, n = S.shape[:2]
    ends = np.einsum("ri,rj->ij", start, end)
    p = ends.reshape(n, *[1] * (N - 1), n)
    for t, step in enumerate(S):
        p = p * step.T.reshape(*[1] * t, n, n, *[1] * (N - 1 - t))
    return p / p.sum()


def summed(p, values):
    """Averages over histories: of A at every time, of values[0] at t2 > t1 beside values[1] at t1.

    values [A, n] -> [A, N + 1], [pairs]
    """
    times = range(p.ndim)
    single = [p.sum(axis=tuple(i for i in times if i != t)) for t in times]

    def pair(t1, t2):
        both = p.sum(axis=tuple(i for i in times if i not in (t1, t2)))
        return values[1] @ both @ values[0]

    return values @ np.stack(single, axis=1), np.stack([pair(*t) for t in pairs(p.ndim)])


def pairs(times: int) -> list[tuple[int, int]]:
    return [(t1, t2) for t1 in range(times) for t2 in range(t1 + 1, times)]


def local(rho, values):
    """Tr(A rho'(t)).  values [A, n] -> [A, N + 1]"""
    return values @ np.diagonal(rho, axis1=-2, axis2=-1).T


def ordered(S, rho, values, evolve: bool):
    """Tr(A S B rho'(t1) S^-1) with S from t1 to t2; S = 1 if not `evolve`.  -> [pairs]"""
    inverse, seen = np.linalg.inv(S), []
    for t1 in range(len(S)):
        X = values[1][:, None] * rho[t1]
        for t2 in range(t1, len(S)):
            X = S[t2] @ X @ inverse[t2] if evolve else X
            seen.append(values[0] @ np.diagonal(X))
    return np.stack(seen)


def commutators(S, values):
    """|[A(t), B(0)]| / (2 |A(t)| |B|), A(t) = U^-1 A U, for t = 1 to N.  -> [N]"""
    U = products(S)[0][1:]
    A = np.linalg.inv(U) @ (values[0][:, None] * U)
    B = values[1]
    size = np.linalg.norm(A, axis=(1, 2)) * np.linalg.norm(B)
    return np.linalg.norm(A * B - B[:, None] * A, axis=(1, 2)) / (2 * size)


def compared(S, start, end, values, *, conjugate: bool, heisenberg: bool) -> dict:
    """Density matrices beside sums over histories, and how they evolve.

    local [2, A, N + 1], ordered [2, pairs], commutator [N], evolution [2, N, n, n],
    power [N + 1, n]
    """
    rho = density(S, start, end) if conjugate else squares(S, start)
    sums = summed(histories(S, start, end), values)
    found = local(rho, values), ordered(S, rho, values, heisenberg)
    return {
        "local": np.stack([found[0], sums[0]]),
        "ordered": np.stack([found[1], sums[1]]),
        "commutator": commutators(S, values),
        "evolution": np.stack([rho[1:], S @ rho[:-1] @ np.linalg.inv(S)]),
        "power": powers(rho),
    }


def ising(beta):
    """The step of one Ising spin, largest eigenvalue 1.  beta [...] -> [..., 2, 2]"""
    same, other = np.exp(beta), np.exp(-beta)
    rows = np.stack([same, other], axis=-1), np.stack([other, same], axis=-1)
    return np.stack(rows, axis=-2) / (2 * np.cosh(beta))[..., None, None]


def means(step, mean, steps: int):
    """<s(t)> with <s(0)> = mean and a free end.  step [..., 2, 2], mean [...] -> [..., steps + 1]

    The free end is left alone by a step whose columns sum to 1, so p(t + 1) = S p(t).
    """
    sign = np.array([1.0, -1.0])
    p = [(1 + np.broadcast_to(mean, step.shape[:-2])[..., None] * sign) / 2]
    for _ in range(steps):
        p.append((step @ p[-1][..., None])[..., 0])
    return np.stack([x @ sign for x in p], axis=-1)
