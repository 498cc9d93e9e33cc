"""Descents observed on their way: an ensemble by its moments, and a network beside them.

Shapes: A members of an ensemble, E = D + 1, P examples, N width, S records.
"""

from functools import partial

import jax
import jax.numpy as jnp

from common import loops

from . import model, moments
from .problems import Problem


def train(problem: Problem, u, strides, *, lr, observe):
    """Gradient descent, observed after each of the strides.  u [A, E, E], strides int [S]

    -> (u, observe(u, problem) [S, …])
    """
    x, y, _, start, base, setting = problem
    step = partial(moments.step, start=start, base=base, x=x, y=y, setting=setting, lr=lr)
    return loops.trajectory(step, partial(observe, problem=problem), u, strides)


def losses(u, problem: Problem) -> dict[str, jax.Array]:
    """Training loss, test loss and its terms for every member.  each [A, …]"""
    x, y, beta, _, base, setting = problem
    terms = moments.population_terms(u, base, beta, setting)
    errors = moments.outputs(u, base, x, setting) - y
    return {"train": jnp.mean(errors**2, axis=1), "test": terms.sum(1), "terms": terms}


def losses_and_alignments(u, problem: Problem) -> dict[str, jax.Array]:
    """The losses, and the alignment of the features and of the kernel.  each [A, …]"""
    feature = moments.features(u, problem.start, problem.setting)
    return losses(u, problem) | {
        "align": moments.alignment(feature, problem.beta),
        "cka": moments.cka(moments.kernel(feature, problem.x, problem.x), problem.y),
    }


def network_and_moments(w, x, y, strides, *, alphas, eps, lr, infinite):
    """Losses of descent on the first half of the examples: of networks by autodiff, by moments.

    w [N, D], x [P, D], y [P], strides int [S], alphas [A]; infinite: the moments do not start from
    the network's weights -> [A, (network, moments), (first half, second), S]
    """
    halves = tuple(zip(jnp.split(x, 2), jnp.split(y, 2), strict=True))
    networks = jax.vmap(lambda alpha: network_losses(w, *halves, strides, alpha, eps, lr))(alphas)
    setting = moments.Setting(alphas, jnp.full_like(alphas, eps), jnp.ones_like(alphas))
    start = moments.of_weights(w, setting.eps)
    if infinite:
        start = moments.infinite_width(x.shape[1], setting.eps)
    return jnp.stack([networks, moment_losses(start, *halves, strides, setting, lr)], axis=1)


def network_losses(w, seen, other, strides, alpha, eps, lr):
    """Losses of a network of initial weights w.  seen, other (x, y) -> [(seen, other), S]"""
    scale = {"alpha": alpha, "eps": eps}
    step = partial(model.step, x=seen[0], y=seen[1], lr=lr, **scale)

    def observe(w):
        return jnp.stack([model.loss(w, *pair, **scale) for pair in (seen, other)])

    return loops.trajectory(step, observe, w, strides)[1].T


def moment_losses(start, seen, other, strides, setting, lr):
    """Losses of every member by its moments.  -> [A, (seen, other), S]"""
    base, (x, y) = moments.plain(start), seen
    step = partial(moments.step, start=start, base=base, x=x, y=y, setting=setting, lr=lr)

    def observe(u):
        errors = [(moments.outputs(u, base, x, setting) - y) ** 2 for x, y in (seen, other)]
        return jnp.stack([error.mean(1) for error in errors], axis=1)

    return loops.trajectory(step, observe, start, strides)[1].transpose(1, 2, 0)
