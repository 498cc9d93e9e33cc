"""Five trials of what a network is made of and wrapped in: scale, dtype, size, what is not finite.

The U-Net and the drawing of weights have no reference for numbers of any size: test_nn has theirs.
"""

import jax.numpy as jnp
import numpy as np

from common import nn
from common.nn import collapse, film, layers, potential, precondition, siren
from common.sde import processes
from tests.trials import Arg, Case, parametrised, untried

X = np.array([[1.0, 2], [-3, 1], [2, -2], [4, 1]])
T = np.array([0.25, 0.5, 1, 0.75])
W, B = np.array([[1.0, -2, 0], [3, 1, 1]]), np.array([1.0, 0, -1])
V = np.array([[2.0, 1], [-1, 1], [1, 3]])  # of two inputs and the time
SHIFT = np.array([[1.0, 2, 3], [0, 1, -1], [2, 2, 2], [-1, 0, 1]])
MATRIX = np.array([[1.0, 3], [-1, 2]])
TAU = np.array([1.0, 2, -1, 0, 2, 3, -1, 1])  # of width 1: shifts and scales, gain, bias
VP = processes.vp()
STATE, TIMES = {"x": Arg(X, "B D", 1)}, {"t": Arg(T, "B")}
LINEAR = {"in": jnp.zeros((2, 1)), "mid": jnp.zeros((1, 1)), "out": jnp.zeros((1, 2))}

H = np.array([[1.0, 2, -1, 0.5, 3, 1], [2, 0, 1, -1, 1, 4], [0, 1, 1, 2, -2, 1]])
Y = np.repeat(np.eye(3), 2, axis=1)  # three classes, two examples each
FEATURES = {"H": Arg(H, "D N", 1)}


def dense(H):
    """Scatter within and between classes, by sums over examples and classes."""
    mu, middle = H @ Y.T / 2, H.mean(1)
    within = sum(np.outer(h - m, h - m) for h, m in zip(H.T, (mu @ Y).T, strict=True)) / 6
    return within, sum(np.outer(m - middle, m - middle) for m in mu.T) / 3


def variability(H):
    within, between = dense(H)
    if not np.isfinite(between).all():
        return np.nan
    return np.trace(within @ np.linalg.pinv(between, rcond=1e-6)) / 3


def denoised(x, t):
    """E[x_0 | x_t] of N(0, 4) under VP."""
    total = 0.1 * t + 9.95 * t * t
    alpha, variance = np.exp(-total / 2)[:, None], -np.expm1(-total)[:, None]
    return 4 * alpha * x / (4 * alpha**2 + variance)


CASES = {
    "layers.sinusoids": Case(
        layers.sinusoids,
        lambda p, r: np.concatenate([np.sin(p[:, None] * r), np.cos(p[:, None] * r)], 1),
        {"place": Arg(T, "B", -1), "rates": Arg(np.array([1.0, 2, 5]), "R", 1)},
        degree=0,
        sixteen=1e-2,
    ),
    "layers.apply": Case(
        lambda x, w, b, shift: layers.apply([(w, b)], x, shift),
        lambda x, w, b, shift: x @ w + b + shift,
        STATE | {"w": Arg(W, "D M"), "b": Arg(B, "M", 1), "shift": Arg(SHIFT, "B M", 1)},
        degree=1,
        model="D M",
    ),
    "layers.timed": Case(
        lambda x, t: layers.timed([(jnp.asarray(V, jnp.float32), jnp.zeros(2))], x, t),
        lambda x, t: np.concatenate([x, t[:, None]], 1) @ V,
        STATE | {"t": Arg(T, "B", 1)},
        degree=1,
    ),
    "layers.rms_norm": Case(
        lambda x, scale: layers.rms_norm(x, scale, tiny=0.0),
        lambda x, scale: scale * x / np.sqrt(np.mean(x**2, 1, keepdims=True)),
        {"x": Arg(X, "B N", 1), "scale": Arg(B[:2] + 2, "N")},
        degree=0,
        most=1e15,
    ),
    "layers.layer_norm": Case(
        lambda x, scale: layers.layer_norm(x, scale, tiny=0.0),
        lambda x, scale: scale * (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True),
        {"x": Arg(V, "B N", 1), "scale": Arg(B[:2] + 2, "N")},
        degree=0,
        most=1e15,
    ),
    "siren.apply": Case(
        lambda x, w, b, v: siren.apply([(w, b), (v, np.zeros(2))], x, first=1.0),
        lambda x, w, b, v: np.sin(x @ w + b) @ v,
        {"x": Arg(X, "B D"), "w": Arg(W, "D M"), "b": Arg(B, "M"), "w last": Arg(V, "M O", 1)},
        degree=1,
        model="D M O",
        names="b",
    ),
    "siren.affine": Case(
        lambda w, b, x: siren.affine(w, b, x),
        lambda w, b, x: x @ w + b,
        {"w": Arg(W, "D M"), "b": Arg(B, "M", 1), "x": Arg(X, "B D", 1)},
        degree=1,
        model="D M",
    ),
    "collapse.means": Case(
        lambda h: collapse.means(h, Y), lambda h: h @ Y.T / 2, FEATURES, degree=1
    ),
    "collapse.within": Case(
        lambda h: collapse.within(h, Y), lambda h: h - h @ Y.T / 2 @ Y, FEATURES, degree=1
    ),
    "collapse.scatter": Case(
        lambda h: tuple(collapse.scatter(h, Y)), dense, FEATURES, degree=2, most=1e15
    ),
    "collapse.variability": Case(
        lambda h: collapse.variability(h, Y),
        variability,
        FEATURES,
        degree=0,
        most=1e7,
    ),
    "collapse.trace_ratio": Case(
        lambda h: collapse.trace_ratio(h, Y),
        lambda h: np.trace(dense(h)[0]) / np.trace(dense(h)[1]),
        FEATURES,
        degree=0,
        most=1e15,
    ),
    "collapse.distance": Case(
        collapse.distance,
        lambda a, b: np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)),
        {"A": Arg(H, "n m", 1), "B": Arg(H[::-1], "n m", -1)},
        degree=0,
        most=1e15,
    ),
    "collapse.unit": Case(
        collapse.unit, lambda a: a / np.linalg.norm(a), {"A": Arg(H, "n m", 1)}, degree=0, most=1e15
    ),
    "film.apply": Case(
        lambda x, tau: film.apply(LINEAR, x, tau),
        lambda x, tau: tau[4:6] * x + tau[6:],
        {"x": Arg(X, "B D"), "tau": Arg(TAU, "M")},
        names="pixels",
    ),
    "film.time_features": Case(
        lambda t: film.time_features(t, 4),
        lambda t: np.stack([f((1 - np.log(t) / np.log(1e-5)) * k * np.pi / 2)
                            for f in (np.sin, np.cos) for k in (1, 2)], 1),
        {"t": Arg(T, "B", refused="i")},
        sixteen=1e-2,
    ),
    "potential.gradient": Case(
        lambda x: potential.gradient(lambda x, t: -(x**2).sum(1) / 8)(x, 0.5),
        lambda x: -x / 4,
        STATE,
        degree=1,
    ),
    "potential.conservative": Case(
        lambda x: potential.conservative(lambda x, t: x @ jnp.asarray(MATRIX, x.dtype))(x, 0.5),
        lambda x: x @ (MATRIX + MATRIX.T) / 2,
        {"x": Arg(X, "B", 1)},
        degree=1,
    ),
    "precondition.denoiser": Case(
        precondition.denoiser(VP, lambda x, level: jnp.zeros_like(x), 2.0),
        denoised,
        STATE | TIMES,
        degree=1,
        sixteen=1e-2,
    ),
}  # fmt: skip
BESIDE = {
    # draws, and functions of keys and states of any kind
    "layers.normals", "layers.init", "training.begin", "training.key_of", "training.updated",
    "training.steps", "training.averaged",
    # what denoiser calls
    "precondition.scales",
    # networks and what they are called with
    "siren.bounds", "siren.init", "siren.hidden", "collapse.one_hot", "collapse.blocks",
    "collapse.simplex", "collapse.frame",
    "decoder.init", "decoder.anywhere", "decoder.rope", "decoder.attention_logits",
    "decoder.attention", "decoder.mlp", "decoder.block", "decoder.apply",
    "film.net", "film.init", "film.embed", "net.noise_score",
    # labels and trees: test_probes, test_connect
    "probes.standardised", "probes.ridge", "probes.linear", "probes.told", "probes.nearest",
    "connect.segment", "connect.barrier", "connect.perceptron", "connect.permuted",
    "connect.weight_matching", "connect.activation_matching",
    "convnet.init", "convnet.features", "convnet.embed", "convnet.apply",
    "unet.net", "unet.init", "unet.embed", "unet.apply", "unet.down", "unet.up_to",
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)


def test_every_public_function_is_tried_once():
    assert untried([nn], [*CASES, *BESIDE]) == []
    assert not BESIDE & CASES.keys()
