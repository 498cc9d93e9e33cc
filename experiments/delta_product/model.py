"""One layer of DeltaProduct: n_h steps of the delta rule a token, then a SwiGLU, both pre-normed.

S <- (I - beta_j k_j k_j^T) S + beta_j k_j v_j^T for j = 1 … n_h;  o = S^T q;  k, q: SiLU, then of
length 1; v: SiLU; beta = top * sigmoid, one a head and step.

In one layer q, k, v and beta hang on the token alone: they are computed for the vocabulary.

Shapes: C tokens (the group's elements, then BOS), D width, H heads, K head size, N steps a token,
M hidden units, B words, T tokens of a word, G elements.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from common.nn import layers
from common.ssm import delta

Array = jax.Array
EMBEDDING = 0.02  # its standard deviation [code]


class Sizes(NamedTuple):
    tokens: int
    width: int
    heads: int
    head: int
    steps: int
    hidden: int


class Tokens(NamedTuple):
    """What a token does to the state."""

    q: Array  # [C, H, K]
    k: Array  # [C, H, N, K]
    v: Array  # [C, H, N, K]
    beta: Array  # [C, H, N]


def init(key: Array, sizes: Sizes, *, gain: float) -> dict[str, Array]:
    """Normal weights of Xavier's variance times gain^2; norms 1."""
    c, d, h, k, n, m = sizes
    shapes = {
        "q": (d, h * k),
        "k": (d, h * n * k),
        "v": (d, h * n * k),
        "beta": (d, h * n),
        "out": (h * k, d),
        "gate": (d, m),
        "up": (d, m),
        "down": (m, d),
        "logits": (d, c - 1),
    }
    wanted = {name: (s, gain * (2 / sum(s)) ** 0.5) for name, s in shapes.items()}
    weights = layers.normals(key, wanted | {"embed": ((c, d), EMBEDDING)}, jnp.float32)
    norms = {"mixer": d, "head": k, "mlp": d, "last": d}
    return weights | {"norm_" + name: jnp.ones(size) for name, size in norms.items()}


def tokens(params: dict[str, Array], sizes: Sizes, mask: Array, top: Array) -> Tokens:
    """Of the whole vocabulary.  mask [N]: 1 for a step that is there (beta = 0 is none), top []"""
    c, _, h, k, n, _ = sizes
    x = layers.rms_norm(params["embed"], params["norm_mixer"])
    q, keys, v = (jax.nn.silu(x @ params[name]) for name in ("q", "k", "v"))
    q, keys, v = q.reshape(c, h, k), keys.reshape(c, h, n, k), v.reshape(c, h, n, k)
    q, keys = (a * jax.lax.rsqrt(jnp.sum(a**2, -1, keepdims=True) + 1e-12) for a in (q, keys))
    beta = top * mask * jax.nn.sigmoid(x @ params["beta"]).reshape(c, h, n)
    return Tokens(q, keys, v, beta)


def apply(
    params: dict[str, Array], word: Array, sizes: Sizes, mask: Array, top: Array, *, chunk: int = 0
) -> Array:
    """Logits of the running product at every token.  word int [B, T] -> [B, T, G]"""
    table = tokens(params, sizes, mask, top)
    chosen = jax.nn.one_hot(word, sizes.tokens)  # a product: the gradient of an index is slow

    def of_word(part: Array) -> Array:  # [C, H, …] -> [B, H, T, …]
        rows = chosen @ part.reshape(sizes.tokens, -1)
        return jnp.moveaxis(rows.reshape(*word.shape, *part.shape[1:]), 2, 1)

    outputs, _ = delta.delta_product(*map(of_word, table), chunk=chunk)
    heads = layers.rms_norm(jnp.moveaxis(outputs, 1, 2), params["norm_head"]).reshape(
        *word.shape, -1
    )
    x = chosen @ params["embed"] + heads @ params["out"]
    inner = layers.rms_norm(x, params["norm_mlp"])
    x = x + (jax.nn.silu(inner @ params["gate"]) * (inner @ params["up"])) @ params["down"]
    return layers.rms_norm(x, params["norm_last"]) @ params["logits"]
