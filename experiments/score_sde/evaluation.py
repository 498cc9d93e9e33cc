"""What a trained score network gives: bits per dimension, samples, painted-in images.

Shapes: n images [n, H, W, C] of integers 0..levels-1.
"""

from functools import partial

import jax
import jax.numpy as jnp

from common.nn.net import noise_score
from common.sde import bits, processes, samplers
from common.sde.choice import chosen

from . import loss

PICTURES = ("generated", "observed", "inpainted")


def bits_of(params, key, images, which, *, net, sdes, levels, batch, probes, place):
    """Test bits per dimension, their standard error over probes, and mean score calls.  -> [] each

    len(images) must be a multiple of `batch`, the number solved together; `place(x, *axes)` says
    how they lie on the mesh.
    """
    sde = chosen(which, sdes)
    score, embed = noise_score(net, sde, params)
    how = {"levels": levels, "batch": batch, "probes": probes, "place": place}
    found = bits.of_images(key, sde, lambda x, t: score(x, embed(t)), images, **how)
    spread = jnp.sqrt(jnp.sum(found.error**2)) / found.error.size
    calls = found.nfe.mean(dtype=jnp.float32)
    return {"bpd": found.bits.mean(), "bpd_stderr": spread, "net_nfe": calls}


def pictures(params, key, images, *, net, sde, levels, steps, snr):
    """Predictor-corrector samples, and images whose lower half is painted in.  [n, H, W, C] each

    By the first seed's net.  params [S, …], key [S]
    """
    params, key = jax.tree.map(lambda x: x[0], (params, key))
    score, embed = noise_score(net, sde, params)
    noise_key, *each = jax.random.split(key, 5)
    observed = bits.dequantised(noise_key, images, levels)
    upper = jnp.arange(images.shape[1])[:, None, None] < images.shape[1] // 2

    def sample(args):
        known, start_key, key = args
        x1 = processes.prior_sample(start_key, sde, images.shape)
        updates = samplers.reverse_diffusion, partial(samplers.langevin, snr=snr)
        predictor, corrector = (loss.inpainting(one, observed, known) for one in updates)
        return samplers.sample(
            key, sde, score, x1, steps=steps, predictor=predictor, corrector=corrector, embed=embed
        )

    nothing, half = jnp.zeros(images.shape, bool), jnp.broadcast_to(upper, images.shape)
    known, pairs = jnp.stack([nothing, half]), jnp.stack(each).reshape(2, 2)
    generated, inpainted = jax.lax.map(sample, (known, pairs[:, 0], pairs[:, 1]))
    return dict(zip(PICTURES, (generated, jnp.where(half, observed, -1.0), inpainted), strict=True))
