"""The delay task: a linear output of the states that is the input of `lag` steps ago.

Shapes: S signals, L steps, N states, J frequencies.
"""

import jax
import numpy as np
import optax


def frequencies(band: float, states: int, length: int, lag: int) -> int:
    """How many there are up to `band` cycles a lag and state: multiples of one cycle a signal."""
    return int(round(band * states * length / lag, 6))


def signals(normals: np.ndarray, length: int) -> np.ndarray:
    """White noise below a frequency, shifted so that it begins at 0 (the authors' `whitesignal`).

    normals [S, 2, J] of the real and imaginary parts -> [S, L], the variance before the shift is 1
    on average
    """
    count = normals.shape[-1]
    if not 0 < count < length / 2:
        raise ValueError(f"{count} frequencies: one or more, below half of the {length} steps")
    spectrum = np.zeros((len(normals), length // 2 + 1), complex)
    spectrum[:, 1 : count + 1] = normals[:, 0] + 1j * normals[:, 1]
    u = np.fft.irfft(spectrum, length) * length / np.sqrt(4 * count)
    return u - u[:, :1]


def states(kernel: np.ndarray, u: np.ndarray) -> np.ndarray:
    """x_k = sum_l K_l u_(k-l) of every signal, by FFT.  kernel [N, L], u [S, L] -> [S, L, N]"""
    length = u.shape[-1]
    spectrum = np.fft.rfft(kernel, 2 * length)
    found = [np.fft.irfft(spectrum * np.fft.rfft(v, 2 * length))[:, :length].T for v in u]
    return np.stack(found)


def fit(x: np.ndarray, y: np.ndarray, cut: float) -> np.ndarray:
    """Least squares y = x C, without directions of x below `cut` of the largest.

    x [S, L, N], y [S, L] -> C [N].  By QR first: the SVD is of [N, N].
    """
    both = np.concatenate([x, y[..., None]], axis=-1).reshape(-1, x.shape[-1] + 1)
    r = np.asarray(np.linalg.qr(both, mode="r"))
    return np.linalg.lstsq(r[:, :-1], r[:, -1], rcond=cut)[0]


def error(kernel: np.ndarray, u: np.ndarray, lag: int, fitted: int, cut: float) -> float:
    """RMSE of the best C on the signals after the first `fitted`, which C is fitted on.

    kernel [N, L], u [S, L]
    """
    x, y = pairs(kernel, u, lag)
    return rmse(x[fitted:] @ fit(x[:fitted], y[:fitted], cut), y[fitted:])


def pairs(kernel: np.ndarray, u: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """States and what is wanted of them, from the lag on.  -> [S, L - lag, N], [S, L - lag]"""
    return states(kernel, u)[:, lag:], u[:, :-lag]


def rmse(found: np.ndarray, y: np.ndarray) -> float:
    """Relative to the standard deviation of each signal: the best constant scores 1.  [S, T]"""
    return float(np.sqrt(np.mean((found - y) ** 2) / np.mean(np.var(y, axis=1))))


def trained(x: np.ndarray, y: np.ndarray, c: np.ndarray, lr: float, steps: int) -> np.ndarray:
    """C after steps of Adam on the mean square of x C - y, all signals in each.  -> [N]

    The gradient is that of a quadratic: two moments of the data are all it needs. x [S, T, N],
    y [S, T], c [N] at the start.
    """
    rows = x.reshape(-1, x.shape[-1])
    gram, cross = rows.T @ rows / len(rows), rows.T @ y.ravel() / len(rows)
    with jax.enable_x64(True):
        return np.asarray(_descended(gram, cross, c, lr, steps))


@jax.jit
def _descended(gram, cross, c, lr, steps):
    tx = optax.adam(lr)

    def advance(_, state):
        c, seen = state
        updates, seen = tx.update(2 * (gram @ c - cross), seen)
        return optax.apply_updates(c, updates), seen

    return jax.lax.fori_loop(0, steps, advance, (c, tx.init(c)))[0]
