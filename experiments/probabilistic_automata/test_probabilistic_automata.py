"""Truths of the experiment: closed forms, dense references, counts known by enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import linalg

from . import automata, chain, cycles, fermions, qubits, waves


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def random(*shape):
    return np.random.default_rng(0).random(shape)


def test_the_ising_chain_has_eigenvalues_one_and_tanh():
    values = np.linalg.eigvalsh(chain.ising(np.array(0.5)))
    np.testing.assert_allclose(values, [np.tanh(0.5), 1], rtol=1e-14)


def test_an_ising_average_by_all_histories():
    """beta = 1/2, eight steps, a fixed left end: tanh(1/2)^3 = 0.0986861662 at t = 3."""
    S = np.broadcast_to(chain.ising(np.array(0.5)), (8, 2, 2))
    p = chain.histories(S, np.array([[1.0, 0.0]]), np.ones((1, 2)))
    sums, _ = chain.summed(p, np.array([[1.0, -1.0], [0.0, 1.0]]))
    np.testing.assert_allclose(sums[0, 3], 0.0986861662, atol=1e-10)
    np.testing.assert_allclose(sums[0], np.tanh(0.5) ** np.arange(9), rtol=1e-12)


def test_histories_are_the_product_of_all_weights():
    S, start, end = chain.weights(random(2, 4, 4), 1.0), random(2, 4), random(2, 4)
    p = chain.histories(S, start, end)
    i, j, k = 3, 1, 2
    weight = S[0][j, i] * S[1][k, j] * (start[:, i] @ end[:, k])
    assert p.shape == (4, 4, 4)
    np.testing.assert_allclose(p[i, j, k] * (end.T * 1 @ start * (S[1] @ S[0])).sum(), weight)


@pytest.mark.parametrize("kind", ["random", "shift"])
def test_cycles_are_those_found_by_walking(kind):
    p = np.random.default_rng(1).permutation(500) if kind == "random" else np.roll(np.arange(64), 1)
    for start in range(0, len(p), 37):
        length, at = 1, p[start]
        while at != start:
            length, at = length + 1, p[at]
        assert cycles.cycle_of(p)[1][start] == length


def test_levels_of_cycles_are_eigenvalues_of_the_matrix():
    p = automata.step(cycles.pair(3), "swap")
    dense = np.zeros((18, 18))
    dense[p, np.arange(18)] = 1
    turns = np.rint(np.angle(np.linalg.eigvals(dense)) * 6 / (2 * np.pi)).astype(int) % 6
    found = cycles.levels(p, np.zeros(18, int), 6)[0]
    np.testing.assert_array_equal(found, np.bincount(turns, minlength=6))


KNOWN = {  # numbers of cycles by length
    ("none", 3): {1: 16, 3: 1360},
    ("none", 4): {1: 16, 2: 120, 4: 16320},
    ("swap", 3): {1: 20, 2: 28, 3: 580, 6: 128, 9: 96, 12: 24, 15: 24},
    ("swap", 4): {1: 28, 2: 378, 4: 10620, 12: 1856},
}


@pytest.mark.parametrize(("scatter", "M"), KNOWN)
def test_cycles_of_two_colours(scatter, M):
    length = cycles.cycle_of(automata.whole(M, scatter))[1]
    many = np.bincount(length)
    assert {int(L): int(many[L] // L) for L in np.flatnonzero(many)} == KNOWN[scatter, M]


def test_swapping_is_the_only_rule_that_conserves_all_four():
    """Of all pairs of different states of a site, one has equal numbers of all kinds."""
    masks = (automata.RIGHT, automata.LEFT, *automata.COLOURS)
    kinds = [tuple(int(c & m).bit_count() for m in masks) for c in range(16)]
    alike = [{i, j} for i in range(16) for j in range(i) if kinds[i] == kinds[j]]
    assert alike == [{automata.AB, automata.BA}]


def test_movers_move():
    sites = np.array([[0b1001, 0, 0b0010, 0]], np.uint8)
    free, met = (automata.moved(sites, automata.table(s))[0] for s in ("none", "swap"))
    np.testing.assert_array_equal(free, [0, 1, 0, 8 + 2])
    np.testing.assert_array_equal(met, [0, 2, 0, 4 + 2])


def test_annihilators_anticommute():
    a = fermions.annihilators(4)
    for i in range(4):
        for j in range(4):
            np.testing.assert_allclose(a[i] @ a[j] + a[j] @ a[i], 0)
            np.testing.assert_allclose(a[i] @ a[j].T + a[j].T @ a[i], np.eye(16) * (i == j))


@pytest.mark.parametrize("parity", [0, 1])
def test_the_step_is_the_exponential_of_the_hamiltonian(parity):
    """With integer momenta for odd numbers of fermions, half-integer ones for even."""
    rows = automata.bits(5).sum(axis=1) % 2 == parity
    step = np.zeros((32, 32))
    step[automata.shifted(5, 1), np.arange(32)] = 1
    H = fermions.hamiltonian(5, twist=parity == 0)
    np.testing.assert_allclose(linalg.expm(-1j * H)[np.ix_(rows, rows)], step[np.ix_(rows, rows)],
                               atol=1e-13)  # fmt: skip


def test_two_gates_make_the_24_rotations():
    hadamard = np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0]])
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    group = {hadamard.tobytes(): hadamard, quarter.tobytes(): quarter}
    while True:
        more = {(g @ R).tobytes(): g @ R for R in group.values() for g in (hadamard, quarter)}
        if more.keys() <= group.keys():
            break
        group |= more
    assert group.keys() == {R.tobytes() for R in qubits.signed_permutations(1)}


def test_the_hadamard_gate_is_found_up_to_a_phase():
    R = np.array([[[0, 0, 1], [0, -1, 0], [1, 0, 0]]])
    U = qubits.unitary(R)[0]
    gate = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    np.testing.assert_allclose(abs(np.trace(U.conj().T @ gate)), 2, rtol=1e-12)
    np.testing.assert_allclose(U @ U.conj().T, np.eye(2), atol=1e-14)


def test_chsh_of_the_singlet_and_of_a_product():
    singlet, product = (qubits.TABLES[s] for s in ("singlet", "product"))
    turn = np.linalg.qr(random(3, 3))[0]
    np.testing.assert_allclose(qubits.chsh(singlet, turn), 2 * np.sqrt(2), rtol=1e-12)
    assert abs(qubits.chsh(product, turn)) <= 2
    assert set(qubits.assignments(joint=True)) == {-2, 2}


def test_a_packet_moves_without_changing():
    q = waves.packet(jnp.array([0.3, 0.5, 0.2, 0.9]), 64)
    carried = jax.jit(lambda q: waves.carried(q, 1, 0.0, 64))
    place, spectrum = map(np.asarray, carried(q))
    np.testing.assert_allclose(np.unwrap(place)[-1] - place[0], 2 * np.pi, rtol=1e-12)
    np.testing.assert_allclose(spectrum[-1], spectrum[0], atol=1e-12)


def test_squared_averages_of_dirichlet_distributions():
    """Their sum has mean 3 / (8 a + 1)."""
    p = qubits.dirichlet(random(40_000, 8), 0.3)
    np.testing.assert_allclose((qubits.bloch(p) ** 2).sum(axis=-1).mean(), 3 / 3.4, rtol=0.02)
