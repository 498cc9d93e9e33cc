"""The unconstrained feature model: free features H under M linear layers, and descent on it.

L = |W_M ... W_1 H + b 1^T - Y|^2 / 2N + lambda/2 (sum_j |W_j|^2 + |H|^2), b not penalised (eq. 1).

Shapes: K classes, d width, N examples, M layers.
"""

from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import loops
from common.nn import collapse

from . import theory


class Params(NamedTuple):
    features: jax.Array  # H [d, N]
    hidden: tuple[jax.Array, ...]  # W_1 ... W_{M-1}, each [d, d]
    head: jax.Array  # W_M [K, d]
    bias: jax.Array  # b [K]


class State(NamedTuple):
    params: Params
    velocity: Params


class Problem(NamedTuple):
    counts: jax.Array  # n_k [K], examples of class k follow each other
    decay: jax.Array  # lambda []
    bias: jax.Array  # 1: with b, 0: without []


class Targets(NamedTuple):
    frames: jax.Array  # what P_j P_j^T is proportional to [M, K, K]
    cross: jax.Array  # what P_1 times the class means is proportional to [K, K]
    ratios: jax.Array  # row k of P_j over the class mean k at layer j [M, K], up to a factor


class Sizes(NamedTuple):
    classes: int
    dim: int
    samples: int
    depth: int

    def shapes(self):
        """Of H, W_1 ... W_M."""
        dim, square = self.dim, (self.dim, self.dim)
        return [(dim, self.samples), *[square] * (self.depth - 1), (self.classes, dim)]

    def count(self):
        """Numbers in H, W_1 ... W_M."""
        return sum(n * m for n, m in self.shapes())


def sizes(counts, dim, depth):
    return Sizes(len(counts), dim, sum(counts), depth)


def unpack(vector, sizes):
    """vector [..., count] as Params [..., ...]; the bias is zero."""
    shapes, lead = sizes.shapes(), vector.shape[:-1]
    ends = np.cumsum([0, *(n * m for n, m in shapes)])
    parts = [vector[..., a:b] for a, b in pairwise(ends)]
    H, *hidden, head = (p.reshape(*lead, *n) for p, n in zip(parts, shapes, strict=True))
    return Params(H, tuple(hidden), head, np.zeros((*lead, sizes.classes), vector.dtype))


def one_hot(counts, samples, dtype=float):
    """Labels of classes that follow each other.  counts [K] -> [K, N]"""
    last = jnp.cumsum(counts)[:, None]
    index = jnp.arange(samples)
    return ((index < last) & (index >= last - counts[:, None])).astype(dtype)


def products(params):
    """P_j = W_M ... W_j for j = 1 ... M, from the left: K x d times d x d is cheap.

    -> [M, K, d]
    """
    P = [params.head]
    for W in params.hidden[::-1]:
        P.append(P[-1] @ W)
    return jnp.stack(P[::-1])


def answers(params, problem):
    """W_M ... W_1 H + b 1^T.  -> [K, N]"""
    return products(params)[0] @ params.features + problem.bias * params.bias[:, None]


def loss(params, problem):
    """The objective L.  -> []"""
    H = params.features
    samples = H.shape[1]
    error = answers(params, problem) - one_hot(problem.counts, samples, H.dtype)
    penalty = sum(jnp.sum(p**2) for p in (H, *params.hidden, params.head))
    return jnp.sum(error**2) / (2 * samples) + problem.decay / 2 * penalty


def begin(params):
    return State(params, jax.tree.map(lambda p: np.zeros(p.shape, p.dtype), params))


def step(state, problem, *, lr, momentum):
    """Heavy ball: v <- momentum v + grad, params <- params - lr v.  -> State"""
    grad = jax.grad(loss)(state.params, problem)
    velocity = jax.tree.map(lambda v, g: momentum * v + g, state.velocity, grad)
    return State(jax.tree.map(lambda p, v: p - lr * v, state.params, velocity), velocity)


def descend(state, problem, targets, strides, *, lr, momentum):
    """Heavy ball, observed after each of the strides int [R].  -> (State, `metrics` [R, ...])"""
    return loops.trajectory(
        lambda s: step(s, problem, lr=lr, momentum=momentum),
        lambda s: metrics(s.params, problem, targets),
        state,
        strides,
    )


def settle(params, decay, *, counts, lr, momentum, steps):
    """Heavy ball from rest without a bias: L [] and squared rows of P_1 [K] after `steps` steps."""
    problem = Problem(jnp.array(counts), decay, 0.0)
    one_step = partial(step, problem=problem, lr=lr, momentum=momentum)
    end = jax.lax.fori_loop(0, steps, lambda _, s: one_step(s), begin(params)).params
    return loss(end, problem), jnp.sum(products(end)[0] ** 2, axis=1)


def layers(params):
    """Features at every layer: H, W_1 H, ..., W_{M-1} ... W_1 H.  -> [M, d, N]"""
    H = [params.features]
    for W in params.hidden:
        H.append(W @ H[-1])
    return jnp.stack(H)


def targets(counts, decay, depth, *, simplex=False):
    """The minimum in closed form for counts n_k [K]; `simplex`: balanced classes with a free bias.

    Only ratios matter, since every metric compares matrices of norm 1. -> Targets of NumPy arrays
    """
    split = np.arange(depth, 0, -1)[:, None]  # layers in P_j = W_M ... W_j
    s = theory.singular_values(counts, decay, depth)
    ratio = s ** (2 * split - depth) / np.sqrt(theory.lengths(counts, decay, depth))
    frames = collapse.frame(s ** (2 * split))
    cross = collapse.frame(theory.outputs(counts, decay, depth))
    if simplex:
        cross = collapse.simplex(len(counts))
        frames = np.broadcast_to(cross, frames.shape)
    return Targets(frames, cross, ratio)


def metrics(params, problem, targets):
    """Loss, NC1, NC2 and duality at every split j, NC3, and the energy within classes.

    At split j: NC1 of the features H_j that enter W_j; NC2, how far P_j P_j^T is from its frame;
    duality, how far row k of P_j is from being along the class mean of H_j.
    -> dict of loss, nc3, energy [1] and nc1, nc2, dual [M]
    """
    H = layers(params)
    Y = one_hot(problem.counts, H.shape[-1])
    P, mean = products(params), H @ Y.T / Y.sum(1)
    return {
        "loss": loss(params, problem)[None],
        "nc1": jax.vmap(lambda h: collapse.variability(h, Y))(H),
        "nc2": collapse.distance(P @ P.mT, targets.frames),
        "dual": collapse.distance(P, targets.ratios[..., None] * mean.mT),
        "nc3": collapse.distance(P[0] @ mean[0], targets.cross)[None],
        "energy": jnp.sum(collapse.within(params.features, Y) ** 2)[None],
    }


def shape_of(params, problem):
    """What the theorems give in closed form.

    -> dict of gram [1, K, K] of the class means, cross [1, K, K] = P_1 times them, frame [1, K, K]
    = P_1 P_1^T, and singular [M, K], the K largest singular values of every layer
    """
    Y = one_hot(problem.counts, params.features.shape[1])
    mean, P, K = collapse.means(params.features, Y), products(params)[0], len(Y)
    values = [jnp.linalg.svd(W, compute_uv=False)[:K] for W in (*params.hidden, params.head)]
    return {
        "gram": (mean.T @ mean)[None],
        "cross": (P @ mean)[None],
        "frame": (P @ P.T)[None],
        "singular": jnp.stack(values),
    }
