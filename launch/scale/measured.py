"""`./lab plan --measure`: the programs of an experiment run where the hardware is here."""

import math
import resource
import threading
import time
from typing import Any

import numpy as np

from common.programs import Program
from launch.errors import UserError
from launch.meshes import mesh_of
from launch.record import provenance
from launch.scale import hardware, lowering
from launch.scale.hardware import Target

LIMIT = 60.0  # seconds after which a program is not run again


def measured(slug: str, cfg, t: Target) -> list[dict]:
    """Of every program seconds of a call on made-up arguments, and peak memory.

    Errors: UserError if the devices are not here.
    """
    import jax

    here = present(t)[: t.chips]
    with jax.enable_x64(bool(cfg.x64)):
        return [_measured(p, here) for p in lowering.programs(slug, cfg, mesh_of(cfg, here))]


def _measured(program: Program, here: list, repeats: int = 5) -> dict:
    import jax

    compiled, watch = program.fn.trace(*program.args).lower().compile(), Resident()
    times: list[float] = []
    watch.start()
    for _ in range(repeats + 1):
        arguments = jax.block_until_ready(_made_up(program))
        start = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        times.append(time.perf_counter() - start)
        if len(times) > 1 and sum(times) > LIMIT:
            break
    grown = watch.stop()
    stats = [(d.memory_stats() or {}).get("peak_bytes_in_use") for d in here]
    peak = max((s for s in stats if s), default=grown / len(here))
    return {
        "seconds": float(np.median(times[1:])),
        "peak_gib": peak / 2**30,
        "memory_of": "device" if any(stats) else "process",
        "date": provenance.now(),
        "times": times,
    }


def present(t: Target) -> list:
    """The devices that are here.  Errors: UserError if they are not the target's."""
    import jax

    here = jax.devices()
    if hardware.named(here[0].device_kind) != t.kind or len(here) < t.chips:
        raise UserError(f"--measure: {t.name} is not here ({len(here)} x {here[0].device_kind} is)")
    return here


def _made_up(program: Program) -> Any:
    """Arguments of these shapes: small normal floats, keys, integers that let told loops turn."""
    import jax
    import jax.numpy as jnp

    turns = round(program.trips) if program.trips != 1 else 0

    def of(x):
        if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
            keys = jax.random.split(jax.random.key(0), max(1, math.prod(x.shape)))
            return jax.device_put(keys.reshape(x.shape), x.sharding)
        if jnp.issubdtype(x.dtype, jnp.floating):
            value = 0.01 * np.random.default_rng(0).standard_normal(x.shape)
        else:
            value = np.full(x.shape, turns)
        return jax.device_put(value.astype(x.dtype), x.sharding)

    return jax.tree.map(of, program.args)


class Resident:
    """Growth of this process's memory while something runs, sampled: CPUs count no allocations."""

    def __init__(self) -> None:
        self._end, self._thread = threading.Event(), threading.Thread(target=self._run, daemon=True)
        self._before = self._most = 0.0

    def start(self) -> None:
        self._before = self._most = self._now()
        self._thread.start()

    def _now(self) -> float:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * float(resource.getpagesize())

    def _run(self) -> None:
        while not self._end.wait(0.002):
            self._most = max(self._most, self._now())

    def stop(self) -> float:
        """Bytes."""
        self._end.set()
        self._thread.join()
        return self._most - self._before
