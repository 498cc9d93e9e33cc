"""Trials of what is known of matrices, on the host; no public function of ssm is without them."""

import numpy as np

from common import ssm
from common.ssm import hippo, test_trials, transfer
from tests.trials import Arg, Case, parametrised, untried

A, B = np.array([[-1.0, 2], [-1, -3]]), np.array([1.0, -2])
C, E = np.array([[1.0, 2], [-1, 0.5]]), np.array([[0.5, 0], [1, -1]])
W = np.array([1.0, -2, 4])
MATRIX, GRID = Arg(A, "N N", 1), Arg(W, "W", 1)


def solved(a, b, omega):
    found = [np.linalg.solve(1j * w * np.eye(len(b)) - a, b) for w in omega]
    return np.stack(found) if found else np.zeros((0, len(b)))


def peak(a, b, c):
    """On a grid, of a system without a sharp resonance."""
    return max(np.linalg.norm(c @ x) for x in solved(a, b, np.linspace(-8, 8, 1601)))


CASES = {
    "transfer.states": Case(
        transfer.states, solved, {"a": MATRIX, "b": Arg(B, "N", 1), "omega": GRID}, degree=0
    ),
    "transfer.perturbed": Case(
        lambda a, b, e: np.sort_complex(transfer.perturbed(a, b, e).values),
        lambda a, b, e: np.sort_complex(np.linalg.eigvals(a + e)),
        {"a": MATRIX, "b": Arg(B, "N"), "e": Arg(E, "N N", 1)}, degree=1,
    ),
    "transfer.modal": Case(
        lambda values, vectors, b, omega: transfer.modal(
            hippo.Diagonal(*map(np.asarray, (values, b, vectors))), omega),
        lambda values, vectors, b, omega: (b / (1j * omega[:, None] - values)) @ vectors.T,
        {"values": Arg(-W[:1], "N", 1), "vectors": Arg(W[:, None], "M N"),
         "b": Arg(B[:1], "N", 1), "omega": GRID}, degree=0,
    ),
    "transfer.h_infinity": Case(
        lambda a, b, c: np.array(transfer.h_infinity(a, b, c).norm),
        peak,
        {"a": MATRIX, "b": Arg(B, "N", 1), "c": Arg(C, "P N")}, degree=0, rtol=1e-3,
    ),
    "transfer.difference": Case(
        lambda c, other: transfer.difference((A, B, c), (A, B, other))[2],
        lambda c, other: np.concatenate([c, -other], axis=1),
        {"c": Arg(C, "P N", 1), "second c": Arg(E, "P N", 1)}, degree=1, names="c outputs",
    ),
    "transfer.of_norm": Case(
        lambda normals: transfer.of_norm(normals, 0.5),
        lambda normals: 0.5 * normals / np.linalg.norm(normals, 2),
        {"normals": Arg(E, "N N", 1)}, degree=0,
    ),
    "transfer.smallest_singular": Case(
        transfer.smallest_singular,
        lambda a, z: np.sqrt([np.linalg.eigvalsh(m.conj().T @ m)[0]
                              for m in (w * np.eye(len(a)) - a for w in z)]),
        {"a": MATRIX, "z": Arg(W, "Z", 1)}, degree=1,
    ),
    "transfer.numerical_abscissa": Case(
        transfer.numerical_abscissa,
        lambda a: np.array(np.linalg.eigvalsh((a + a.conj().T) / 2)[-1]),
        {"a": MATRIX}, degree=1,
    ),
}  # fmt: skip
BESIDE = {
    # matrices and numbers of counts and names
    "hippo.legs", "hippo.legt", "hippo.lagt", "hippo.fout", "hippo.foud", "hippo.initial",
    "transfer.legs_condition",
    # a grid, which test_transfer finds peaks on
    "transfer.frequencies",
    # of what hippo makes
    "hippo.diagonal", "hippo.whole",
    # layers of networks, whose forms are compared in test_mixers
    "mixers.s4d", "mixers.s5", "mixers.s6", "mixers.delta_net",
    "block.block", "block.stack", "block.model",
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)


def test_every_public_function_is_tried_once():
    tried = {*CASES, *test_trials.CASES}
    assert untried([ssm], [*tried, *BESIDE]) == []
    assert not BESIDE & tried
