"""Five trials of the functions of arrays: scale, dtype, size, what is not finite, compiled."""

import numpy as np

from common import optim
from common.optim import auon, orthogonal, orthograd
from tests.trials import Arg, Case, parametrised, untried

G = np.array([[[1.0, 2], [-3, 1], [2, -2]], [[4, 1], [0, 1], [3, 5]]])
W = np.array([[[2.0, -1], [1, 0], [1, 1]], [[-2, 3], [1, 1], [0, 1]]])


def polynomial(g, a, b, c):
    """Twice, of the singular values."""
    u, s, v = np.linalg.svd(g / np.linalg.norm(g), full_matrices=False)
    for _ in range(2):
        s = a * s + b * s**3 + c * s**5
    return (u * s) @ v


def matrices(g):
    """A matrix by itself: what is lost in one is not in the others."""
    wanted = np.full(g.shape, np.nan)
    for i, one in enumerate(g):
        if np.isfinite(one).all() and g.size:
            wanted[i] = polynomial(one, *orthogonal.MUON)
    return wanted


def excess(g):
    norm = np.linalg.norm(g)
    return np.sqrt(np.mean(np.cosh(1.5 * g / norm) ** 2)) - 1 if g.size else np.array(0.0)


def perpendicular(g, w):
    rest = g - np.vdot(w, g) / np.vdot(w, w) * w if g.size else g
    left = np.linalg.norm(rest)
    return rest * (np.linalg.norm(g) / left) if left > 1e-12 * np.linalg.norm(g) else 0 * rest


CASES = {
    "orthogonal.newton_schulz": Case(
        lambda g: orthogonal.newton_schulz(g, 2), matrices, {"g": Arg(G, "B M N", 1)}, degree=0
    ),
    "auon.cosh_excess": Case(auon.cosh_excess, excess, {"g": Arg(G, "B M N", 1)}, degree=0),
    "orthograd.perpendicular": Case(
        orthograd.perpendicular,
        perpendicular,
        {"g": Arg(G, "B M N", 1), "w": Arg(W, "B M N")},
        degree=1,
    ),
}
BESIDE = {
    # transformations
    "orthogonal.orthogonalise", "orthogonal.scale_by_aspect", "auon.scale_by_auon",
    "orthograd.orthograd", "groups.labels", "groups.grouped", "first_order.two_step",
    "first_order.gradient_descent", "first_order.heavy_ball", "first_order.nag_sc",
    "first_order.nag_c", "first_order.triple_momentum",
    # of a transformation's state
    "first_order.output",
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)


def test_every_public_function_is_tried_once():
    assert untried([optim], [*CASES, *BESIDE]) == []
    assert not BESIDE & CASES.keys()
