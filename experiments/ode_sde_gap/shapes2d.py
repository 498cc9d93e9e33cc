"""The three laws of the plane, and mixtures of Gaussians that stand for them.

Shapes: n points [n, 2].
"""

import jax
import jax.numpy as jnp
import numpy as np

from common.sde.mixture import Mixture, sample

RADII, WIDTH = (1.3, 2.8), 0.2  # circles2: rings of radius 2 N(0.65, 0.1) and 2 N(1.4, 0.1)
CENTRES = 0.65 * np.array(
    [(2, 2), (2, -2), (-2, 2), (-2, -2), (0, 0), (4, 0), (-4, 0), (0, 4), (0, -4)], float
)  # blob
BLOB_STD = 0.65 * 0.2**0.5
SQUARES = np.array([(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0], float)


def circles2(key, n):
    """Two rings, each with half of the points."""
    which, angle, radius = jax.random.split(key, 3)
    middle = jnp.asarray(RADII)[jax.random.randint(which, (n,), 0, 2)]
    r = middle + WIDTH * jax.random.normal(radius, (n,))
    turn = 2 * np.pi * jax.random.uniform(angle, (n,))
    return r[:, None] * jnp.stack([jnp.cos(turn), jnp.sin(turn)], axis=1)


def checker(key, n):
    """Eight squares of side 1.5 on [-3, 3]^2."""
    which, place = jax.random.split(key)
    corner = jnp.asarray(SQUARES)[jax.random.randint(which, (n,), 0, len(SQUARES))]
    return 1.5 * (corner + jax.random.uniform(place, (n, 2))) - 3.0


def blob(key, n):
    """Nine Gaussians."""
    return sample(key, mixture("blob"), n)


def mixture(name: str, dtype=jnp.float32) -> Mixture:
    """Isotropic Gaussians close to the law: exact for blob, small ones along rings, in squares."""
    if name == "blob":
        means, std = CENTRES, BLOB_STD
    elif name == "circles2":
        turn = 2 * np.pi * np.arange(48) / 48
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        means, std = np.concatenate([r * ring for r in RADII]), WIDTH
    else:
        cell = (np.stack(np.meshgrid(*[np.arange(5)] * 2), -1).reshape(-1, 2) + 0.5) / 5
        means, std = np.concatenate([1.5 * (c + cell) - 3 for c in SQUARES]), 0.1
    count = len(means)
    return Mixture(
        jnp.full(count, 1 / count, dtype), jnp.asarray(means, dtype), jnp.full(count, std, dtype)
    )


DRAWS = {"circles2": circles2, "checker": checker, "blob": blob}
