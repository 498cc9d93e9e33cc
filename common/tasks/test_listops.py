"""ListOps against a parser of what is printed, against all there are, and its probabilities."""

import itertools
import statistics

import jax
import numpy as np
import pytest
import scipy.stats

from common.tasks import listops

KEY = jax.random.key(0)


def parsed(words):
    """The value of the expression that an iterator of printed words begins with, and its depth."""
    word = next(words)
    if word.isdigit():
        return int(word), 1
    inner = []
    while (peeked := next(words)) != "]":
        inner.append(parsed(itertools.chain([peeked], words)))
    digits, depths = zip(*inner, strict=True)
    applied = {
        "[MIN": min,
        "[MAX": max,
        "[MED": lambda d: int(statistics.median(d)),
        "[SM": lambda d: sum(d) % 10,
    }
    return applied[word](digits), 1 + max(depths)


def test_values_are_those_of_a_parser_and_lengths_and_depths_keep_their_bounds():
    tokens, values = listops.expressions(
        KEY, 300, min_length=9, max_length=60, max_depth=4, max_args=5
    )
    lengths = (tokens > 0).sum(1)
    assert tokens.shape == (300, 59)
    assert lengths.min() > 9
    assert lengths.max() < 60
    assert len(np.unique(tokens, axis=0)) == 300
    depths = []
    for row, value, length in zip(tokens, values, lengths, strict=True):
        printed = listops.text(row)
        assert len(printed.split()) == length
        assert not row[length:].any()
        told, depth = parsed(iter(printed.split()))
        assert told == value == listops.value(row)
        depths.append(depth)
    assert max(depths) == 4


def test_the_defaults_are_those_of_long_range_arena():
    tokens, values = listops.expressions(KEY, 8)
    lengths = (tokens > 0).sum(1)
    assert tokens.shape == (8, 1999)
    assert lengths.min() > 500
    assert lengths.max() < 2000
    assert max(parsed(iter(listops.text(row).split()))[1] for row in tokens) <= 10
    assert ((values >= 0) & (values <= 9)).all()
    np.testing.assert_array_equal(listops.expressions(KEY, 8).tokens, tokens)
    assert (listops.expressions(jax.random.key(1), 8).tokens != tokens).any()


def test_a_small_grammar_comes_up_whole_and_no_further():
    small = {"min_length": 0, "max_length": 5, "max_depth": 2, "max_args": 2}
    tokens, _ = listops.expressions(KEY, 410, **small)  # 10 digits, 4 operators of two of them
    lists = itertools.product(("[MIN", "[MAX", "[MED", "[SM"), range(10), range(10))
    wanted = {str(d) for d in range(10)} | {f"{op} {a} {b} ]" for op, a, b in lists}
    assert {listops.text(row) for row in tokens} == wanted
    with pytest.raises(ValueError, match="after 410 expressions"):
        listops.expressions(KEY, 411, **small)


def test_shares_of_operators_of_arguments_and_of_digits():
    rng = np.random.default_rng(0)
    drawn = [listops._expression(rng, 10**6, 3, 4) for _ in range(20000)]
    lists = [e for e in drawn if len(e) > 1]
    assert scipy.stats.binomtest(len(lists), len(drawn), 0.25).pvalue > 1e-3
    tokens = np.bincount(np.concatenate(drawn), minlength=16)
    assert scipy.stats.chisquare(tokens[1:11]).pvalue > 1e-3
    assert scipy.stats.chisquare(tokens[11:15]).pvalue > 1e-3
    outer = [len(listops.text(e).split()) for e in lists]
    mean = 2 + 3 * (0.75 + 0.25 * (2 + 3))  # 3 arguments each on average, lists of digits inside
    assert np.mean(outer) == pytest.approx(mean, abs=4 * np.std(outer) / len(outer) ** 0.5)
    counts = np.bincount([len(e) - 2 for e in lists if max(e[1:]) < 11 or e.count(15) == 1])
    shares = np.array([0.75**n for n in (2, 3, 4)])  # no list inside
    assert scipy.stats.chisquare(counts[2:], counts.sum() * shares / shares.sum()).pvalue > 1e-3


@pytest.mark.parametrize(
    ("printed", "value"),
    [("[MED 1 4 ]", 2), ("[MED 9 0 4 ]", 4), ("[SM 9 9 [MIN 4 2 ] ]", 0), ("[MAX 3 [SM 8 ] ]", 8)],
)  # fmt: skip
def test_known_values(printed, value):
    tokens = [listops.VOCABULARY.index(word) for word in printed.split()]
    assert listops.value([*tokens, 0, 0]) == value
    assert listops.text([*tokens, 0]) == printed


@pytest.mark.parametrize("tokens", [[], [1, 2], [11], [11, 15], [15], [11, 1], [16], [-1]])
def test_what_is_no_expression_has_no_value(tokens):
    with pytest.raises(ValueError, match="tokens"):
        listops.value(tokens)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"count": 0}, "count"),
        ({"min_length": -1}, "min_length"),
        ({"max_length": 501}, "max_length"),
        ({"max_depth": 0}, "max_depth"),
        ({"max_args": 1}, "max_args"),
        ({"max_depth": 1}, "min_length"),  # digits alone are never as long
    ],
)
def test_refusals(changed, named):
    with pytest.raises(ValueError, match=named):
        listops.expressions(KEY, **({"count": 1} | changed))
