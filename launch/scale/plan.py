"""`./lab plan`: memory, time and cost of an experiment's heaviest step on hardware not at hand.

The real step is lowered and compiled for the topology; no data, no device, no network are used.
Memory is the compiler's own figure. Time is a roofline over the compiled program, loops counted
(launch.scale.hlo): the low end runs every kernel at the data sheet's rate with all communication
hidden, the high end at EFFICIENCY of it with none hidden and a launch of every kernel.
"""

import contextlib
import importlib
import math
import os
import re
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from common.claims import digest
from launch import settings
from launch.errors import UserError
from launch.paths import EXPERIMENTS, ROOT, cache, paper, slugs
from launch.record import fingerprint, provenance, store
from launch.scale import compilers, hardware, hlo
from launch.scale.hardware import CHIPS, Chip, Target

# What programs reach of the data sheet where nothing hinders: matrix products 35-90 %, memory
# 55-95 %, links 60-100 %. Set before any measurement on an accelerator; CPU rates are measured.
EFFICIENCY = {
    "matrix": (0.35, 0.9),
    "memory": (0.55, 0.95),
    "vector": (0.3, 0.95),
    "link": (0.6, 1),
}
HERE = (0.65, 1.25)  # the same for a CPU's measured rates
# ten times quicker than in full; of the full program's memory it has 80-104 %, of its FLOP all
QUICK = "O0"
MARGIN = 0.8  # of what a chip has: fuller plans should be compiled in full before they are believed
DEFAULT = "v5e-8,h100-8"
HINTS = ("microbatch", "remat", "mesh_model")


def plan(
    slug: str,
    preset: str,
    overrides: list[str],
    targets: list[Target],
    *,
    measure: bool = False,
    optimised: bool = False,
) -> list[dict]:
    """One record a target; from the cache where code, settings and versions are the same.

    measure: also run the step here, on made-up arguments. optimised: compile as a run would.
    Errors: UserError.
    """
    prepare(targets, here=measure, optimised=optimised)
    if measure:
        for t in targets:
            _present(t)
    return [_one(slug, preset, overrides, t, measure) for t in targets]


def everything(names: str) -> list[dict]:
    """Plans of every paper preset, on `names` or on DEFAULT."""
    found = []
    targets = [hardware.target(n) for n in (names or DEFAULT).split(",")]
    prepare(targets)
    for slug in slugs():
        if (EXPERIMENTS / slug / "lineage.json").exists():
            continue
        for overrides in variants(slug):
            records = [_one(slug, "paper", list(overrides), t, False) for t in targets]
            found.append({"experiment": slug, "overrides": list(overrides), "topologies": records})
    return found


def variants(slug: str) -> list[tuple[str, ...]]:
    """The overrides with which the paper preset of an experiment is planned: PLANS of config.py."""
    module = importlib.import_module(f"experiments.{slug}.config")
    return list(getattr(module, "PLANS", ((),)))


def prepare(targets: list[Target], *, here: bool = False, optimised: bool = False) -> None:
    """Compilers and environment; call before JAX is imported.  Errors: UserError."""
    if not here:
        os.environ.update(compilers.ENVIRONMENT)
    platforms = set() if here else {t.platform for t in targets}  # whose compilers are wanted
    os.environ["JAX_OPTIMIZATION_LEVEL"] = "UNKNOWN" if optimised or here else QUICK
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    devices = max([t.chips for t in targets if t.kind == "cpu"], default=1)
    flags = os.environ.get("XLA_FLAGS", "").split()
    if "cuda" in platforms:
        flags.append("--xla_gpu_enable_triton_gemm=false")  # its tiles are tuned on a GPU or fail
    if devices > 1:
        flags.append(f"--xla_force_host_platform_device_count={devices}")
    os.environ["XLA_FLAGS"] = " ".join(flags)
    if devices > 1:
        os.environ.setdefault("PJRT_NPROC", "32")
    for platform in platforms:
        compilers.ensure(platform)
    if "cuda" in platforms:
        with quiet():  # the compiler complains that there is no driver
            import jax

            jax.devices("cpu")


def _one(slug: str, preset: str, overrides: list[str], t: Target, measure: bool) -> dict:
    cfg = settings.get(slug, preset, overrides)
    found = compiled(slug, cfg, t)
    if measure:
        found["measured"] = measured(slug, cfg, t)
        store.write_json(cache() / "plans" / f"{key(slug, cfg, t)}.json", found)
    if found.get("fits") is False:
        found["would_fit"] = _what_would_fit(slug, preset, overrides, t)
    return found | {"experiment": slug, "preset": preset, "overrides": overrides}


def optimisation(t: Target) -> str:
    """Of the compiler: on CPU that of the program that runs here; elsewhere as prepared."""
    return "UNKNOWN" if t.platform == "cpu" else os.environ.get("JAX_OPTIMIZATION_LEVEL", QUICK)


def key(slug: str, cfg, t: Target) -> str:
    """What a plan depends on."""
    own = [(ROOT / "launch/scale" / f"{n}.py").read_text() for n in ("plan", "hlo", "hardware")]
    pins = [] if t.platform == "cpu" else compilers.pins(t.platform)
    code = fingerprint.fingerprint(slug)["compute"]
    who = [t.kind, t.chips, t.shape, provenance.versions(), pins, own, optimisation(t)]
    return digest([slug, settings.plain(cfg), code, *who])


def compiled(slug: str, cfg, t: Target) -> dict:
    """The heaviest step of an experiment on a target: memory, cost, predicted seconds."""
    file = cache() / "plans" / f"{key(slug, cfg, t)}.json"
    kept = store.peek(file)
    if kept:
        return kept
    found = _compile(slug, cfg, t)
    if "error" not in found:
        store.write_json(file, found)
    return found


def here(slug: str, cfg, *, make: bool) -> dict | None:
    """The plan for the devices of this process; where none is kept, made if `make`.

    None for devices of an unknown kind, and where planning fails: a run must not.
    """
    import jax

    devices_, kind = jax.devices(), hardware.named(jax.devices()[0].device_kind)
    if kind is None:
        return None
    try:
        cores = CHIPS[kind].cores_named if kind in CHIPS else 1
        t = hardware.target(f"{kind}-{len(devices_) * cores}")
        file = cache() / "plans" / f"{key(slug, cfg, t)}.json"
        found = store.peek(file)
        if not found and make:
            found = _compile(slug, cfg, t, devices_)
            store.write_json(file, found)
    except Exception:
        return None
    kept = ("on", "step_seconds", "steps", "peak_gib", "unknown_loops")
    return {k: found[k] for k in kept if k in found} or None


def _compile(slug: str, cfg, t: Target, devices_: list | None = None) -> dict:
    from launch.meshes import mesh_of

    start = time.monotonic()
    record: dict[str, Any] = {"on": t.name, "kind": t.kind, "chips": t.chips, "shape": t.shape}
    try:
        lowered, arguments = lower(slug, cfg, mesh_of(cfg, devices_ or devices(t)), t.platform)
    except UserError as error:
        return record | {"error": str(error), "fits": None}
    record |= _arguments(arguments) | {"steps": steps(slug, cfg), "shards": _shards(slug)}
    try:
        record |= program(lowered, t)
    except UserError as error:
        return record | {"error": str(error), "fits": None}
    return record | {"seconds": round(time.monotonic() - start, 1)}


def program(lowered: Any, t: Target) -> dict:
    """What a lowered program needs on a device of a target.  Errors: UserError if it is refused."""
    import jax

    jax.config.update("jax_optimization_level", optimisation(t))
    try:
        with quiet():
            made = lowered.compile()
    except Exception as error:
        return _refused(error, t, lowered)
    chip = CHIPS.get(t.kind) or this_cpu(t.chips)
    peak = made.memory_analysis().peak_memory_in_bytes / 2**30
    fits = {"peak_gib": peak, "usable_gib": chip.memory, "fits": peak <= chip.memory}
    return describe(made.as_text(), chip, t) | fits


def lower(slug: str, cfg, mesh, platform: str) -> tuple[Any, Any]:
    """(the lowered step, its abstract arguments) of an experiment on a mesh.  Errors: UserError."""
    import jax

    with jax.enable_x64(bool(cfg.x64)):
        step, arguments = _program(slug, cfg, mesh)
        try:
            return step.trace(*arguments).lower(lowering_platforms=(platform,)), arguments
        except Exception as error:  # of JAX or of its compiler's own kind
            line = " ".join(str(error).split())[:200]
            raise UserError(f"the step of {slug} has no shape at these settings: {line}") from None


def _program(slug: str, cfg, mesh) -> tuple[Any, Any]:
    import jax
    from ml_collections import FrozenConfigDict

    module = importlib.import_module(f"experiments.{slug}.run")
    try:
        step, arguments = module.abstract_step(FrozenConfigDict(cfg), mesh)
    except ValueError as error:
        raise UserError(f"{slug} does not split so over {mesh.size} devices: {error}") from None
    return step if hasattr(step, "trace") else jax.jit(step), arguments


def devices(t: Target) -> list:
    """Descriptions of the devices of a target."""
    import jax
    from jax.experimental import topologies

    if t.platform == "cpu":
        return jax.devices("cpu")[: t.chips]
    if t.platform == "tpu":
        more: dict[str, Any] = {"chip_config_name": "megacore"} if t.kind == "v4" else {}
        more |= {"chips_per_host_bounds": (1, 1, 1)} if t.chips == 1 else {}
        name = f"{t.kind}:{t.shape}"
        try:
            return topologies.get_topology_desc(platform="tpu", topology_name=name, **more).devices
        except Exception as error:
            raise UserError(f"{t.name}: there is no such slice ({error})") from None
    with quiet():
        return _gpus(t)


def _gpus(t: Target) -> list:
    from jax.experimental import topologies

    gpu = CHIPS[t.kind].gpu.replace("major: ", "cuda_compute_capability { major: ") + " }"
    shape = f"1x{t.shape}"
    return topologies.get_topology_desc(
        platform="cuda", topology_name="", target_config=GPU % gpu, topology=shape
    ).devices


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What libraries write to the error stream before they can be told not to goes nowhere."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


GPU = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  threads_per_core_limit: 2048 block_dim_limit_x: 2147483647 block_dim_limit_y: 65535
  block_dim_limit_z: 65535 registers_per_core_limit: 65536 registers_per_block_limit: 65536
  %s
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 8 patch: 0 }
device_description_str: "a data sheet"
"""


def steps(slug: str, cfg) -> int | None:
    """How often a whole run of cfg calls its heaviest step, where run.py says so."""
    module = importlib.import_module(f"experiments.{slug}.run")
    return int(module.steps(cfg)) if hasattr(module, "steps") else None


def _shards(slug: str) -> str:
    return paper(slug).get("shards", "")


def _arguments(arguments: Any) -> dict:
    """Sizes of the arguments, how they are split, and what of them every device holds whole."""
    import jax

    leaves = [a for a in jax.tree.leaves(arguments) if hasattr(a, "dtype")]
    total = replicated = 0.0
    specs: dict[str, int] = {}
    for a in leaves:
        item = getattr(a.dtype, "itemsize", 8)
        bytes_ = math.prod(a.shape) * item
        total += bytes_
        spec = str(getattr(a.sharding, "spec", "")).removeprefix("PartitionSpec") or "whole"
        specs[spec] = specs.get(spec, 0) + 1
        if a.sharding is None or a.sharding.is_fully_replicated:
            replicated += bytes_
    return {
        "argument_gib": total / 2**30,
        "replicated_gib": replicated / 2**30,
        "specs": dict(sorted(specs.items(), key=lambda kv: -kv[1])),
    }


def _refused(error: Exception, t: Target, lowered: Any) -> dict:
    """What a compiler says that lacks memory.  Errors: UserError for any other refusal."""
    text = str(error)
    found = re.search(r"([0-9.]+)G exceeds|\(([0-9.]+)G\) exceeds|Used ([0-9.]+)G", text)
    if not found:
        raise UserError(f"{t.name}: the compiler refused: {text.splitlines()[0][:200]}") from None
    peak = float(next(number for number in found.groups() if number))
    usable, buffers = CHIPS[t.kind].memory, hlo.largest_of_tensors(lowered.as_text())
    return {"peak_gib": peak, "usable_gib": usable, "fits": False, "buffers": buffers}


# --- time ----------------------------------------------------------------------------------------


def describe(text: str, chip: Chip, t: Target) -> dict:
    """FLOP, bytes, collectives, predicted seconds of one execution of a compiled program."""
    cost = hlo.cost(text, t.chips)
    low, high, limits = predicted(cost, chip, t)
    return {
        "flops": cost.flops,
        "bytes": cost.bytes,
        "ops": cost.ops,
        "wire": cost.wire,
        "unknown_loops": cost.unknown_loops,
        "step_seconds": [low, high],
        "limits": limits,
        "buffers": hlo.largest(text),
    }


def predicted(cost: hlo.Cost, chip: Chip, t: Target) -> tuple[float, float, dict]:
    """(low, high) seconds of a step, and the share of the middle of each resource."""
    parts = {"matrix products": 0.0, "memory": 0.0, "arithmetic": 0.0}
    low = high = 0.0
    eff = EFFICIENCY if t.kind != "cpu" else dict.fromkeys(EFFICIENCY, HERE)
    for k in cost.kernels:
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
    wire = cost.wire_bytes / (chip.far if t.hosts > 1 else chip.link)
    low = max(low, wire / eff["link"][1])
    high += wire / eff["link"][0] + sum(1 for v in cost.wire.values() if v) * chip.latency
    parts |= {"links": wire, "starting kernels": chip.latency * cost.ops}
    whole = sum(parts.values()) or 1.0
    return low, high, {k: v / whole for k, v in parts.items()}


@lru_cache
def this_cpu(count: int) -> Chip:
    """The rates of this machine, measured in about a second, shared by `count` forced devices."""
    import jax
    import jax.numpy as jnp
    import psutil

    def best(fn: Callable, *args) -> float:
        jax.block_until_ready(fn(*args))
        times = []
        for _ in range(5):
            start = time.perf_counter()
            jax.block_until_ready(fn(*args))
            times.append(time.perf_counter() - start)
        return min(times)

    def product(dtype, side=768, batch=1):
        x = jnp.ones((batch, side, side), dtype)
        return batch * 2 * side**3 / best(jax.jit(lambda a: a @ a), x)

    f32 = product(jnp.float32)
    small = tuple(
        (3.0 * 2 * side**3, product(jnp.float32, side, 2**22 // side**3) / f32)
        for side in (8, 24, 64)
    )
    with jax.enable_x64(True):
        f64 = product(jnp.float64)

    def stream(bytes_: int) -> float:
        """Bytes/s of an update in place of an array, read and written many times."""
        x = jnp.ones(bytes_ // 4, jnp.float32)
        times = max(4, 2**25 // bytes_)
        step = jax.jit(lambda a: jax.lax.fori_loop(0, times, lambda i, b: b * 0.5 + 1.0, a))
        return 2 * bytes_ * times / best(step, x)

    cache_ = tuple((2.0 * n, stream(n) / count) for n in (2**14, 2**17, 2**20, 2**22))
    bandwidth = stream(2**26)
    square = jnp.full((256, 256), 0.5, jnp.float32)
    rounds = 200
    cheap = jax.jit(lambda a: jax.lax.fori_loop(0, rounds, lambda _, b: jnp.tanh(b), a))
    vector = 10 * square.size * rounds / best(cheap, square)
    one = jnp.ones((8, 8))
    chained = jax.jit(lambda a: jax.lax.fori_loop(0, 2000, lambda _, b: jnp.cumsum(b @ a, 0), a))
    latency = best(chained, one) / 4000
    memory = psutil.virtual_memory().total / 2**30
    rates = {"bf16": f32 / count, "f32": f32 / count, "f64": f64 / count}
    memory, bandwidth, vector = memory / count, bandwidth / count, vector / count
    link = bandwidth
    return Chip(
        "cpu", memory, bandwidth, rates, vector, link, link, latency, cache=cache_, small=small
    )


# --- measured ------------------------------------------------------------------------------------


def measured(slug: str, cfg, t: Target, repeats: int = 5) -> dict:
    """Seconds of the same step on the devices that are here, on made-up arguments; peak memory."""
    import jax

    from launch.meshes import mesh_of

    here, watch = _present(t), Resident()
    with jax.enable_x64(bool(cfg.x64)):
        step, abstract = _program(slug, cfg, mesh_of(cfg, here[: t.chips]))
        program = step.trace(*abstract).lower().compile()
        times = []
        watch.start()
        for i in range(repeats + 1):
            arguments = jax.block_until_ready(_made_up(abstract))
            start = time.perf_counter()
            jax.block_until_ready(program(*arguments))
            times.append(time.perf_counter() - start)
            if i and sum(times) > 60:
                break
    stats = [(d.memory_stats() or {}).get("peak_bytes_in_use") for d in here[: t.chips]]
    peak = max((s for s in stats if s), default=watch.stop() / t.chips)
    counted = "device" if any(stats) else "process"
    record = {"seconds": float(np.median(times[1:] or times)), "peak_gib": peak / 2**30}
    return record | {"memory_of": counted, "date": provenance.now(), "times": times}


def _present(t: Target) -> list:
    """The devices that are here.  Errors: UserError if they are not the target's."""
    import jax

    here = jax.devices()
    if hardware.named(here[0].device_kind) != t.kind or len(here) < t.chips:
        raise UserError(f"--measure: {t.name} is not here ({len(here)} x {here[0].device_kind} is)")
    return here


def _made_up(abstract: Any) -> Any:
    """Arguments of these shapes: small normal floats, zero integers, keys."""
    import jax
    import jax.numpy as jnp

    def of(x):
        if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
            keys = jax.random.split(jax.random.key(0), max(1, math.prod(x.shape)))
            return jax.device_put(keys.reshape(x.shape), x.sharding)
        if jnp.issubdtype(x.dtype, jnp.floating):
            value = 0.01 * np.random.default_rng(0).standard_normal(x.shape)
        else:
            value = np.zeros(x.shape)
        return jax.device_put(value.astype(x.dtype), x.sharding)

    return jax.tree.map(of, abstract)


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


# --- what would fit ------------------------------------------------------------------------------


def _what_would_fit(slug: str, preset: str, overrides: list[str], t: Target) -> list[str]:
    """Changes of settings that make the program fit, tried by compiling; else where memory goes."""
    cfg = settings.get(slug, preset, overrides)
    tried, found = 0, []
    for name in HINTS:
        if name not in cfg:
            continue
        old = cfg[name]
        values = [True] if isinstance(old, bool) else [max(old, 1) * 2**i for i in (1, 2, 3)]
        for value in values:
            if value == old:
                continue
            tried += 1
            text = f"{name}={value}"
            try:
                other = compiled(slug, settings.get(slug, preset, [*overrides, text]), t)
            except UserError:
                continue
            if other.get("fits"):
                found.append(f"{text} ({other['peak_gib']:.1f} GiB)")
                break
    return found
