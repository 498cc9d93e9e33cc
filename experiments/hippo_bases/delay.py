"""The delay task: a linear output of the states that is the input of `lag` steps ago.

Shapes: S signals, L steps, N states, J frequencies.
"""

import numpy as np


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
    size = 2 * u.shape[-1]
    spectra = np.fft.rfft(kernel, size) * np.fft.rfft(u, size)[:, None]
    return np.fft.irfft(spectra, size)[..., : u.shape[-1]].swapaxes(1, 2)


def fit(x: np.ndarray, y: np.ndarray, cut: float) -> np.ndarray:
    """Least squares y = x C, without directions of x below `cut` of the largest.

    x [S, L, N], y [S, L] -> C [N].  By QR first: the SVD is of [N, N].
    """
    both = np.concatenate([x, y[..., None]], axis=-1).reshape(-1, x.shape[-1] + 1)
    r = np.linalg.qr(both, mode="r")
    return np.linalg.lstsq(r[:, :-1], r[:, -1], rcond=cut)[0]


def error(kernel: np.ndarray, u: np.ndarray, lag: int, fitted: int, cut: float) -> float:
    """RMSE of the best C on the signals after the first `fitted`, which C is fitted on.

    Relative to the standard deviation of each delayed signal: the best constant scores 1. Steps
    before the lag are left out. kernel [N, L], u [S, L]
    """
    x, y = states(kernel, u)[:, lag:], u[:, :-lag]
    c = fit(x[:fitted], y[:fitted], cut)
    off, y = x[fitted:] @ c - y[fitted:], y[fitted:]
    return float(np.sqrt(np.mean(off**2) / np.mean(np.var(y, axis=1))))
