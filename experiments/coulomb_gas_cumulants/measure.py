"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

SQUARE, GAUSS = 0, 2
SMALL, LARGE = 100, 400  # N at which two functions are compared


def every(arrays, value):
    """The same for every seed."""
    value = np.asarray(value, float)
    return np.broadcast_to(value, (len(arrays["seeds"]), *value.shape)).copy()


def extrapolated(arrays):
    """c_0 of c_0 + c_1 / N + c_2 / N^2 for N from `fitted` on.  -> [name, q]"""
    N = arrays["sizes"].astype(float)
    kept = arrays["fitted"] <= N
    A = np.stack([N[kept] ** -k for k in range(3)], axis=1)
    y = np.moveaxis(arrays["cumulant"][:, kept], 1, 0)
    return np.linalg.lstsq(A, y.reshape(len(A), -1), rcond=None)[0][0].reshape(y.shape[1:])


def limits(arrays):
    """Extrapolated and by formula.  -> [name q, 2, 1]"""
    pair = np.stack([extrapolated(arrays), arrays["limit"]], axis=-1)
    return pair.reshape(-1, 2)[..., None]


def changes(arrays):
    """|relative change| by what is added to r^2.  -> [N, q]"""
    return abs(arrays["bent"] / arrays["cumulant"][SQUARE] - 1)


def at(arrays, N):
    """Place of the nearest size."""
    return int(abs(arrays["sizes"] - N).argmin())


def inner(arrays):
    """Of kappa_3 and kappa_4 at N = 400, the larger.  -> [S]"""
    return every(arrays, changes(arrays)[at(arrays, LARGE), 1:3].max())


def bulk(arrays):
    """Of kappa_2 at N = 400.  -> [S]"""
    return every(arrays, changes(arrays)[at(arrays, LARGE), 0])


def fades(arrays):
    """Of kappa_3 and kappa_4, the larger, at N = 100 and 400.  -> [S, 2]"""
    each = changes(arrays)[:, 1:3].max(axis=1)
    return every(arrays, each[[at(arrays, SMALL), at(arrays, LARGE)]])


def scaling(arrays, name, q):
    """N and |kappa_q|.  -> [S, 2, N]"""
    N = arrays["sizes"].astype(float)
    return every(arrays, np.stack([N, abs(arrays["cumulant"][name, :, q - 2]) * N ** (2.0 - q)]))


def third(arrays):
    """Of exp(-r^2), q = 3."""
    return scaling(arrays, GAUSS, 3)


def fourth(arrays):
    """Of exp(-r^2), q = 4."""
    return scaling(arrays, GAUSS, 4)


def fifth(arrays):
    """Of r^2, q = 5."""
    return scaling(arrays, SQUARE, 5)


def rate(arrays):
    """Largest difference from Psi over its largest value.  -> [S]"""
    return every(arrays, abs(arrays["reached"] - arrays["rate"]).max() / arrays["rate"].max())


def identity(arrays):
    """-Lambda'(s) and the variance of the tilted gas.  -> [s case, 2, 1]"""
    return np.stack([arrays["difference"], arrays["variance"]], axis=1)[..., None]


def second_of_chains(arrays):
    """kappa_2 over the exact one, mean over beta.  -> [S]"""
    return (arrays["kappa"][..., 0] / arrays["kappa_exact"][:, 0]).mean(axis=1)


def third_of_chains(arrays):
    """kappa_3 over the exact one, mean over beta.  -> [S]"""
    return (arrays["kappa"][..., 1] / arrays["kappa_exact"][:, 1]).mean(axis=1)


def taken(arrays):
    """Share of moves taken, least of beta.  -> [S]"""
    return arrays["taken"].min(axis=1)
