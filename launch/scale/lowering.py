"""The programs of an experiment, lowered and compiled for devices that need not be here."""

import contextlib
import importlib
import math
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from common.programs import Program
from launch.errors import UserError
from launch.scale.hardware import CHIPS, Target
from launch.scale.hlo import text

# JAX's effort level O0: ten times quicker than in full; of the full program's memory it has
# 80-104 %, of its FLOP all
QUICK = {"optimization_level": 9}
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


class TooLarge(Exception):
    """A compiler found too little memory: it wants `peak` GiB."""

    def __init__(self, peak: float) -> None:
        self.peak = peak


def programs(slug: str, cfg, mesh) -> list[Program]:
    """What a whole run of cfg calls, by shapes; call with x64 as the config has it.

    Errors: UserError where the settings do not suit the mesh.
    """
    from ml_collections import FrozenConfigDict

    module = importlib.import_module(f"experiments.{slug}.run")
    try:
        return [p for p in module.programs(FrozenConfigDict(cfg), mesh) if p.calls]
    except ValueError as error:
        raise UserError(f"{slug} does not split so over {mesh.size} devices: {error}") from None
    except Exception as error:
        raise UserError(f"{slug} has no shape at these settings: {_line(error)}") from None


def lower(slug: str, cfg, mesh, platform: str) -> list[tuple[Program, Any]]:
    """(program, lowered) of everything that a run calls.  Errors: UserError."""
    import jax

    with jax.enable_x64(bool(cfg.x64)):
        return [(p, _lowered(slug, p, platform, bool(cfg.x64))) for p in programs(slug, cfg, mesh)]


def _lowered(slug: str, program: Program, platform: str, x64: bool) -> Any:
    """In float64 where its arguments are: a part of a run may enter it by itself."""
    import jax

    wide = x64 or any(_wide(a) for a in jax.tree.leaves(program.args))
    try:
        with jax.enable_x64(wide):
            return program.fn.trace(*program.args).lower(lowering_platforms=(platform,))
    except Exception as error:  # of JAX or of its compiler's own kind
        raise UserError(
            f"{program.name} of {slug} has no shape at these settings: {_line(error)}"
        ) from None


def _wide(x: Any) -> bool:
    return str(x.dtype) in ("float64", "int64", "uint64")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def build(lowered: Any, t: Target, *, full: bool) -> Any:
    """A program for a device of a target; on CPU always as a run compiles it, elsewhere if `full`.

    Errors: TooLarge; UserError where the compiler refuses otherwise.
    """
    options = None if full or t.platform == "cpu" else QUICK
    try:
        with quiet():
            return lowered.compile(compiler_options=options)
    except Exception as error:
        said = str(error)
        found = re.search(r"([0-9.]+)G exceeds|\(([0-9.]+)G\) exceeds|Used ([0-9.]+)G", said)
        if found:
            raise TooLarge(float(next(n for n in found.groups() if n))) from None
        line = said.splitlines()[0][:200]
        raise UserError(f"{t.name}: the compiler refused: {line}") from None


def arguments(args: Any) -> dict:
    """Sizes of a program's arguments, how they are split, and what every device holds whole."""
    import jax

    leaves = [a for a in jax.tree.leaves(args) if hasattr(a, "dtype")]
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


def largest(lowered: Any) -> list[dict]:
    """The largest arrays of a program that could not be compiled."""
    return text.largest_of_tensors(lowered.as_text())


def devices(t: Target) -> list:
    """Descriptions of the devices of a target.  Errors: UserError if there is no such slice."""
    import jax
    from jax.experimental import topologies

    if t.platform == "cpu":
        return jax.devices("cpu")[: t.chips]
    if t.platform == "cuda":
        with quiet():
            return _gpus(t)
    more: dict[str, Any] = {"chip_config_name": "megacore"} if t.kind == "v4" else {}
    more |= {"chips_per_host_bounds": (1, 1, 1)} if t.chips == 1 else {}
    name = f"{t.kind}:{t.shape}"
    try:
        return topologies.get_topology_desc(platform="tpu", topology_name=name, **more).devices
    except Exception as error:
        raise UserError(f"{t.name}: there is no such slice ({error})") from None


def _gpus(t: Target) -> list:
    from jax.experimental import topologies

    gpu = CHIPS[t.kind].gpu.replace("major: ", "cuda_compute_capability { major: ") + " }"
    return topologies.get_topology_desc(
        platform="cuda", topology_name="", target_config=GPU % gpu, topology=f"1x{t.shape}"
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
