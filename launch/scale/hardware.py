"""Chips, slices and their limits: what `--on NAME` means. Figures of the makers' data sheets.

Names are the clouds': v5e-8 and v6e-8 are 8 chips; v4-8 and v5p-8 count cores, two a chip, so 4
chips; h100-8 is a host of 8 GPUs, h100-16 two hosts. `v5e:2x4` names a shape. `cpu-8` is this
machine as 8 forced devices, its rates measured when asked.

`memory`: GiB a program can use, for TPUs as their compiler states it, for GPUs the 75 % that JAX
takes. `matrix`: FLOP/s of matrix products by operand type (float32 as JAX's default precision
computes it: bfloat16 passes on TPU, TF32 on GPU). `link`: bytes/s that a chip sends to its
neighbours; `far`: to another host or slice, where that is slower.
"""

import math
import re
from dataclasses import dataclass, field

from launch.errors import UserError, nearest


@dataclass(frozen=True)
class Chip:
    platform: str
    memory: float  # GiB
    bandwidth: float  # bytes/s
    matrix: dict = field(hash=False)  # operand type -> FLOP/s
    vector: float  # elements/s of arithmetic outside matrix products
    link: float
    far: float
    latency: float  # s from one operation to the next
    cores_named: int = 1  # devices that the cloud's number counts for each chip
    gpu: str = ""  # the fields of XLA's description that differ
    cache: tuple[tuple[float, float], ...] = ()  # (bytes a kernel touches up to, bytes/s)
    small: tuple[tuple[float, float], ...] = ()  # (FLOP of one product up to, share of `matrix`)

    def seconds(self, bytes_: float) -> float:
        """To move what one kernel reads and writes."""
        return bytes_ / next((r for limit, r in self.cache if bytes_ <= limit), self.bandwidth)

    def product_seconds(self, flops: float, one: float, kind: str) -> float:
        """For matrix products of `flops` in all, `one` each, on operands of type `kind`."""
        share = next((x for limit, x in self.small if one <= limit), 1.0)
        return flops / self.matrix.get(kind, self.matrix["f32"]) / share


def _tpu(memory, bandwidth, bf16, link, cores=1):
    # float64 is emulated: not measured, about a hundredth; vector units: 1/25 of the matrix unit
    rates = {"bf16": bf16, "f32": bf16, "f64": bf16 / 150}
    return Chip("tpu", memory, bandwidth, rates, bf16 / 25, link, 12.5e9, 1e-6, cores)


def _gpu(memory, bandwidth, bf16, tf32, f64, vector, link, **device):
    rates = {"bf16": bf16, "f32": tf32, "f64": f64}
    text = " ".join(f"{k}: {v}" for k, v in device.items())
    return Chip("cuda", 0.75 * memory, bandwidth, rates, vector, link, 50e9, 4e-6, 1, text)


CHIPS = {
    "v4": _tpu(30.75, 1228e9, 275e12, 300e9, 2),
    "v5e": _tpu(15.75, 819e9, 197e12, 200e9),
    "v5p": _tpu(95.73, 2765e9, 459e12, 600e9, 2),
    "v6e": _tpu(31.24, 1640e9, 918e12, 448e9),
    "a100": _gpu(
        79.15, 2039e9, 312e12, 156e12, 19.5e12, 9.7e12, 300e9, core_count=108, fpus_per_core=64,
        shared_memory_per_core=167936, shared_memory_per_block_optin=166912,
        memory_bandwidth=2039000000000, l2_cache_size=41943040, clock_rate_ghz=1.41,
        device_memory_size=84987740160, major=8,
    ),
    "h100": _gpu(
        79.1, 3352e9, 989e12, 494e12, 67e12, 33e12, 450e9, core_count=132, fpus_per_core=128,
        shared_memory_per_core=233472, shared_memory_per_block_optin=232448,
        memory_bandwidth=3352320000000, l2_cache_size=52428800, clock_rate_ghz=1.98,
        device_memory_size=84942979072, major=9,
    ),
    "h200": _gpu(
        139.8, 4800e9, 989e12, 494e12, 67e12, 33e12, 450e9, core_count=132, fpus_per_core=128,
        shared_memory_per_core=233472, shared_memory_per_block_optin=232448,
        memory_bandwidth=4800000000000, l2_cache_size=52428800, clock_rate_ghz=1.98,
        device_memory_size=150110011392, major=9,
    ),
    "b200": _gpu(
        178.3, 8000e9, 2250e12, 1125e12, 37e12, 37e12, 900e9, core_count=148, fpus_per_core=128,
        shared_memory_per_core=233472, shared_memory_per_block_optin=232448,
        memory_bandwidth=8000000000000, l2_cache_size=132644864, clock_rate_ghz=1.965,
        device_memory_size=191437864960, major=10,
    ),
}  # fmt: skip

FLAT = {1: "1x1", 4: "2x2", 8: "2x4", 16: "4x4", 32: "4x8", 64: "8x8", 128: "8x16", 256: "16x16"}
CUBE = {
    4: "2x2x1", 8: "2x2x2", 16: "2x2x4", 32: "2x4x4", 64: "4x4x4", 128: "4x4x8", 256: "4x8x8",
}  # fmt: skip
HOST = 8  # GPUs of a host


@dataclass(frozen=True)
class Target:
    """Devices a program may be compiled for."""

    name: str
    kind: str
    chips: int
    shape: str  # of the slice; hosts x GPUs; empty for cpu

    @property
    def platform(self) -> str:
        return "cpu" if self.kind == "cpu" else CHIPS[self.kind].platform

    @property
    def hosts(self) -> int:
        return -(-self.chips // HOST) if self.platform == "cuda" else 1


def target(name: str) -> Target:
    """'v5e-8', 'v5e:2x4', 'h100-8', 'cpu-4' -> Target.  Errors: UserError."""
    match = re.fullmatch(r"([a-z0-9]+?)(?:-(\d+)|:(\d+(?:x\d+){1,2}))?", name.strip().lower())
    kind, count, shape = match.groups() if match else (name, None, None)
    kind = {"v5litepod": "v5e"}.get(kind, kind)
    if match and 0 in map(int, re.findall(r"\d+", count or shape or "")):
        raise UserError(f"{name!r} has no chips; say {kind}-8 or another number")
    if kind not in (*CHIPS, "cpu"):
        raise UserError(
            f"no hardware {name!r}; {nearest(kind, [*CHIPS, 'cpu'])} (as v5e-8, h100-8, cpu-4)"
        )
    if shape:
        return _shaped(name, kind, shape)
    if kind == "cpu":
        return Target(name, kind, int(count or 1), "")
    counted = int(count or CHIPS[kind].cores_named)
    of = _hosts if CHIPS[kind].platform == "cuda" else _slice
    return of(name, kind, counted)


def _shaped(name: str, kind: str, shape: str) -> Target:
    chips = math.prod(map(int, shape.split("x")))
    if kind == "cpu":
        raise UserError(f"{name!r}: say cpu-4 for 4 forced devices of this machine")
    if CHIPS[kind].platform == "cuda":
        raise UserError(f"{name!r}: say {kind}-{chips} for {chips} GPUs")
    return Target(name, kind, chips, shape)


def _hosts(name: str, kind: str, gpus: int) -> Target:
    if gpus > HOST and gpus % HOST:
        raise UserError(f"{name!r}: hosts have {HOST} GPUs; take a multiple of {HOST}")
    return Target(name, kind, gpus, f"{-(-gpus // HOST)}x{min(gpus, HOST)}")


def _slice(name: str, kind: str, counted: int) -> Target:
    cores = CHIPS[kind].cores_named
    table = CUBE if cores == 2 else FLAT
    chips = counted // cores
    if counted % cores or chips not in table:
        sizes = ", ".join(f"{kind}-{n * cores}" for n in table)
        raise UserError(f"no slice {name!r}; there are {sizes}")
    return Target(name, kind, chips, table[chips])


def prices(text: str, targets: list[Target]) -> dict[str, float]:
    """'1.2' or 'v5e=1.2,h100=3' -> dollars (or any money) a chip-hour.  Errors: UserError."""
    found: dict[str, float] = {}
    try:
        for part in filter(None, (text or "").split(",")):
            kind, equals, price = part.partition("=")
            for k in [kind] if equals else {t.kind for t in targets}:
                found[k] = float(price if equals else kind)
        if not all(math.isfinite(price) and price >= 0 for price in found.values()):
            raise ValueError
    except ValueError:
        raise UserError(f"--price is 1.2 or v5e=1.2,h100=3, not {text!r}") from None
    unknown = [k for k in found if k not in (*CHIPS, "cpu")]
    if unknown:
        raise UserError(f"--price names {unknown[0]!r}; {nearest(unknown[0], CHIPS)}")
    return found


DEVICES = {  # how JAX names a chip
    "TPU v4": "v4", "TPU v5 lite": "v5e", "TPU v5": "v5p", "TPU v6 lite": "v6e",
    "A100": "a100", "H100": "h100", "H200": "h200", "B200": "b200", "cpu": "cpu",
}  # fmt: skip


def named(device_kind: str) -> str | None:
    """'NVIDIA H100 80GB HBM3' -> 'h100'; None for a chip that is not in CHIPS."""
    exact = DEVICES.get(device_kind)
    return exact or next((v for k, v in DEVICES.items() if k in device_kind and k[0] != "T"), None)
