"""Learning rates and weight decay by the names of parameters.

    tx = optax.chain(
        optax.scale_by_adam(),
        groups.grouped({"log_step|eigenvalues": Group(rate=0.1)}, Group(decay=0.01)),
        optax.scale_by_learning_rate(schedule),
    )

A pattern is a regular expression, searched in the path "blocks/0/kernel" of a leaf; the first that
is found decides.  Other optimisers for other leaves: optax.partition(..., labels(rules, default)).
"""

import math
import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import jax
import optax

from common.partition import path_of


class Group(NamedTuple):
    """rate, a factor to the learning rate (0 keeps a leaf as it is); decay, of the weights."""

    rate: float = 1.0
    decay: float = 0.0


def labels(rules: Mapping[str, Hashable], default: Hashable = None) -> Callable[[Any], Any]:
    """params -> the label of every leaf, by the first pattern of `rules` found in its path.

    Errors: ValueError for a pattern that decides for no leaf, a leaf without a pattern where
    default is None.
    """

    def label(params):
        decided = set()

        def of(path, _):
            name = path_of(path)
            pattern = next((p for p in rules if re.search(p, name)), None)
            if pattern is None and default is None:
                raise ValueError(f"rules have no pattern for {name} and there is no default")
            decided.add(pattern)
            return default if pattern is None else rules[pattern]

        found = jax.tree.map_with_path(of, params)
        for pattern in rules:
            if pattern not in decided:
                raise ValueError(f"rules: {pattern!r} decides for no parameter")
        return found

    return label


def grouped(
    rules: Mapping[str, Group],
    default: Group | None = Group(),  # noqa: B008
) -> optax.GradientTransformation:
    """Updates u -> rate (u + decay w), of the group of every leaf; no state.

    It comes after the direction (optax.scale_by_adam) and before the learning rate: with a single
    group this is optax.adamw.
    Errors: ValueError for what `labels` refuses, rates or decays below 0, update without params.
    """
    of = [*rules.values(), default]
    for group in (g for g in of if g is not None):
        for name, x in zip(Group._fields, group, strict=True):
            if not 0 <= x < math.inf:
                raise ValueError(f"{name} of a group must be 0 or more, not {x}")
    label = labels({p: i for i, p in enumerate(rules)}, None if default is None else len(rules))

    def init(params):
        label(params)
        return optax.EmptyState()

    def update(updates, state, params=None):
        if params is None:
            raise ValueError("params must be given to update, for grouped")

        def moved(u, w, i):
            rate, decay = of[i]
            return (rate * (u + decay * w if decay else u)).astype(u.dtype)

        return jax.tree.map(moved, updates, params, label(params)), state

    return optax.GradientTransformation(init, update)
