"""Gaussian measurements of a matrix and the operator A*A that gradient descent sees (section 2).

y_i = <A_i, M>, A_i with entries N(0, 1); A(M)_i = <A_i, M> / sqrt(m), so E[A*A(M)] = M. A
symmetric error meets only the symmetric parts (A_i + A_i^T) / 2, kept as upper triangles: half
the work. Rows of zeros measure nothing: they fill an array up to a size.

Shapes: N side, M measurements, B members that share the measurements, H = N (N + 1) / 2.
"""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np


def target(draw, kappa):
    """Positive semidefinite, singular values from 1 to 1 / kappa, along the columns of the draw.

    draw [N, rank] -> [N, N]
    """
    basis = jnp.linalg.qr(draw)[0]
    return basis * jnp.linspace(1.0, 1.0 / kappa, draw.shape[1]) @ basis.T


def gaussian(key, m, n, *, multiple=1):
    """A_i / sqrt(m) as rows, then rows of zeros up to a multiple.  -> [M, N N]"""
    a = jax.random.normal(key, (m, n * n)) / jnp.sqrt(m)
    return jnp.pad(a, ((0, -m % multiple), (0, 0)))


def first(a, m, most):
    """The first m of `most` measurements, scaled for m; the other rows become zero.  [..., M, .]"""
    kept = jnp.arange(a.shape[-2])[:, None] < m
    return jnp.where(kept, a * (most / m) ** 0.5, 0.0)


def halves(a, numbers):
    """The first m measurements of symmetric errors, for every m of the numbers.

    a [P, M, N N], the most of the numbers -> [number P, M, H]
    """
    n = math.isqrt(a.shape[-1])
    half_of = half(a.reshape(*a.shape[:-1], n, n))
    return jnp.concatenate([first(half_of, m, max(numbers)) for m in numbers])


def normal(a, e, *, assembled=False, axis=None):
    """A*A(e) for every member: two products with the rows a, or one with their assembled a^T a.

    a [M, N N] or [N N, N N], e [B, N, N] -> [B, N, N]; summed over the mesh axis that splits M
    """
    chex.assert_shape(e, (None, None, e.shape[-2]))
    return _image(a, e.reshape(len(e), -1), assembled, axis).reshape(e.shape)


def half_normal(h, e, *, assembled=False, axis=None):
    """The same for symmetric e and rows symmetrised by `half`.  h [M, H] or [H, H]"""
    return unhalf(_image(h, half(e), assembled, axis), e.shape[-1])


def _image(a, e, assembled, axis):
    image = e @ a if assembled else (e @ a.T) @ a
    return image if axis is None else jax.lax.psum(image, axis)


def half(e):
    """Upper triangle of (e + e^T) / 2, off-diagonals times sqrt(2): keeps inner products.

    e [..., N, N] -> [..., H]
    """
    i, j = np.triu_indices(e.shape[-1])
    return (e[..., i, j] + e[..., j, i]) * np.where(i == j, 0.5, np.sqrt(0.5))


def unhalf(d, n):
    """The symmetric matrix whose `half` is d.  d [..., H] -> [..., N, N]"""
    i, j = np.triu_indices(n)
    place, weight = np.zeros((n, n), int), np.ones((n, n))
    place[i, j] = place[j, i] = np.arange(len(i))
    weight[i, j] = weight[j, i] = np.where(i == j, 1.0, np.sqrt(0.5))
    return d[..., place] * weight
