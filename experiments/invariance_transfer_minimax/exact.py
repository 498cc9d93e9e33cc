"""Worst-case risk of the whole stable set in the paper's simulation, by quadrature.

X2 = sigmoid(0.63 Y + u) + noise with u = 1.51 X7 + 1.13 X6 - 0.58 M1, and who knows X7, X6 and M1
knows u; X4, X3, X5 and M2 then add nothing. M1 = J(Y) is any function of Y. In units of Y's std.

Shapes: z values of Y, u values of u.
"""

import numpy as np

from . import scm

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(16)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
Z = np.linspace(-5, 5, 101)
DENSITY = np.exp(-(Z**2) / 2) / (Z**2 @ np.exp(-(Z**2) / 2))  # so that E z^2 = 1
U = np.linspace(-14, 14, 141)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def loss(gain: float) -> np.ndarray:
    """E (z - f(X2, u))^2 given z and u, f the posterior mean, gain 0.63.  -> [z, u]"""
    x = sigmoid(gain * scm.NOISE * Z[:, None, None] + U[:, None]) + scm.NOISE * NODES
    means = sigmoid(gain * scm.NOISE * NODES + U[:, None])[:, None]  # [u, 1, node]
    f, total = np.zeros_like(x), np.zeros_like(x)
    for i, node in enumerate(NODES):
        chance = WEIGHTS[i] * np.exp(-(((x - means[..., i]) / scm.NOISE) ** 2) / 2)
        f, total = f + node * chance, total + chance
    return (Z[:, None, None] - f / total) ** 2 @ WEIGHTS


def whole_set(linked: bool) -> np.ndarray:
    """R(S) / R(no stable variable): the loss at best over M1 = J(z), in the mean over z.

    linked: is there an edge Y -> X2
    """
    w = scm.WEIGHTS["X2"]
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    x7, noise = (scm.NOISE * a.ravel() for a in np.meshgrid(nodes, nodes))
    s = w["X7"] * x7 + w["X6"] * (sigmoid(scm.WEIGHTS["X6"]["X7"] * x7) + noise)
    chance = np.outer(weights, weights).ravel() / weights.sum() ** 2
    at = s + np.linspace(-11, 11, 111)[:, None]  # -0.58 M1
    each = loss(w["Y"] if linked else 0.0)
    mean = np.array([np.interp(at, U, row) @ chance for row in each])
    return mean.max(axis=1) @ DENSITY


def first_order() -> np.ndarray:
    """1 + lambda E max(0, 1 - 2 z^2) for a small share lambda of Var(Y) that X2 tells at best.

    With l between 0 and lambda by choice of J the loss of a linear f is (1 - l)^2 z^2 + l (1 - l).
    """
    slope = (scm.WEIGHTS["X2"]["Y"] / 4) ** 2
    return 1 + slope / (1 + slope) * np.maximum(0, 1 - 2 * Z**2) @ DENSITY
