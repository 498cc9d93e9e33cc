"""ListOps (Nangia & Bowman 2018): nested lists of digits under four operators, worth one digit.

The grammar of Long Range Arena's generator: a node is an operator with probability 1/4, else one
of ten digits; MIN, MAX, MED, SM (sum modulo 10) are as likely, so are 2 .. max_args arguments; at
depth max_depth (the whole expression is at 1) there are digits alone. MED of an even number is
the mean of the middle two, rounded down. The length counts operators, digits and closing brackets
(round brackets are left out, as its models read it); kept is what is strictly inside the window
and new. Its settings are the defaults here; those of 2018: max_depth 20, max_args 5, no window.

On the host, by a NumPy generator that the key's data seed: not to be traced.
"""

from typing import NamedTuple

import jax
import numpy as np

from common.reals import at_least

OPERATORS = ("[MIN", "[MAX", "[MED", "[SM")
VOCABULARY = ("", *map(str, range(10)), *OPERATORS, "]")  # token 0 is padding, 1 + d the digit d
OPERATOR, CLOSE = 11, 15  # the first operator; the bracket
SHARE = 0.25  # of operators
TRIES = 100_000  # for one more expression


class Expressions(NamedTuple):
    """Shapes: N expressions, L = max_length - 1 tokens at most."""

    tokens: np.ndarray  # int32 [N, L]: places in VOCABULARY, filled up with 0
    values: np.ndarray  # int32 [N]: 0 .. 9


def expressions(
    key: jax.Array,
    count: int,
    *,
    min_length: int = 500,
    max_length: int = 2000,
    max_depth: int = 10,
    max_args: int = 10,
) -> Expressions:
    """So many different ones of more than min_length and fewer than max_length tokens.

    Errors: ValueError where 100 000 draws bring no new one of these lengths.
    """
    at_least(1, count=count, max_depth=max_depth)
    at_least(0, min_length=min_length)
    at_least(min_length + 2, max_length=max_length)
    at_least(2, max_args=max_args)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    kept: dict[tuple[int, ...], None] = {}  # in their order
    for number in range(count):
        drawn = (_expression(rng, max_length, max_depth, max_args) for _ in range(TRIES))
        fits = (e for e in drawn if min_length < len(e) < max_length and e not in kept)
        new = next(fits, None)
        if new is None:
            raise ValueError(
                f"min_length={min_length}, max_length={max_length}: after {number} expressions no "
                f"new one in {TRIES} of max_depth={max_depth}, max_args={max_args}"
            )
        kept[new] = None
    tokens = np.zeros((count, max_length - 1), np.int32)
    for row, expression in zip(tokens, kept, strict=True):
        row[: len(expression)] = expression
    return Expressions(tokens, np.array([value(e) for e in kept], np.int32))


def value(tokens) -> int:
    """What an expression is worth, 0 .. 9.  int [L], with padding or without

    Errors: ValueError where the tokens are no expression.
    """
    frames: list[list[int]] = [[]]  # of every open operator, it and its arguments so far
    for token in (int(t) for t in tokens if t):
        if 0 < token < OPERATOR:
            frames[-1].append(token - 1)
        elif OPERATOR <= token < CLOSE:
            frames.append([token])
        elif token == CLOSE and len(frames) > 1 and len(frames[-1]) > 1:
            operator, *arguments = frames.pop()
            frames[-1].append(_applied(operator, arguments))
        else:
            raise ValueError(f"tokens: {token} is out of place")
    if len(frames) > 1 or len(frames[0]) != 1:
        raise ValueError("tokens must be one whole expression")
    return frames[0][0]


def text(tokens) -> str:
    """As it is printed: [MAX 2 9 [MIN 4 7 ] 0 ].  int [L]"""
    return " ".join(VOCABULARY[int(t)] for t in tokens if t)


def _applied(operator: int, arguments: list[int]) -> int:
    ordered, count = sorted(arguments), len(arguments)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) // 2
    return (ordered[0], ordered[-1], middle, sum(arguments) % 10)[operator - OPERATOR]


def _expression(rng, longest: int, max_depth: int, max_args: int) -> tuple[int, ...]:
    """One of any length; one that has reached `longest` breaks off there.

    One uniform number a node says all of it: below SHARE, scaled, which operator and how many
    arguments, else which digit.
    """
    tokens: list[int] = []
    waiting = [1]  # arguments still to come at every depth
    while waiting and len(tokens) < longest:
        if not waiting[-1]:
            waiting.pop()
            tokens += [CLOSE] if waiting else []
            continue
        waiting[-1] -= 1
        u = rng.random()
        share = SHARE if len(waiting) < max_depth else 0.0
        if u < share:
            operator, more = divmod(int(u / share * 4 * (max_args - 1)), max_args - 1)
            tokens.append(OPERATOR + operator)
            waiting.append(2 + more)
        else:
            tokens.append(1 + int((u - share) / (1 - share) * 10))
    return tuple(tokens)
