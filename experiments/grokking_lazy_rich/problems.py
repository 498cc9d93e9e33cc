"""One seed's data and the moments that descent starts from: of a network, or of infinite width.

Shapes: A members of an ensemble (all on the same data), P examples, D dimension, E = D + 1,
N width.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from . import model, moments


class Problem(NamedTuple):
    """One seed's data and members."""

    x: jax.Array  # [P, D], over sqrt D
    y: jax.Array  # [P]
    beta: jax.Array  # [D]
    start: jax.Array  # [A, E, E]
    base: jax.Array  # [A, E, E], see moments
    setting: moments.Setting


def members(alphas, epsilons, twins, *, eps, rich) -> moments.Setting:
    """The ladder of alpha, that of eps at twins[0], the twins' networks, their linearisations.

    rich: 1.0; 0.0 linearises every member
    """
    a, e, t = len(alphas), len(epsilons), len(twins)
    alpha = (*alphas, *(twins[0],) * e, *twins, *twins)
    feature = (*(eps,) * a, *epsilons, *(eps,) * (2 * t))
    free = (*(rich,) * (a + e + t), *(0.0,) * t)
    return moments.Setting(jnp.array(alpha), jnp.array(feature), jnp.array(free))


def split(normal, width: int):
    """Weights and a task from N(0, 1) entries.  normal [N + 1 + P, D]

    -> w [N, D], x [P, D] over sqrt D, y [P], beta [D]
    """
    return normal[:width], *model.task(normal[width:])


def of_network(normal, setting, *, width: int, centred: int) -> Problem:
    """All members start from one network's weights; the last `centred` of them are f - f_0.

    normal: see `split`
    """
    w, *data = split(normal, width)
    start = moments.of_weights(w, setting.eps)
    base = jnp.concatenate([moments.plain(start[:-centred]), start[-centred:]])
    return Problem(*data, start, base, setting)


def of_infinite_width(normal, setting, *, width: int) -> Problem:
    """All members start from the moments of infinitely many weights.  normal: see `split`"""
    _, *data = split(normal, width)
    start = moments.infinite_width(normal.shape[1], setting.eps)
    return Problem(*data, start, moments.plain(start), setting)


def first(problem: Problem, samples: int) -> Problem:
    """With the first P examples alone."""
    return problem._replace(x=problem.x[..., :samples, :], y=problem.y[..., :samples])


def regression_loss(problem: Problem, count: int):
    """Test loss of regression with the initial kernels of the last `count` members.  -> [count]"""
    x, y, beta, *last = problem
    start, base, setting = jax.tree.map(lambda v: v[-count:], tuple(last))
    u = moments.regression(start, base, x, y, setting)
    return moments.population_terms(u, base, beta, setting).sum(1)
