"""A compact DDPM++-like U-Net: BigGAN residual blocks, self-attention, skips scaled by 1/sqrt 2.

`_forward` is written once over `get(name, shape, gain)`: `init` runs it to learn names and shapes,
`apply` to look the parameters up.

Shapes: B batch, H x W pixels, C channels; params a flat dict of arrays.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp

from common.nn.layers import normals, sinusoids
from common.nn.net import Net

HALF = 2**-0.5


def _dense(get, name, x, out, gain=1.0):
    """x [..., C] -> [..., out]"""
    n = x.shape[-1]
    return x @ get(f"{name}/w", (n, out), gain * n**-0.5) + get(f"{name}/b", (out,), 0.0)


def _conv(get, name, x, out, gain=1.0):
    """3 x 3, same size.  x [B, H, W, C] -> [B, H, W, out]"""
    c = x.shape[-1]
    kernel = get(f"{name}/w", (3, 3, c, out), gain * (9 * c) ** -0.5)
    y = jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y + get(f"{name}/b", (out,), 0.0)


def _norm(get, name, x):
    """Group normalisation with at most 32 groups."""
    c = x.shape[-1]
    groups = math.gcd(32, c // 4) if c >= 4 else 1
    parts = x.reshape(*x.shape[:-1], groups, c // groups)
    mean, var = (f(parts, axis=(1, 2, 4), keepdims=True) for f in (jnp.mean, jnp.var))
    y = ((parts - mean) * jax.lax.rsqrt(var + 1e-6)).reshape(x.shape)
    return y * (1 + get(f"{name}/scale", (c,), 0.0)) + get(f"{name}/shift", (c,), 0.0)


def down(x):
    """Mean of 2 x 2 pixels; an odd last row or column stands twice.  [B, H, W, C]"""
    x = jnp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)), mode="edge")
    b, h, w, c = x.shape
    return x.reshape(b, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))


def up_to(height, width):
    """x -> nearest neighbours at twice the size, cut to [B, height, width, C]"""
    return lambda x: x.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]


def _block(get, name, x, tau, out, resample=lambda x: x):
    """Residual block; the resampling sits inside it, as in BigGAN.  -> [B, H', W', out]"""
    h = resample(jax.nn.silu(_norm(get, f"{name}/norm1", x)))
    h = _conv(get, f"{name}/conv1", h, out)
    h = h + _dense(get, f"{name}/time", jax.nn.silu(tau), out)[..., None, None, :]
    h = _conv(get, f"{name}/conv2", jax.nn.silu(_norm(get, f"{name}/norm2", h)), out, gain=1e-5)
    x = resample(x)
    x = x if x.shape[-1] == out else _dense(get, f"{name}/skip", x, out)
    return HALF * (x + h)


def _attend(get, name, x):
    """One head over all pixels."""
    b, h, w, c = x.shape
    flat = _norm(get, f"{name}/norm", x).reshape(b, h * w, c)
    q, k, v = (_dense(get, f"{name}/{part}", flat, c) for part in "qkv")
    weights = jax.nn.softmax(jnp.einsum("bic,bjc->bij", q, k) * c**-0.5)
    out = _dense(get, f"{name}/out", weights @ v, c, gain=1e-5)
    return HALF * (x + out.reshape(x.shape))


def _forward(get, x, tau, width, mults, blocks, attention):
    """x [B, H, W, C], tau [M] or [B, M] -> [B, H, W, C]"""

    def stage(name, h, out):
        h = _block(get, name, h, tau, out)
        return _attend(get, f"{name}/attend", h) if h.shape[1] in attention else h

    h = _conv(get, "in", x, width)
    skips = [h]
    for level, mult in enumerate(mults):
        for i in range(blocks):
            h = stage(f"down{level}.{i}", h, width * mult)
            skips.append(h)
        if level + 1 < len(mults):
            h = _block(get, f"down{level}", h, tau, width * mult, down)
            skips.append(h)
    h = _block(get, "middle1", h, tau, h.shape[-1])
    h = _attend(get, "middle", h)
    h = _block(get, "middle2", h, tau, h.shape[-1])
    for level, mult in reversed(list(enumerate(mults))):
        for i in range(blocks + 1):
            skip = skips.pop()
            h = stage(f"up{level}.{i}", jnp.concatenate([h, skip], axis=-1), width * mult)
        if level:
            h = _block(get, f"up{level}", h, tau, width * mult, up_to(*skips[-1].shape[1:3]))
    return _conv(get, "out", jax.nn.silu(_norm(get, "out/norm", h)), x.shape[-1], gain=1e-5)


def _time(get, t, features):
    """Sinusoids of 999 t, two dense layers.  t [...] -> [..., 4 F]"""
    rates = jnp.exp(-math.log(1e4) * jnp.arange(features // 2) / (features // 2 - 1))
    h = sinusoids(999.0 * jnp.asarray(t), rates).astype(jnp.float32)
    h = jax.nn.silu(_dense(get, "time1", h, 4 * features))
    return _dense(get, "time2", h, 4 * features)


def net(shape, features, **structure) -> Net:
    """The network for images [H, W, C]; structure as in `init`."""
    start = partial(init, shape=shape, features=features, **structure)
    return Net(start, partial(embed, features=features), partial(apply, **structure))


def init(key, shape, features, **structure):
    """Parameters for images [H, W, C]; structure: width, mults, blocks, attention."""
    wanted = {}

    def record(name, size, gain):
        wanted[name] = (size, gain)
        return jnp.zeros(size, jnp.float32)

    def trace(x, t):
        return _forward(record, x, _time(record, t, features), **structure)

    jax.eval_shape(trace, jnp.zeros((1, *shape), jnp.float32), jnp.zeros((), jnp.float32))
    return normals(key, wanted, jnp.float32)


def embed(params, t, features):
    """The time embedding.  t [...] -> [..., 4 F]"""
    return _time(lambda name, size, gain: params[name], t, features)


def apply(params, x, tau, **structure):
    """Predicted z.  x [B, H, W, C], tau = embed(t) [M] or [B, M] -> [B, H, W, C]"""
    return _forward(lambda name, size, gain: params[name], x, tau, **structure)
