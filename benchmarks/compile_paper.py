"""Compile the paper presets for the hardware they name, without having it.

    python benchmarks/compile_paper.py [SLUG …] [--on h100:1x1x8,v5e:2x4]

Needs the compilers alone: pip install --no-deps libtpu==0.0.42.1 jax-cuda12-plugin==0.10.2
jax-cuda12-pjrt==0.10.2. Prints one JSON line a compilation: peak memory of a device against what
the device has, the sharded axes, seconds.
"""

import argparse
import importlib
import json
import os
import re
import sys
import time
from pathlib import Path

ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "JAX_OPTIMIZATION_LEVEL": "O0",  # ten times quicker, memory within 4 %
    "TPU_SKIP_MDS_QUERY": "1",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_ID": "0",
    "TPU_LOG_DIR": "disabled",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
os.environ.update(ENVIRONMENT)
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import numpy as np
from jax.experimental import topologies
from jax.sharding import AxisType, Mesh
from ml_collections import FrozenConfigDict

from launch import paths, settings

# NVIDIA H100 SXM, from its data sheet, in the form XLA reads
H100 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  shared_memory_per_core: 233472 threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: 3352320000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98
  device_memory_size: 84942979072 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 } registers_per_core_limit: 65536
  registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 8 minor: 9 patch: 4 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
GIB = {"v5e": 15.75, "v6e": 31.24, "v5p": 95.73, "v4": 30.75, "h100": 79.1 * 0.75}  # usable


def topology(name: str):
    """A description of the devices `kind:shape`."""
    kind, _, shape = name.partition(":")
    if kind == "h100":
        return topologies.get_topology_desc(
            platform="cuda", topology_name="", target_config=H100, topology=shape
        )
    return topologies.get_topology_desc(platform="tpu", topology_name=name)


def peak_gib(lowered) -> float:
    """Peak memory of a device, also where the compiler refuses for lack of it.

    Errors: what the compiler raises for another reason.
    """
    try:
        return lowered.compile().memory_analysis().peak_memory_in_bytes / 2**30
    except Exception as error:
        found = re.search(r"([0-9.]+)G exceeds|\(([0-9.]+)G\) exceeds|Used ([0-9.]+)G", str(error))
        if not found:
            raise
        return float(next(number for number in found.groups() if number))


def compiled(slug: str, where: str) -> dict:
    """Lower and compile the heaviest step of slug:paper for `where`."""
    cfg = FrozenConfigDict(settings.get(slug, "paper"))
    devices = np.array(topology(where).devices).reshape(-1, 1)
    mesh = Mesh(devices, ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    module = importlib.import_module(f"experiments.{slug}.run")
    start = time.monotonic()
    with jax.enable_x64(bool(cfg.x64)):
        step, arguments = module.abstract_step(cfg, mesh)
        step = step if hasattr(step, "trace") else jax.jit(step)
        platform = "cuda" if where.startswith("h100") else "tpu"
        try:
            peak = peak_gib(step.trace(*arguments).lower(lowering_platforms=(platform,)))
        except Exception as error:
            return {"experiment": slug, "on": where, "error": str(error)[:300]}
    specs = {str(a.sharding.spec) for a in jax.tree.leaves(arguments) if a.sharding}
    usable = GIB[where.partition(":")[0]]
    return {
        "experiment": slug,
        "on": where,
        "devices": devices.size,
        "peak_gib": round(peak, 3),
        "usable_gib": round(usable, 2),
        "fits": peak < usable,
        "shardings": sorted(specs),
        "seconds": round(time.monotonic() - start, 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("slugs", nargs="*")
    parser.add_argument("--on", default="h100:1x1x8,v5e:2x4")
    chosen = parser.parse_args()
    for slug in chosen.slugs or paths.slugs():
        for where in chosen.on.split(","):
            print(json.dumps(compiled(slug, where)), flush=True)
