"""Groups by their laws, words by products of their permutations."""

from functools import reduce
from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from common.tasks import words

KEY = jax.random.key(0)
DRAW = jax.jit(words.words, static_argnums=(2, 3))
ORDERS = {"Z2": 2, "Z7": 7, "S3": 6, "A4": 12, "S4": 24, "A5": 60, "S5": 120, "A2": 1, "S1": 1}


@pytest.mark.parametrize("name", ORDERS)
def test_a_group_keeps_its_laws(name):
    elements, table = words.named(name)
    order = len(elements)
    assert order == ORDERS[name]
    np.testing.assert_array_equal(table[0], np.arange(order))  # the identity
    np.testing.assert_array_equal(table[:, 0], np.arange(order))
    np.testing.assert_array_equal((table == 0).sum(1), 1)  # an inverse
    for a in range(order):
        np.testing.assert_array_equal(table[table[a]], table[a][table])  # (a b) c = a (b c)


@pytest.mark.parametrize("name", ["Z7", "S4", "A5"])
def test_the_table_multiplies_permutation_matrices(name):
    elements, table = words.named(name)
    n = elements.shape[1]
    matrices = np.eye(n, dtype=int)[elements].transpose(0, 2, 1)  # point i goes to elements[i]
    for a, b in np.random.default_rng(0).integers(0, len(table), (200, 2)):
        np.testing.assert_array_equal(matrices[table[a, b]], matrices[a] @ matrices[b])


def test_symmetric_and_alternating_groups_are_all_and_the_even_permutations():
    every = set(permutations(range(5)))
    assert set(map(tuple, words.named("S5").elements.tolist())) == every
    even = {p for p in every if np.linalg.det(np.eye(5)[list(p)]) > 0}
    assert set(map(tuple, words.named("A5").elements.tolist())) == even


def commutators(table):
    """The subgroup that all a b a^-1 b^-1 generate, as places."""
    inverse = (table == 0).argmax(1)
    found = np.unique(table[table, table[np.ix_(inverse, inverse)]])
    while len(grown := np.unique(table[np.ix_(found, found)])) > len(found):
        found = grown
    return found


def chain(name):
    """Orders of a group, its derived subgroup, that one's, … until they stay."""
    table, sizes = words.named(name).table, []
    while not sizes or len(table) < sizes[-1]:
        sizes.append(len(table))
        kept = commutators(table)
        place = {element: i for i, element in enumerate(kept)}
        table = np.array([[place[table[a, b]] for b in kept] for a in kept])
    return sizes


def test_what_is_solvable_and_what_is_not():
    assert chain("S3") == [6, 3, 1]
    assert chain("A4") == [12, 4, 1]
    assert chain("S4") == [24, 12, 4, 1]
    assert chain("A5") == [60]
    assert chain("S5") == [120, 60]


def test_a5_is_simple():
    """No union of classes with the identity has an order that divides 60, but 1 and all."""
    table = words.named("A5").table
    inverse = (table == 0).argmax(1)
    classes = {frozenset(table[table[:, a], inverse].tolist()) for a in range(60)}
    assert sorted(map(len, classes)) == [1, 12, 12, 15, 20]
    sums = {1}
    for size in (12, 12, 15, 20):
        sums |= {s + size for s in sums}
    assert {s for s in sums if 60 % s == 0} == {1, 60}


@pytest.mark.parametrize("name", ["Z2", "S3", "A5"])
def test_running_products_are_those_of_the_permutations(name):
    elements, table = words.named(name)
    word, product = map(np.asarray, DRAW(KEY, table, 20, 33))
    assert word.shape == product.shape == (20, 33)
    for letters, told in zip(word, product, strict=True):
        for end in (1, 2, 17, 33):
            whole = reduce(lambda p, q: p[q], elements[letters[:end]])
            np.testing.assert_array_equal(elements[told[end - 1]], whole)


def test_parity_is_a_sum_modulo_2():
    word, product = DRAW(KEY, words.named("Z2").table, 20, 33)
    np.testing.assert_array_equal(product, np.cumsum(word, 1) % 2)


def test_letters_are_uniform_and_so_is_the_last_product():
    word, product = DRAW(KEY, words.named("S3").table, 3000, 5)
    for drawn in (word, product[:, -1]):
        assert scipy.stats.chisquare(np.bincount(drawn.ravel(), minlength=6)).pvalue > 1e-3


def test_words_of_transpositions_alternate_in_sign():
    elements, table = words.named("S4")
    swaps = np.flatnonzero((elements != np.arange(4)).sum(1) == 2)
    assert len(swaps) == 6
    word, product = DRAW(KEY, table, 50, 8, letters=swaps)
    assert set(np.unique(word)) == set(swaps)
    signs = np.linalg.det(np.eye(4)[elements])[np.asarray(product)]
    np.testing.assert_allclose(signs, np.tile((-1.0) ** np.arange(1, 9), (50, 1)), atol=1e-6)


def test_groups_of_several_orders_run_together():
    names, size = ("Z2", "S3", "S4"), 24
    tables = np.zeros((3, size, size), int)
    orders = np.array([ORDERS[name] for name in names])
    for table, order, name in zip(tables, orders, names, strict=True):
        table[:order, :order] = words.named(name).table
    many = jax.random.split(KEY, 3)
    draw = jax.jit(jax.vmap(lambda k, t, n: words.words(k, t, 4, 9, order=n)))
    together = draw(many, tables, orders)
    alone = [DRAW(k, words.named(n).table, 4, 9) for k, n in zip(many, names, strict=True)]
    for got, wanted in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(got, np.stack(wanted))


S3 = words.named("S3").table


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: words.named("Q8"), "name"),
        (lambda: words.named("S8"), "name"),
        (lambda: words.named("Z0"), "name"),
        (lambda: words.generated(np.array([[0, 0]])), "generators"),
        (lambda: words.generated(np.array([0, 1])), "generators"),
        (lambda: words.generated(np.array([[0.0, 1.0]])), "generators"),
        (lambda: words.words(KEY, S3, 0, 3), "count"),
        (lambda: words.words(KEY, S3, 2, -3), "length"),
        (lambda: words.words(KEY, S3[:2], 2, 3), "table"),
        (lambda: words.words(KEY, S3, 2, 3, order=7), "order"),
        (lambda: words.words(KEY, S3, 2, 3, order=0), "order"),
        (lambda: words.words(KEY, S3, 2, 3, letters=jnp.array([6])), "letters"),
        (lambda: words.running(S3, jnp.array([0, 6])), "word"),
        (lambda: words.running(S3, jnp.array([0.5])), "word"),
        (lambda: words.running(S3 + 1, jnp.array([0])), "table"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call()
