"""What a trained score network gives: bits per dimension, samples, painted-in images.

Shapes: n images [n, H, W, C] of integers 0..levels-1.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from common.nn.net import noise_score
from common.sde import ode, processes, samplers

from . import loss

PICTURES = ("generated", "observed", "inpainted")


def bits_of(params, key, images, *, net, sde, levels, batch, probes, place):
    """Test bits per dimension, their standard error over probes, and mean score calls.  -> [] each

    len(images) must be a multiple of `batch`, the number solved together; `place(x, *axes)` says
    how they lie on the mesh.
    """
    score, embed = noise_score(net, sde, params)
    pixels, count = int(np.prod(images.shape[1:])), len(images) // batch
    noise_key, *keys = jax.random.split(key, 1 + count)
    x = loss.dequantise(noise_key, images, levels)

    def solve(args):
        probe_key, x = args
        return ode.log_likelihood(probe_key, sde, lambda x, t: score(x, embed(t)), x, probes=probes)

    x = place(x.reshape(count, batch, *x.shape[1:]), None, "data")
    found = jax.lax.map(solve, (jnp.stack(keys), x))
    spread = jnp.sqrt(jnp.sum(found.stderr**2)) / found.stderr.size
    return {
        "bpd": loss.bits_per_dim(found.logp.mean(), pixels, levels),
        "bpd_stderr": spread / (pixels * np.log(2)),
        "net_nfe": found.nfe.mean(dtype=jnp.float32),
    }


def pictures(params, key, images, *, net, sde, levels, steps, snr):
    """Predictor-corrector samples, and images whose lower half is painted in.  [n, H, W, C] each

    By the first seed's net.  params [S, …], key [S]
    """
    params, key = jax.tree.map(lambda x: x[0], (params, key))
    score, embed = noise_score(net, sde, params)
    noise_key, *keys = jax.random.split(key, 5)
    observed = loss.dequantise(noise_key, images, levels)
    upper = jnp.arange(images.shape[1])[:, None, None] < images.shape[1] // 2
    upper = jnp.broadcast_to(upper, images.shape)

    def sample(start_key, key, update):
        x1 = processes.prior_sample(start_key, sde, images.shape)
        predictor = update(samplers.reverse_diffusion)
        corrector = update(partial(samplers.langevin, snr=snr))
        return samplers.sample(
            key, sde, score, x1, steps=steps, predictor=predictor, corrector=corrector, embed=embed
        )

    def conditioned(update):
        return loss.inpainting(update, observed, upper)

    generated = sample(keys[0], keys[1], lambda update: update)
    inpainted = sample(keys[2], keys[3], conditioned)
    drawn = generated, jnp.where(upper, observed, -1.0), inpainted
    return dict(zip(PICTURES, drawn, strict=True))
