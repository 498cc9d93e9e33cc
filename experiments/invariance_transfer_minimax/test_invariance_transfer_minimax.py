"""Truths of the experiment: closed forms, definitions by brute force, limits, known counts."""

import itertools

import networkx
import numpy as np
import pytest

from . import dags, ensemble, exact, gaussian, laws, scm

RNG = np.random.default_rng


@pytest.mark.parametrize("seed", range(4))
def test_d_separation_is_zero_partial_correlation(seed):
    """Of random weights on the edges: zero where separated, and nowhere else."""
    rng, V = RNG(seed), 6
    A = dags.random(rng.random((V, V)), 2.5)
    C = gaussian.moments(A, rng.uniform(0.5, 2, (V, V)), rng.uniform(0.5, 2, V))
    given = dags.subsets(V)
    for y in range(V):
        connected = dags.connected(A, y, given)
        for z, v in itertools.product(range(len(given)), range(V)):
            if v == y or given[z, v] or given[z, y]:
                continue
            kept = [y, v, *np.flatnonzero(given[z])]
            precision = np.linalg.inv(C[np.ix_(kept, kept)])
            partial = precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])
            assert connected[z, v] == (abs(partial) > 1e-9)


def test_d_separation_is_that_of_networkx():
    rng, V, y = RNG(9), 12, 5
    A, given = dags.random(rng.random((V, V)), 3.0), rng.random((40, V)) < 0.3
    given[:, y] = False
    graph, connected = networkx.from_numpy_array(A, create_using=networkx.DiGraph), set()
    for z, v in zip(*np.nonzero(~given), strict=True):
        told = set(np.flatnonzero(given[z]))
        if v != y and not networkx.is_d_separator(graph, {y}, {v}, told):
            connected.add((z, v))
    found = dags.connected(A, y, given)
    found[:, y] = False
    assert 100 < len(connected) < 250
    assert connected == set(zip(*np.nonzero(found), strict=True))


def test_classes_are_those_of_the_definition():
    """S' ~ S'': some part of both shields Y from all else in either."""
    A = dags.random(RNG(5).random((5, 5)), 2.5)
    y, nodes = 2, np.array([0, 1, 3, 4])
    chosen, number = dags.subsets(4), dags.classes(A, y, nodes)
    given = np.zeros((16, 5), bool)
    given[:, nodes] = chosen
    connected = dags.connected(A, y, given)[:, nodes]
    for i, j in itertools.product(range(16), repeat=2):
        common, either = chosen[i] & chosen[j], chosen[i] | chosen[j]
        parts = [k for k in range(16) if not (chosen[k] & ~common).any()]
        same = any(not (connected[k] & either & ~chosen[k]).any() for k in parts)
        assert same == (number[i] == number[j])


def test_numbers_of_classes_are_known_for_chains_stars_and_complete_graphs():
    """A chain with l nodes on one side of Y and r on the other has (l + 1)(r + 1)."""
    chain, star = np.diag(np.ones(6, bool), 1), np.zeros((7, 7), bool)
    star[0, 1:] = True
    complete = dags.random(np.zeros((7, 7)), 1.0)
    for A, y, count in ((chain, 2, 3 * 5), (star, 0, 64), (star, 1, 33), (complete, 3, 64)):
        assert len(np.unique(dags.classes(A, y, np.delete(np.arange(7), y)))) == count


def test_classes_of_the_simulation_have_the_sizes_of_the_authors_list():
    sizes = np.unique(dags.classes(*scm.stable_graph()), return_counts=True)[1]
    assert [(sizes == 2**k).sum() for k in range(6)] == [32, 0, 4, 0, 5, 4]


def random_laws(seed, values, with_z=False):
    rng = RNG(seed)
    shapes = laws.sizes(values, with_z).values()
    return laws.Law(*(laws.simplex(rng.random((50, *shape))) for shape in shapes))


def test_worst_cases_are_the_largest_of_all_interventions():
    """Every J: {0, 1, 2} -> {0, 1, 2} in turn."""
    law = random_laws(0, 3)
    y, f = np.arange(3), laws.predictor(law, (True, True))[:, 0, 0]
    errors = []
    for J in itertools.product(range(3), repeat=3):
        told = [
            ((k - f[:, m]) ** 2 * law.x[:, k, 0, m]).sum(axis=-1) for k, m in zip(y, J, strict=True)
        ]
        errors.append((law.y * np.stack(told, axis=1)).sum(axis=1))
    np.testing.assert_allclose(laws.risk(law, (True, True)), np.max(errors, axis=0), rtol=1e-12)


def test_without_an_edge_into_k_risks_are_conditional_variances():
    """Var(Y) without Y -> X; E Var(Y | X) without M -> X; E Var(Y | Z) where Z shields."""
    law = random_laws(1, 2)
    np.testing.assert_allclose(laws.whole(law, "Y"), 1, rtol=1e-12)
    joint = law.y[:, :, None] * law.x[:, :, 0, 0]
    p, variance = joint[:, 1] / joint.sum(axis=1), law.y.prod(axis=1)
    within = (joint.sum(axis=1) * p * (1 - p)).sum(axis=-1) / variance
    np.testing.assert_allclose(laws.whole(law, "M"), within, rtol=1e-10)
    law = random_laws(2, 2, with_z=True)
    joint = law.y[:, :, None] * law.z
    p = joint[:, 1] / joint.sum(axis=1)
    within = (joint.sum(axis=1) * p * (1 - p)).sum(axis=-1) / law.y.prod(axis=1)
    np.testing.assert_allclose(laws.whole(law, "Y"), within, rtol=1e-10)


def test_the_simulation_is_a_linear_gaussian_problem_where_x2_tells_little():
    """Loss of the best linear f at no shift: (1 - l)^2 z^2 + l (1 - l)."""
    gain, middle = 0.1, len(exact.U) // 2
    share = (gain / 4) ** 2 / (1 + (gain / 4) ** 2)
    law = (1 - share) ** 2 * exact.Z**2 + share * (1 - share)
    np.testing.assert_allclose(exact.loss(gain)[:, middle], law, atol=3e-5)


def test_interventions_leave_what_is_upstream_and_obey_mechanisms():
    """In raw units, without noise: X4 = tanh(-0.95 X2), and Y, X6, X7, X10, X11 as before."""
    rng, sizes = RNG(3), ensemble.networks(12)
    table = {name: rng.normal(size=20) for name in scm.NAMES}
    none, one = ({name: np.full(20, x) for name in scm.NAMES} for x in (0.0, 1.0))
    z = {k: rng.normal(size=ensemble.weights(sizes[k])) for k in ("J1", "J2")}
    J = tuple(ensemble.network(z[k], sizes[k]) for k in z)
    found = ensemble.intervened(J, ensemble.Way(table, none, none, one))
    for name in ("Y", "X6", "X7", "X10", "X11"):
        np.testing.assert_array_equal(found[name], table[name])
    np.testing.assert_allclose(found["X4"], np.tanh(-0.95 * found["X2"]), rtol=1e-5)
    causes = 1.13 * table["X6"] + 1.51 * table["X7"] - 0.58 * found["M1"] + 0.63 * table["Y"]
    np.testing.assert_allclose(np.log(found["X2"] / (1 - found["X2"])), causes, atol=1e-4)
