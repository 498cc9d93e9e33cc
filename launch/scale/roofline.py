"""Seconds of a compiled program on a chip: a roofline, as a range.

The low end runs every kernel at the data sheet's rate with all communication hidden, the high end
at EFFICIENCY of it with none hidden and a launch of every kernel.
"""

import time
from collections.abc import Callable
from functools import lru_cache

from launch.scale.hardware import CHIPS, Chip, Target
from launch.scale.hlo import text
from launch.scale.hlo.cost import Cost, cost

# What programs reach of the data sheet where nothing hinders: matrix products 35-90 %, memory
# 55-95 %, links 60-100 %. Set before any measurement on an accelerator; CPU rates are measured.
EFFICIENCY = {
    "matrix": (0.35, 0.9),
    "memory": (0.55, 0.95),
    "vector": (0.3, 0.95),
    "link": (0.6, 1),
}
HERE = (0.65, 1.25)  # the same for a CPU's measured rates


def chip_of(t: Target) -> Chip:
    """The data sheet of a target's chip; of a CPU what this machine is measured to do."""
    return CHIPS.get(t.kind) or this_cpu(t.chips)


def describe(compiled: str, t: Target, trips: float) -> dict:
    """FLOP, bytes, collectives, predicted seconds of one execution of a compiled program.

    trips: turns of the loops whose length its arguments tell.
    """
    counted = cost(compiled, t.chips, trips)
    low, high, limits = predicted(counted, chip_of(t), t)
    return {
        "flops": counted.flops,
        "bytes": counted.bytes,
        "ops": counted.ops,
        "wire": counted.wire,
        "unknown_loops": counted.unknown_loops,
        "step_seconds": [low, high],
        "limits": limits,
        "buffers": text.largest(compiled),
    }


def predicted(counted: Cost, chip: Chip, t: Target) -> tuple[float, float, dict]:
    """(low, high) seconds of a step, and the share of the middle of each resource."""
    parts = {"matrix products": 0.0, "memory": 0.0, "arithmetic": 0.0}
    low = high = 0.0
    eff = EFFICIENCY if t.kind != "cpu" else dict.fromkeys(EFFICIENCY, HERE)
    for k in counted.kernels:
        matrix = chip.product_seconds(k.flops, k.product, k.kind)
        memory = chip.seconds(k.bytes)
        # a dear function (exp, tanh, …) counts as several plain operations
        vector = (k.elements + 9 * k.dear) / chip.vector
        best = max(matrix / eff["matrix"][1], memory / eff["memory"][1], vector / eff["vector"][1])
        worst = max(matrix / eff["matrix"][0], memory / eff["memory"][0], vector / eff["vector"][0])
        low += k.times * best
        high += k.times * (worst + chip.latency)
        name = max(
            ("matrix products", matrix), ("memory", memory), ("arithmetic", vector),
            key=lambda pair: pair[1],
        )[0]  # fmt: skip
        parts[name] += k.times * max(matrix, memory, vector)
    wire = counted.wire_bytes / (chip.far if t.hosts > 1 else chip.link)
    low = max(low, wire / eff["link"][1])
    high += wire / eff["link"][0] + sum(1 for v in counted.wire.values() if v) * chip.latency
    parts |= {"links": wire, "starting kernels": chip.latency * counted.ops}
    whole = sum(parts.values()) or 1.0
    return low, high, {k: v / whole for k, v in parts.items()}


@lru_cache
def this_cpu(count: int) -> Chip:
    """The rates of this machine, measured in about a second, shared by `count` forced devices."""
    import jax
    import psutil

    f32 = _product("float32")
    small = tuple(
        (3.0 * 2 * side**3, _product("float32", side, 2**22 // side**3) / f32)
        for side in (8, 24, 64)
    )
    with jax.enable_x64(True):
        f64 = _product("float64")
    cache = tuple((2.0 * n, _stream(n) / count) for n in (2**14, 2**17, 2**20, 2**22))
    bandwidth = _stream(2**26) / count
    rates = {"bf16": f32 / count, "f32": f32 / count, "f64": f64 / count}
    memory = psutil.virtual_memory().total / 2**30 / count
    vector, latency = _vector() / count, _latency()
    return Chip(
        "cpu", memory, bandwidth, rates, vector, bandwidth, bandwidth, latency,
        cache=cache, small=small,
    )  # fmt: skip


def _best(fn: Callable, *args) -> float:
    """Seconds of the quickest of five calls."""
    import jax

    jax.block_until_ready(fn(*args))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(fn(*args))
        times.append(time.perf_counter() - start)
    return min(times)


def _product(dtype: str, side: int = 768, batch: int = 1) -> float:
    """FLOP/s of `batch` products of matrices side by side."""
    import jax
    import jax.numpy as jnp

    x = jnp.ones((batch, side, side), dtype)
    return batch * 2 * side**3 / _best(jax.jit(lambda a: a @ a), x)


def _stream(bytes_: int) -> float:
    """Bytes/s of an update in place of an array, read and written many times."""
    import jax
    import jax.numpy as jnp

    x = jnp.ones(bytes_ // 4, jnp.float32)
    times = max(4, 2**25 // bytes_)
    step = jax.jit(lambda a: jax.lax.fori_loop(0, times, lambda i, b: b * 0.5 + 1.0, a))
    return 2 * bytes_ * times / _best(step, x)


def _vector() -> float:
    """Elements/s of arithmetic; a hyperbolic tangent counts as ten."""
    import jax
    import jax.numpy as jnp

    square, rounds = jnp.full((256, 256), 0.5, jnp.float32), 200
    cheap = jax.jit(lambda a: jax.lax.fori_loop(0, rounds, lambda _, b: jnp.tanh(b), a))
    return 10 * square.size * rounds / _best(cheap, square)


def _latency() -> float:
    """Seconds from one small operation to the next, two a turn."""
    import jax
    import jax.numpy as jnp

    chained = jax.jit(lambda a: jax.lax.fori_loop(0, 2000, lambda _, b: jnp.cumsum(b @ a, 0), a))
    return _best(chained, jnp.ones((8, 8))) / 4000
