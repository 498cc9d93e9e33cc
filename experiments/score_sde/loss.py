"""Denoising score matching (eq. 7), uniform dequantisation, bits per dimension, inpainting.

Shapes: B batch; x [B, ...]; t [B].
"""

import jax
import jax.numpy as jnp
import numpy as np

from common.sde import processes


def dsm_loss(key, sde, score, x0, eps=1e-5):
    """Mean over pixels and batch of |std score(x_t, t) + z|^2, t ~ U(eps, 1).  x0 [B, ...] -> []"""
    time_key, noise_key = jax.random.split(key)
    t = jax.random.uniform(time_key, x0.shape[:1], x0.dtype, minval=eps, maxval=1.0)
    x_t, z, std = processes.perturb(noise_key, sde, x0, t)
    return jnp.mean((std * score(x_t, t) + z) ** 2)


def dequantise(key, image, levels):
    """Integers 0..levels-1 plus uniform noise, as numbers in [-1, 1].  [B, ...] -> [B, ...]"""
    noise = jax.random.uniform(key, image.shape, jnp.float32)
    return 2.0 * (image + noise) / levels - 1.0


def bits_per_dim(logp, pixels, levels):
    """-log2 P(image) / pixels from log p in nats of the dequantised image on [-1, 1].

    With 256 levels the offset is +7 (appendix D.2 has +8 for images on [0, 1]).
    """
    return -logp / (pixels * np.log(2)) + np.log2(levels / 2)


def inpainting(update, image, known):
    """`update` followed by overwriting the known pixels with a fresh noised copy of the image, and
    its mean with the scaled image (appendix I.2).  image [B, ...], known: bool, same shape"""

    def step(key, sde, score, x, at):
        update_key, copy_key = jax.random.split(key)
        x, x_mean = update(update_key, sde, score, x, at)
        copy, _, _ = processes.perturb(copy_key, sde, image, at.t)
        return jnp.where(known, copy, x), jnp.where(known, sde.marginal(at.t)[0] * image, x_mean)

    return step
