"""What the networks are trained on: points of the circle, images and their leading components.

Shapes: S seeds, A angles, N points, D pixels, k components.
"""

import jax.numpy as jnp
import numpy as np


def angles(count: int) -> np.ndarray:
    """Equally spaced, from 0.  -> [count]"""
    return 2 * np.pi * np.arange(count) / count


def between(count: int) -> np.ndarray:
    """The middles between them.  -> [count]"""
    return angles(count) + np.pi / count


def circle(angles):
    """(cos, sin) in the precision at work.  [A] -> [A, 2]"""
    angles = jnp.asarray(angles, float)
    return jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=-1)


def target(x):
    """f*(x) = x_1 x_2.  [..., 2] -> [...]"""
    return x[..., 0] * x[..., 1]


def images(pixels, uniforms, samples: int) -> np.ndarray:
    """Another random subset for every seed, each image scaled to |x|^2 = D.

    pixels [n, …], uniforms [S, n] -> [S, N, D] float64
    """
    pixels = np.asarray(pixels, np.float64).reshape(len(pixels), -1)
    pixels *= (pixels.shape[1] / (pixels**2).sum(-1, keepdims=True)) ** 0.5
    return pixels[np.argsort(uniforms, axis=-1)[:, :samples]]


def components(kernel, k: int, instead=None):
    """The k leading eigenvalues over N, and eigenvectors times sqrt(N).

    kernel [S, N, N]; instead [S, N, N]: random numbers whose orthonormal columns replace the
    eigenvectors -> [S, k], [S, N, k]
    """
    count = kernel.shape[-1]
    values, vectors = np.linalg.eigh(kernel / count)
    if instead is not None:
        vectors = np.linalg.qr(instead.astype(float))[0]
    return values[:, ::-1][:, :k], count**0.5 * vectors[:, :, ::-1][:, :, :k]
