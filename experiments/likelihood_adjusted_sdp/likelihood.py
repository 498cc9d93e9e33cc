"""The classification likelihood of a Gaussian mixture, lifted to one matrix a cluster.

A partition is Z_k = 1_k 1_k^T / n_k.  A ridge e of the covariances is a penalty
-e/2 sum_k n_k tr(Sigma_k^-1) of the likelihood, which keeps it bounded.
Shapes: n points, p coordinates, K clusters.
"""

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


def profile(X: np.ndarray, labels: np.ndarray, covariances: np.ndarray) -> float:
    """The likelihood of labels with the best means, up to a constant: what the lift must equal."""
    total = 0.0
    for k, covariance in enumerate(covariances):
        inside = X[labels == k]
        away = inside - inside.mean(0)
        total -= 0.5 * (away * np.linalg.solve(covariance, away.T).T).sum()
        total -= 0.5 * len(inside) * np.linalg.slogdet(covariance)[1]
    return total


def matrices(
    X: Array, covariances: Array, *, ridge: float | Array = 0.0, logdet: bool = True
) -> Array:
    """A_k = G/2 - (c 1^T + 1 c^T)/4, G = X Sigma_k^-1 X^T, c = diag G + log|Sigma_k|.

    X [n, p], covariances [K, p, p] -> [K, n, n]; sum_k <A_k, Z_k> is the likelihood.
    """
    root, size = factors(covariances)
    white = jnp.einsum("kpq,iq->kip", root, X)
    extra = ridge * (root**2).sum((1, 2)) + (size if logdet else 0.0)
    c = (white**2).sum(2) + extra[:, None]
    return white @ white.mT / 2 - (c[:, :, None] + c[:, None, :]) / 4


def factors(covariances: Array) -> tuple[Array, Array]:
    """R_k with R_k^T R_k = Sigma_k^-1, and log|Sigma_k|.  [K, p, p] -> [K, p, p], [K]"""
    lower = jnp.linalg.cholesky(covariances)
    eye = jnp.broadcast_to(jnp.eye(lower.shape[-1]), lower.shape)
    root = jax.lax.linalg.triangular_solve(lower, eye, left_side=True, lower=True)
    return root, 2 * jnp.log(jnp.diagonal(lower, axis1=1, axis2=2)).sum(1)


def gram(X: Array) -> Array:
    """What the K-means SDP maximises.  X [n, p] -> [1, n, n]"""
    centred = X - X.mean(0)
    return (centred @ centred.T)[None]


def value(A: Array, Z: Array) -> Array:
    """sum_k <A_k, Z_k>.  [K, n, n] -> []"""
    return (A * Z).sum()


def best_covariances(X: Array, Z: Array, ridge: float) -> Array:
    """The Sigma_k that maximise the penalised likelihood at any Z.  Z [K, n, n] -> [K, p, p]

    X^T (diag(Z_k 1) - Z_k) X / 1^T Z_k 1 + ridge: no centroid, and psd since Z_k >= 0; what a
    solver's residual leaves below 0 is cut off.
    """
    Z = jnp.maximum(Z, 0)
    weight = Z.sum(2)
    scatter = jnp.einsum("ip,ki,iq->kpq", X, weight, X) - jnp.einsum("ip,kij,jq->kpq", X, Z, X)
    total = jnp.maximum(weight.sum(1), 1e-3)  # of a cluster that no point is in
    return scatter / total[:, None, None] + ridge * jnp.eye(X.shape[1])


def integral(labels: Array, clusters: int) -> Array:
    """Z of a partition; 0 for a cluster without points.  int [n] -> [K, n, n]"""
    one = jax.nn.one_hot(labels, clusters, axis=0, dtype=float)
    return one[:, :, None] * one[:, None, :] / jnp.maximum(one.sum(1), 1)[:, None, None]


def rounded(Z: Array) -> Array:
    """The cluster in which a point has the most mass.  [K, n, n] -> int [n]"""
    return Z.sum(2).argmax(0)
