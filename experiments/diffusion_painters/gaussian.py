"""The flow of Gaussian data in closed form: states, features, perturbations.

x_t = alpha_t x_0 + sigma_t z with x_0 ~ N(mean, sum_k lambda_k u_k u_k^T). Nothing here knows where
T is: `start` is where the flow begins. Arrays of NumPy and of JAX are both welcome.

Shapes: D pixels, K = D directions u_k, T times, B batch; At holds numbers [] or [T].
"""

from typing import Any, NamedTuple

import numpy as np

from common.sde.path import At


class Model(NamedTuple):
    """Moments of the data, by principal components."""

    mean: Any  # [D]
    basis: Any  # [D, K], columns u_k
    values: Any  # lambda_k [K], falling; 0 on the null space


def fit(x) -> Model:
    """The moments of a sample x [n, D], in float64 on the host."""
    x = np.asarray(x, np.float64)
    mean = x.mean(0)
    values, basis = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    return Model(mean, basis[:, ::-1], np.maximum(values[::-1], 0.0))  # rounding may fall below 0


def isotropic(model: Model) -> Model:
    """The same mean and total variance, and no features."""
    return model._replace(values=0.0 * model.values + model.values.mean())


def constant(model: Model) -> Model:
    """The mean alone."""
    return model._replace(values=0.0 * model.values)


def square(model: Model):
    """Second moment of a pixel.  -> []"""
    return (model.values.sum() + (model.mean**2).sum()) / model.mean.size


def of(here: At, index) -> At:
    """Those of some times."""
    return At(*(numbers[index] for numbers in here))


def _columns(here: At) -> tuple[Any, Any]:
    return here.alpha[..., None], here.sigma[..., None]


def spread(model: Model, here: At):
    """Variance of x_t along u_k: sigma^2 + alpha^2 lambda_k.  -> [..., K]"""
    alpha, sigma = _columns(here)
    return sigma**2 + alpha**2 * model.values


def denoise(model: Model, x, here: At):
    """E[x_0 | x_t].  x [B, D], At of [] or [B] -> [B, D]"""
    alpha, sigma = _columns(here)
    along = (x - alpha * model.mean) @ model.basis
    shrunk = alpha * model.values / (sigma**2 + alpha**2 * model.values) * along
    return model.mean + shrunk @ model.basis.T


def psi(model: Model, here: At, start: At):
    """x_t - alpha_t mean along u_k, over its value at the start.  -> [..., K]"""
    return (spread(model, here) / spread(model, start)) ** 0.5


def xi(model: Model, here: At, start: At):
    """The endpoint estimate E[x_0 | x_t] - mean along u_k, over c_k at the start.  -> [..., K]"""
    alpha, _ = _columns(here)
    return alpha * model.values / (spread(model, here) * spread(model, start)) ** 0.5


def states(model: Model, x, here: At, start: At):
    """The flow from x [B, D] at the start, at all times of `here` [T] or [].  -> [..., B, D]"""
    along = (x - start.alpha * model.mean) @ model.basis
    moved = psi(model, here, start)[..., None, :] * along
    return here.alpha[..., None, None] * model.mean + moved @ model.basis.T


def gain(model: Model, here: At, end: At):
    """What a perturbation along u_k at `here` is multiplied by until the end.  -> [..., K]"""
    return psi(model, end, here)


def time_of(ratio, beta_min: float, beta_max: float):
    """The time at which VP has sigma / alpha = ratio: B(t) = log(1 + ratio^2)."""
    total, slope = np.log1p(np.asarray(ratio) ** 2), beta_max - beta_min
    return (np.sqrt(beta_min**2 + 2.0 * slope * total) - beta_min) / slope
