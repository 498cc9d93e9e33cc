"""Denoising score matching (eq. 7), mirrored images, inpainting.

Shapes: B batch; x [B, ...]; t [B].
"""

import jax
import jax.numpy as jnp

from common.sde import processes


def dsm_loss(key, sde, score, x0, eps=1e-5):
    """Mean over pixels and batch of |std score(x_t, t) + z|^2, t ~ U(eps, 1).  x0 [B, ...] -> []"""
    time_key, noise_key = jax.random.split(key)
    t = jax.random.uniform(time_key, x0.shape[:1], x0.dtype, minval=eps, maxval=1.0)
    x_t, z, std = processes.perturb(noise_key, sde, x0, t)
    return jnp.mean((std * score(x_t, t) + z) ** 2)


def mirrored(key, images):
    """Every image left to right with probability 1/2.  [B, H, W, C] -> [B, H, W, C]"""
    turn = jax.random.bernoulli(key, shape=(len(images), 1, 1, 1))
    return jnp.where(turn, images[:, :, ::-1], images)


def inpainting(update, image, known):
    """`update` followed by overwriting the known pixels with a fresh noised copy of the image, and
    its mean with the scaled image (appendix I.2).  image [B, ...], known: bool, same shape"""

    def step(key, sde, score, x, at):
        update_key, copy_key = jax.random.split(key)
        x, x_mean = update(update_key, sde, score, x, at)
        copy, _, _ = processes.perturb(copy_key, sde, image, at.t)
        return jnp.where(known, copy, x), jnp.where(known, sde.marginal(at.t)[0] * image, x_mean)

    return step
