"""Arithmetic against Python's, parity against counts of all the strings there are."""

import operator

import jax
import numpy as np
import pytest
import scipy.stats

from common.tasks import arithmetic

KEY = jax.random.key(0)
STRINGS = jax.jit(arithmetic.sparse_parity, static_argnums=(1, 2, 3))


@pytest.mark.parametrize("p", [2, 7, 113])
def test_every_pair_once_with_its_answer(p):
    ways = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul}
    for operation, way in ways.items():
        pairs, answers = map(np.asarray, arithmetic.modular(p, operation))
        wanted = [(a, b, way(a, b) % p) for a in range(p) for b in range(p)]
        np.testing.assert_array_equal(np.column_stack([pairs, answers]), wanted)
    pairs, answers = map(np.asarray, arithmetic.modular(p, "divide"))
    assert len(np.unique(pairs, axis=0)) == len(pairs) == p * (p - 1)
    assert pairs[:, 1].min() > 0
    np.testing.assert_array_equal(answers * pairs[:, 1] % p, pairs[:, 0])
    np.testing.assert_array_equal(np.bincount(answers), p - 1)


@pytest.mark.parametrize(("relevant", "noise"), [(3, 40), (1, 0), (2, 30), (64, 0)])
def test_strings_differ_and_y_is_the_parity_of_the_first(relevant, noise):
    count = min(2000, 2 ** (relevant + noise))
    x, y = map(np.asarray, STRINGS(KEY, count, relevant, noise))
    assert x.shape == (count, relevant + noise)
    assert set(np.unique(x)) == {0, 1}
    assert len(np.unique(x, axis=0)) == count
    np.testing.assert_array_equal(y, [bin(int("".join(map(str, row[:relevant])), 2)).count("1") % 2
                                      for row in x])  # fmt: skip
    if count == 2000:
        off = (x.sum(0) - 1000) / 500**0.5
        assert np.abs(off).max() < 4.5
        assert abs(y.sum() - 1000) < 4 * 500**0.5


def test_as_many_strings_as_there_are_are_all_of_them():
    x, y = map(np.asarray, STRINGS(KEY, 64, 2, 4))
    np.testing.assert_array_equal(np.sort(x @ 2 ** np.arange(6)), np.arange(64))
    assert y.sum() == 32  # exactly: half of all strings are odd


def test_all_choices_are_as_likely():
    """Of two out of four strings there are twelve, in order; keys are a batch."""
    many = jax.random.split(KEY, 6000)
    x, _ = jax.jit(jax.vmap(lambda k: arithmetic.sparse_parity(k, 2, 1, 1)))(many)
    first, second = np.asarray(x @ np.array([1, 2])).T
    counts = np.bincount(4 * first + second, minlength=16)
    assert not counts[[0, 5, 10, 15]].any()
    assert scipy.stats.chisquare(np.delete(counts, [0, 5, 10, 15])).pvalue > 1e-3


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: arithmetic.modular(1), "p must"),
        (lambda: arithmetic.modular(-7), "p must"),
        (lambda: arithmetic.modular(6, "divide"), "p must be a prime"),
        (lambda: arithmetic.modular(7, "power"), "operation"),
        (lambda: arithmetic.sparse_parity(KEY, 0, 1, 1), "count"),
        (lambda: arithmetic.sparse_parity(KEY, 5, 1, 1), "count"),
        (lambda: arithmetic.sparse_parity(KEY, 2, 0, 1), "relevant"),
        (lambda: arithmetic.sparse_parity(KEY, 2, 1, -1), "noise"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call()
