"""Compile the spectral density of a 124 M-parameter transformer for 8 devices, without having them.

    python benchmarks/compile_curvature.py [--on h100-8,v5e-8] [--steps 80]

The loss is next-token prediction of a GPT-2-small-shaped decoder
(12 layers, width 768, vocabulary 50257, 1024 tokens, float32). Examples are split over the devices,
`chunk` at a time on each; the Lanczos basis [steps, P] is split along P. Prints a JSON line each.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from launch.scale import hardware, lowering, plan

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--on", default="h100-8,v5e-8")
parser.add_argument("--steps", type=int, default=80)
chosen = parser.parse_args()
TARGETS = [hardware.target(name) for name in chosen.on.split(",")]
plan.prepare(TARGETS)  # before JAX is imported

import jax
import jax.numpy as jnp

from common.curvature.products import flat, hvp, over_mesh
from common.curvature.slq import slq
from common.partition import flat_mesh
from common.sharding import sharded

LAYERS, WIDTH, HEADS, VOCABULARY, TOKENS = 12, 768, 12, 50257, 1024
BATCH, CHUNK = 64, 1


def parameters() -> dict:
    """Shapes of a decoder's parameters; its output layer is the embedding (tied)."""
    block = {
        "qkv": (WIDTH, 3 * WIDTH),
        "out": (WIDTH, WIDTH),
        "up": (WIDTH, 4 * WIDTH),
        "down": (4 * WIDTH, WIDTH),
        "scale": (2, WIDTH),
    }
    shapes = {"embed": (VOCABULARY, WIDTH), "position": (TOKENS, WIDTH)}
    return shapes | {name: (LAYERS, *shape) for name, shape in block.items()}


def loss(params: dict, tokens) -> jax.Array:
    """Mean cross-entropy of the next token.  tokens [B, TOKENS]"""

    def normed(x, scale):
        x = x - x.mean(-1, keepdims=True)
        return scale * x * jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-5)

    @jax.checkpoint
    def layer(x, p):
        q, k, v = jnp.split(normed(x, p["scale"][0]) @ p["qkv"], 3, -1)
        split = lambda a: a.reshape(*a.shape[:2], HEADS, -1)  # noqa: E731
        mixed = jax.nn.dot_product_attention(split(q), split(k), split(v), is_causal=True)
        x = x + mixed.reshape(x.shape) @ p["out"]
        return x + jax.nn.gelu(normed(x, p["scale"][1]) @ p["up"]) @ p["down"], None

    x = params["embed"][tokens] + params["position"]
    x, _ = jax.lax.scan(layer, x, {k: params[k] for k in ("qkv", "out", "up", "down", "scale")})
    log_p = jax.nn.log_softmax(x[:, :-1] @ params["embed"].T)
    return -jnp.take_along_axis(log_p, tokens[:, 1:, None], -1).mean()


def compiled(t: hardware.Target, steps: int) -> dict:
    """Lower and compile one quadrature of `steps` products; memory and time of one device."""
    mesh = flat_mesh(lowering.devices(t))
    whole, split = sharded(mesh), sharded(mesh, "data")
    params = {
        name: jax.ShapeDtypeStruct(shape, jnp.float32, sharding=whole)
        for name, shape in parameters().items()
    }
    tokens = jax.ShapeDtypeStruct((BATCH, TOKENS), jnp.int32, sharding=split)
    size = sum(p.size for p in params.values())

    def quadrature(params, tokens):
        product = over_mesh(mesh, lambda p, x: hvp(loss, p, x, chunk=CHUNK), params, tokens)
        matvec, _, _ = flat(product, params)
        return slq(jax.random.key(0), matvec, size, steps=steps, probes=1, sharding=split)

    lowered = jax.jit(quadrature).trace(params, tokens).lower(lowering_platforms=(t.platform,))
    line = {"parameters": size, "on": t.name, "steps": steps}
    line |= {"basis_gib_a_device": round(steps * size * 4 / 2**30 / t.chips, 2)}
    found = plan.program(lowered, t)
    return line | {k: v for k, v in found.items() if k not in ("buffers", "wire")}


for target in TARGETS:
    print(json.dumps(compiled(target, chosen.steps)), flush=True)
