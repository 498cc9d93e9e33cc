"""A denoiser D(x, t): an MLP preconditioned for a path that preserves variance; its training.

D = skip x + out F(skip x / s, level) with skip = alpha s^2 / (alpha^2 s^2 + sigma^2), out^2 =
sigma^2 s^2 / (alpha^2 s^2 + sigma^2) and s^2 the second moment of a pixel, so that what F has to
fit is of unit size at every noise (Karras et al. 2022, section 5). F knows neither the mean nor the
covariance. It is given the isotropic estimate skip x, not x of unit size: at high noise E[x_0 | x]
is one linear map of it, the same at every level, and the net need not learn one for each.

Shapes: B batch, D pixels, W width, F features of the noise level, n images.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common import keys
from common.nn import layers, training
from common.nn.precondition import scales
from common.nn.training import State
from common.ode import expand
from common.sde import path

LEVEL = 5.0  # log(sigma / alpha) lies within it for VP


def init(key, pixels: int, width: int, features: int) -> dict:
    """Four dense layers, the noise level added to the first; the last starts near zero."""
    dense = {  # rows, columns, gain over 1 / sqrt(rows)
        "in": (pixels, width, 1.0),
        "level": (features, width, 1.0),
        "mid": (width, width, 1.4),
        "late": (width, width, 1.4),
        "out": (width, pixels, 0.1),
    }
    wanted = {name: ((n, m), gain * n**-0.5) for name, (n, m, gain) in dense.items()}
    sizes = {"in_bias": width, "mid_bias": width, "late_bias": width, "out_bias": pixels}
    biases = {name: jnp.zeros(size, jnp.float32) for name, size in sizes.items()}
    return layers.normals(key, wanted, jnp.float32) | biases


def level(here: path.At, features: int):
    """Sinusoids of log(sigma / alpha).  At of [] or [B] -> [..., F]"""
    place = jnp.log(here.sigma / here.alpha) / LEVEL
    rates = 0.5 * np.pi * np.arange(1, features // 2 + 1, dtype=np.float32)
    return layers.sinusoids(place, rates)


def network(params, x, here: path.At):
    """F.  x [B, D] -> [B, D]"""
    shift = level(here, len(params["level"])) @ params["level"]
    dense = [(params[name], params[f"{name}_bias"]) for name in ("in", "mid", "late", "out")]
    return layers.apply(dense, x, shift)


def denoiser(params, sde, square) -> path.Denoiser:
    """D(x, t) of the network; square: second moment of a pixel."""

    def denoise(x, t):
        here = path.at(sde, t)
        skip, out, _ = scales(here, square, x)
        return skip * x + out * network(params, skip * x / jnp.sqrt(square), here)

    return denoise


def loss(params, sde, square, x0, t, z):
    """Mean of |F - (x_0 - skip x_t) / out|^2.  x0, z [B, D], t [B] -> []"""
    here = path.at(sde, t)
    x = expand(here.alpha, x0) * x0 + expand(here.sigma, x0) * z
    out = scales(here, square, x0).out
    return jnp.mean(((denoiser(params, sde, square)(x, t) - x0) / out) ** 2)


def optimiser(lr: float, steps: int):
    """Adam, its rate falling to zero by a cosine."""
    return optax.flatten(optax.adam(optax.cosine_decay_schedule(lr, steps)))


def begin(key, *, tx, **sizes) -> State:
    """sizes: as in init."""
    return training.begin(key, lambda key: init(key, **sizes), tx)


def step(state: State, i, images, square, *, tx, sde, batch: int):
    """Step i on random images [n, D], times spread evenly over [eps, end].  -> (state, loss [])"""
    even, noise = jax.random.split(training.key_of(state, i))
    uniform = jax.random.uniform(even, (1 + batch,))
    shift, draw = uniform[0], uniform[1:]
    x0 = images[(draw * len(images)).astype(int)]
    place = (shift + jnp.arange(batch)) / batch  # stratified: less variance
    t = sde.eps + (sde.end - sde.eps) * place
    z = keys.normal(noise, x0.shape, x0.dtype)
    value, grads = jax.value_and_grad(loss)(state.params, sde, square, x0, t, z)
    return training.updated(state, grads, tx), value


def steps(state: State, first, images, square, *, count: int, **how):
    """`count` steps from number `first` on.  -> (state, their mean loss [1])"""
    each = lambda state, i: step(state, i, images, square, **how)  # noqa: E731
    return training.steps(each, state, first, count)
