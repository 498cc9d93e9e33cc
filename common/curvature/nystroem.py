"""The trace of a semidefinite matrix by its Nyström approximation: every probe outside all others.

Y^T H^-1 Y, with Y = A w for all probes w and H = w^T A w, agrees with A on every probe.  That of
all but one errs on it by 1 / (H^-1)_ii; the direction of the probe within what the others leave
out is as good as drawn again, at its mean length (the resampled estimator, XNysTrace).
Epperly, Tropp & Webber 2024, sections 2.2 and 2.3.

The error.  Let V_k be what sets of k probes together add to the variance of the mean T of all n
estimates (Hoeffding).  Estimate i has the mean trace A whatever the others are, so only sets with
probe i are in it, and k estimates share a set of k.  For their spread s and the jackknife
    E s^2 / n >= sum_k V_k (n - k) / (n - 1) / k              (Cauchy and Schwarz in every set)
    E (n - 1) / n sum_i (T_without_i - their mean)^2 = (n - 1) / n sum_k k V_k of n - 1 probes
                                                    >= sum_k V_k k (n - 1) / (n - k)
(Efron & Stein 1981; the last step takes V_k to fall by (n - k) / n or faster with the n-th probe:
so it does in U-statistics, and here the kernel shrinks too).  By Cauchy and Schwarz again, the two
multiply to var(T)^2 or more: the error is the fourth root of their product, times the quantile of
Student's t with n - 1 degrees.  Alone either is off by the root of k, up to 3 where A decays fast:
the spread is too small, the jackknife too large.

Shapes: P side of A, n probes w (Gaussian), one product each.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature.deflation import Goal, Oracle
from common.curvature.estimate import dot, rounding, standard_error
from common.reals import unit

SHIFTS = 3  # the shift by rounding is raised so often, by 8, before A is called indefinite


class Nystroem(NamedTuple):
    """Images Y [., P] of the first n probes, and rows of zeros: few shapes, each compiled once.

    moments: the estimate, its standard error and what rounding may add.  more: the probes that
    come next, 0 at the end; exact: where all P products are better than more.
    """

    images: jax.Array
    n: int
    moments: tuple[float, float, float]
    more: int
    exact: bool = False

    @property
    def matvecs(self) -> int:
        return self.n

    @property
    def rank(self) -> int:
        return int(self.n)


def start(size: int, dtype, more: int) -> Nystroem:
    return Nystroem(jnp.zeros((more, size), dtype), 0, (0.0, np.inf, 0.0), more)


def grow(state: Nystroem, oracle: Oracle, to: Goal) -> Nystroem:
    """A round: the probes that come next, and how many come after them.

    An eighth more: of decaying spectra the error falls fast, at a rate that is not known before.
    Half of all P probes would not do: P products with unit vectors end it.
    """
    Y, n = state.images, int(state.n + state.more)
    if n > len(Y):
        Y = jnp.pad(Y, ((0, max(len(Y), n - len(Y))), (0, 0)))
    for first in range(int(state.n), n, oracle.together):
        index = np.arange(first, first + oracle.together)
        rows = oracle.product(oracle.signs(index))
        Y = _put(Y, np.where(index < n, index, len(Y)), rows)
    mean, error, rounding = found = _moments(Y, n, oracle.signs)
    left = min(to.max_matvecs, to.size) - n
    done = error <= max(to.allows(mean), rounding) or left <= 0
    exact = not done and n >= to.size // 2 and n + to.size <= to.max_matvecs
    return Nystroem(Y, n, found, 0 if done or exact else min(n // 8, left), exact)


def _moments(Y: jax.Array, n: int, probes: Callable) -> tuple[float, float, float]:
    """`Nystroem.moments`.  Errors: ValueError where A is not symmetric, or indefinite."""
    omega, size = probes(np.arange(len(Y))), Y.shape[1]
    for times in 8 ** np.arange(SHIFTS):
        seen = _products(Y, omega, times)
        scale, shift, norm, summed, inner, gram, R = (np.asarray(x, float) for x in seen)
        if not np.isfinite(norm):
            raise ValueError("a product with the matrix is not finite: no estimate")
        inner, gram, R = (x[:n, :n] for x in (inner, gram, R))
        if np.linalg.norm(inner - inner.T) > 0.02 * np.linalg.norm(inner):
            raise ValueError("the matrix is not symmetric: v^T A w and w^T A v differ")
        found = _leave_one_out(inner + shift * gram, gram, R, size)
        if found is not None:
            mean, error = found
            # the shift is what rounding moves the eigenvalues by
            off = rounding(summed / n, Y.dtype) + shift * n
            return float((mean - shift * size) * scale), float(error * scale), float(off * scale)
    raise ValueError("the matrix is not positive semidefinite: leave out psd=True")


def _leave_one_out(inner, gram, R, size: int) -> tuple[float, float] | None:
    """Mean and error of the n estimates; None where `inner` = w^T A w [n, n] is not definite.

    The jackknife's means of n - 1 probes are written out by downdates of H^-1 and the Gram matrix.
    """
    try:
        root = np.linalg.inv(np.linalg.cholesky((inner + inner.T) / 2))  # H^-1 = root^T root
    except np.linalg.LinAlgError:
        return None
    n, half = len(gram), R @ root.T  # of the approximation: its trace is |half|_F^2
    h, g, q = root.T @ root, np.linalg.inv(gram), (half @ root).T @ (half @ root)
    hi, gi, qi, whole = np.diag(h), np.diag(g), np.diag(q), np.sum(half**2)
    estimates = whole - qi / hi + (size - n + 1) * gi / hi
    # row k: without probe k
    ratio = h / hi[:, None]
    tiny = np.finfo(float).eps
    h_k = hi * np.maximum(1 - h * ratio / hi, tiny)
    g_k = gi * np.maximum(1 - g**2 / np.outer(gi, gi), tiny)
    lost = qi - 2 * q * ratio + qi[:, None] * ratio**2
    others = (whole - qi / hi)[:, None] + ((size - n + 2) * g_k - lost) / h_k
    means = (others.sum(1) - np.diag(others)) / (n - 1)
    jackknife = (n - 1) * standard_error(means)
    return float(estimates.mean()), float(np.sqrt(standard_error(estimates) * jackknife))


@jax.jit
def _put(Y, index, rows):
    return Y.at[index].set(rows, mode="drop")


@jax.jit
def _products(Y, omega, times):
    """Of A / scale: the shift by rounding (`times` it), |Y|, the magnitudes that w^T A w adds up,
    w^T A w, w^T w, and R of the images of the shifted matrix.  Rows of zeros stay so."""
    scale = unit(Y).max()
    Y = Y / scale
    eps, norm = jnp.finfo(Y.dtype).eps, jnp.linalg.norm(Y)
    shift = times * eps * jnp.maximum(norm / np.sqrt(Y.shape[1]), eps)
    there = jnp.any(Y != 0, axis=1, keepdims=True)
    R = jnp.linalg.qr((Y + shift * omega * there).T, mode="r")
    summed = jnp.sum(jnp.abs(omega * Y))
    return scale, shift, norm, summed, dot(omega, Y.T), dot(omega, omega.T), R
