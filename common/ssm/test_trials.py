"""Five trials of recurrences, kernels and discrete forms: scale, dtype, size, finite, compiled."""

import jax.numpy as jnp
import numpy as np
from scipy.linalg import expm

from common.ssm import delta, discrete, kernels, selective
from tests.trials import Arg, Case, parametrised

A = np.array([[-1.0, 2], [-1, -3]])
RATES, TURNS = np.array([[-1.0, -2], [-0.5, 0]]), np.array([[2.0, 1], [-3, 0.5]])
C, CI = np.array([[1.0, 2], [-1, 0.5]]), np.array([[0.5, -1], [2, 1]])
U = np.array([[1.0, 2, -1, 0.5, 3], [2, 0, 1, -1, 1]])  # two models, five steps
Q, K = np.array([[1.0, 0], [2, -1], [0, 1]]), np.array([[1.0, 0.5], [0, 1], [-1, 0.5]])
V, BETA = np.array([[2.0, -1, 0], [1, 3, 1], [0, 2, -1]]), np.array([1.0, 0.5, 2])
STEPS = np.array([[0.5, 1], [1, 0.25], [2, 0.5]])  # three steps, two channels
DECAY = -np.array([[1.0, 2, 3], [0.5, 0, 1]])  # two channels, three states
SEEN = np.array([[1.0, 2], [-1, 0.5], [0, 3]])


def rule(q, k, v, beta):
    state, out = np.zeros((k.shape[1], v.shape[1])), np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        state = state + beta[i] * np.outer(k[i], v[i] - k[i] @ state)
        out[i] = state.T @ q[i]
    return out, state


def twice(q, k, v, beta):
    out, state = rule(np.repeat(q, 2, 0), np.repeat(k, 2, 0), np.repeat(v, 2, 0), beta.ravel())
    return out[1::2], state


def select(u, delta, a, b, c):
    x, out = np.zeros(a.shape), np.zeros(u.shape)
    for i in range(len(u)):
        x = np.exp(delta[i][:, None] * a) * x + (delta[i] * u[i])[:, None] * b[i]
        out[i] = x @ c[i]
    return out, x


def held(a, b, step):
    n = len(b)
    both = expm(step * np.block([[a, b[:, None]], [np.zeros((1, n + 1))]]))
    return both[:n, :n], both[:n, n]


def trapezoid(a, b, step):
    left = np.eye(len(b)) - step / 2 * a
    return np.linalg.solve(left, np.eye(len(b)) + step / 2 * a), np.linalg.solve(left, step * b)


def kernel(rates, turns, c, ci):
    each = np.exp((rates + 1j * turns)[..., None] * np.arange(5))
    return 2 * np.sum((c + 1j * ci)[..., None] * each, axis=1).real


def causal(k, u):
    found = [np.convolve(a, b)[: u.shape[-1]] for a, b in zip(k, u, strict=True)]
    return np.stack(found) if found else np.zeros(u.shape)


def summed(a, x):
    a, out = np.broadcast_to(a, x.shape), np.zeros(x.shape, np.result_type(a, x))
    out[..., :1] = x[..., :1]  # whatever a_1 is: x_0 = 0
    for i in range(1, x.shape[-1]):
        out[..., i] = a[..., i] * out[..., i - 1] + x[..., i]
    return out


MODES = {"log_a": Arg(RATES, "H N"), "log_a imaginary": Arg(TURNS, "H N"),
         "c": Arg(C, "H N", 1), "c imaginary": Arg(CI, "H N", 1)}  # fmt: skip
TOLD = {"q": Arg(Q, "T K"), "k": Arg(K, "T K"), "v": Arg(V, "T V", 1), "beta": Arg(BETA, "T")}
SELECTED = {"u": Arg(STEPS - 1, "T D", 1), "delta": Arg(STEPS, "T D"), "a": Arg(DECAY, "D N"),
            "b": Arg(np.stack([BETA, BETA, -BETA]), "T N"), "c": Arg(V, "T N")}  # fmt: skip
DENSE = {
    "a": Arg(A, "N N", -1),
    "b": Arg(np.array([1.0, -2]), "N", -1),
    "step": Arg(0.5, "", 1, refused="i"),
}
STEP = Arg(np.array([0.5, 1.0]), "N", 1, refused="i")
VALUES = {"values": Arg(-np.array([1.0, 4]), "N", -1), "step": STEP}
pair = lambda x, y: jnp.asarray(x) + 1j * jnp.asarray(y)  # noqa: E731

CASES = {
    "delta.delta_rule": Case(delta.delta_rule, rule, TOLD, degree=1),
    "delta.delta_rule in chunks": Case(
        lambda *a: delta.delta_rule(*a, chunk=max(len(a[0]), 1)), rule, TOLD, degree=1
    ),
    "delta.delta_product": Case(
        lambda q, k, v, beta: delta.delta_product(
            q, jnp.stack([k, k], 1), jnp.stack([v, v], 1), beta),
        twice,
        TOLD | {"beta": Arg(np.stack([BETA, BETA / 2], 1), "T")},
        degree=1,
    ),
    "selective.selective_scan": Case(selective.selective_scan, select, SELECTED, degree=1),
    "selective.selective_scan in chunks": Case(
        lambda *a: selective.selective_scan(*a, chunk=1), select, SELECTED, degree=1
    ),
    "selective.selective_step": Case(
        lambda u, *told: selective.selective_step(jnp.zeros(DECAY.shape), u, *told)[0],
        lambda u, delta, a, b, c: (delta * u)[:, None] * b,
        {"u": Arg(np.array([1.0, 2]), "D", 1), "delta": Arg(np.array([0.5, 1]), "D"),
         "a": Arg(DECAY, "D N"), "b": Arg(BETA, "N"), "c": Arg(BETA, "N")},
        degree=1,
        names="x",
    ),
    "discrete.zoh": Case(discrete.zoh, held, DENSE, degree=0),
    "discrete.bilinear": Case(discrete.bilinear, trapezoid, DENSE, degree=0),
    "discrete.zoh_diagonal": Case(
        lambda values, step: discrete.zoh_diagonal(values, step)[1] / step,
        lambda values, step: np.expm1(values * step) / (values * step),
        VALUES, degree=0,
    ),
    "discrete.bilinear_diagonal": Case(
        lambda values, step: discrete.bilinear_diagonal(values, step)[1] / step,
        lambda values, step: 1 / (1 - values * step / 2),
        VALUES, degree=0,
    ),
    "kernels.dense": Case(
        lambda a, b, c: kernels.dense(a, b, c, 5),
        lambda a, b, c: np.stack([c @ np.linalg.matrix_power(a, i) @ b for i in range(5)], -1),
        {"a": Arg(A, "N N"), "b": Arg(np.array([1.0, -2]), "N", 1), "c": Arg(C, "P N")},
        degree=1,
    ),
    "kernels.vandermonde": Case(
        lambda r, t, c, ci: kernels.vandermonde(pair(r, t), pair(c, ci), 5),
        kernel, MODES, degree=1, model="H N",
    ),
    "kernels.convolve": Case(
        kernels.convolve, causal, {"kernel": Arg(U, "H L", 1), "u": Arg(U[::-1], "H L")}, degree=1
    ),
    "kernels.chunked": Case(
        lambda r, t, c, ci, u: kernels.chunked(pair(r, t), pair(c, ci), u, chunk=2),
        lambda r, t, c, ci, u: causal(kernel(r, t, c, ci), u),
        MODES | {"u": Arg(U, "H")}, degree=1, model="H N",
    ),
    "kernels.linear": Case(
        kernels.linear, summed, {"a": Arg(U / 2, "H L"), "inputs": Arg(U, "H L", 1)}, degree=1
    ),
    "kernels.recurrent": Case(
        lambda r, t, c, ci, u: kernels.recurrent(pair(r, t), pair(c, ci), u),
        lambda r, t, c, ci, u: causal(kernel(r, t, c, ci), u),
        MODES | {"u": Arg(U, "H")}, degree=1, model="H N",
    ),
    "kernels.step": Case(
        lambda r, t, c, ci, u: kernels.step(pair(r, t), pair(c, ci), pair(c, ci), u)[1],
        lambda r, t, c, ci, u: 2 * np.sum(
            (c + 1j * ci) * (np.exp(r + 1j * t) * (c + 1j * ci) + u[:, None]), axis=1).real,
        {n: a._replace(power=0) for n, a in MODES.items()} | {"u": Arg(U[:, 0], "H")}, model="H N",
    ),
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)
