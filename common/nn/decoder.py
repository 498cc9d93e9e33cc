"""Decoder-only transformer: pre-LayerNorm, no biases, RoPE, qk-layernorm by a flag (2309.14322).

12 layers width^2 weights beside those of the vocabulary.

Shapes: B batch, T positions, V vocabulary, L layers, D width, H heads, K = D / H width of a head.
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from common import shapes
from common.nn.layers import layer_norm
from common.reals import at_least

RULES = (  # the model axis splits heads, hidden units and the vocabulary of the output
    ("unembedding", (None, "model")),
    ("embedding", (None, "model")),
    ("attention/qkv", (None, None, None, "model", None)),
    ("attention/out", (None, "model", None, None)),
    ("mlp/up", (None, None, "model")),
    ("mlp/down", (None, "model", None)),
    ("", ()),
)
ROUND = 10_000.0  # RoPE: the slowest pair turns once in 2 pi times this many positions
TRUNCATED = 0.87962566  # standard deviation of a normal cut off at two of its own


def anywhere(x, *_):
    """Leaves an activation where it is."""
    return x


def init(keys, *, vocab: int, width: int, layers: int, heads: int) -> dict:
    """Parameters: truncated normal of standard deviation 1/sqrt(fan in), scales of one.

    All matrices of a layer are cut from twelve squares, so that two draws make them all.
    keys [2] -> tree of float32.  Errors: ValueError for heads that do not divide the width into
    even parts, which RoPE turns in pairs.
    """
    at_least(1, vocab=vocab, width=width, layers=layers, heads=heads)
    if width % (2 * heads):
        raise ValueError(f"width={width} must be an even number for each of heads={heads}")
    D, each = width, width // heads

    def draw(key, shape):  # flat: the generator compiles six times as fast
        flat = jax.random.truncated_normal(key, -2, 2, (math.prod(shape),))
        return flat.reshape(shape) / (TRUNCATED * width**0.5)

    ends = draw(keys[0], (2, vocab, D))
    squares = draw(keys[1], (layers, 12, D, D))
    qkv = squares[:, :3].reshape(layers, 3, D, heads, each)
    up = squares[:, 4:8].swapaxes(1, 2).reshape(layers, D, 4 * D)
    down = squares[:, 8:].reshape(layers, 4 * D, D) / 2  # fan in 4 D
    return {
        "embedding": ends[0],
        "blocks": {
            "attention": {
                "norm": jnp.ones((layers, D)),
                "qkv": qkv.swapaxes(1, 2),
                "query_norm": jnp.ones((layers, each)),  # shared by the heads
                "key_norm": jnp.ones((layers, each)),
                "out": squares[:, 3].reshape(layers, heads, each, D),
            },
            "mlp": {"norm": jnp.ones((layers, D)), "up": up, "down": down},
        },
        "norm": jnp.ones(D),
        "unembedding": ends[1].T,
    }


def _normed(x, scale):
    """LayerNorm in float32, as x."""
    return layer_norm(x.astype(jnp.float32), scale).astype(x.dtype)


def rope(x, positions):
    """Turn the pairs (i, i + K/2) by angles that grow with the position (Su et al. 2021).

    x [B, T, H, K], positions [T] -> [B, T, H, K]
    """
    half = x.shape[-1] // 2
    angle = positions[:, None] * ROUND ** (-jnp.arange(half) / half)
    cos, sin = jnp.cos(angle)[:, None], jnp.sin(angle)[:, None]
    a, b = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1).astype(x.dtype)


def attention_logits(q, k):
    """z = q . k / sqrt(K) in float32.  q, k [B, T, H, K] -> [B, H, T, T]"""
    z = jnp.einsum("bqhk,bshk->bhqs", q, k, preferred_element_type=jnp.float32)
    return z / q.shape[-1] ** 0.5


def attention(p, x, qk_norm, place: Callable):
    """Causal self-attention of one layer.  x [B, T, D] -> ([B, T, D], largest |z| [])"""
    positions = jnp.arange(x.shape[1])
    qkv = jnp.einsum("btd,dchk->cbthk", x, p["qkv"])
    q, k, v = place(qkv, None, "data", None, "model")
    q = jnp.where(qk_norm, _normed(q, p["query_norm"]), q)
    k = jnp.where(qk_norm, _normed(k, p["key_norm"]), k)
    z = attention_logits(rope(q, positions), rope(k, positions))
    seen = positions[:, None] >= positions
    largest = jnp.where(seen, jnp.abs(jax.lax.stop_gradient(z)), 0.0).max()
    weights = jax.nn.softmax(jnp.where(seen, z, -jnp.inf), axis=-1).astype(x.dtype)
    mixed = jnp.einsum("bhqs,bshk->bqhk", weights, v)
    return jnp.einsum("bqhk,hkd->bqd", mixed, p["out"]), largest


def mlp(p, x, place: Callable):
    """GELU between two matrices.  x [B, T, D] -> [B, T, D]"""
    return place(jax.nn.gelu(x @ p["up"]), "data", None, "model") @ p["down"]


def block(x, p, qk_norm, place: Callable):
    """One layer: x + attention(norm(x)), then x + mlp(norm(x)).  -> (x, largest |z| [])"""
    a, m = p["attention"], p["mlp"]
    change, largest = attention(a, _normed(x, a["norm"]), qk_norm, place)
    x = place(x + change, "data")
    return place(x + mlp(m, _normed(x, m["norm"]), place), "data"), largest


def apply(
    params, tokens, qk_norm=True, *, dtype=jnp.float32, remat=False, place: Callable = anywhere
):
    """Logits of the next token, and the largest |attention logit| of every layer over batch,
    heads and causal positions.

    tokens int [B, T] -> (float32 [B, T, V], [L]). qk_norm: a bool, of Python or an array's;
    remat: layers are computed again in the backward pass; `place(x, *axes)` says how an
    activation lies on a mesh.
    """
    shapes.check("tokens", tokens, "B T")

    def cast(path, w):  # scales stay in float32
        return w if "norm" in str(path[-1]) else w.astype(dtype)

    params = jax.tree_util.tree_map_with_path(cast, params)
    step = partial(block, qk_norm=qk_norm, place=place)
    x = place(params["embedding"][tokens], "data")
    x, largest = jax.lax.scan(jax.checkpoint(step) if remat else step, x, params["blocks"])
    x = _normed(x, params["norm"])
    logits = jnp.matmul(x, params["unembedding"], preferred_element_type=jnp.float32)
    return place(logits, "data", None, "model"), largest
