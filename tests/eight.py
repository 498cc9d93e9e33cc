"""On 8 forced host devices: run an experiment's smoke preset, then lower its paper preset.

python tests/eight.py SLUG FOLDER     writes the run folder to FOLDER, prints the lowered size
"""

import os
import re
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ.setdefault("PJRT_NPROC", "32")

import importlib

import jax
from ml_collections import FrozenConfigDict

from common.sharding import make_mesh
from launch import run, settings


def lower(slug: str, preset: str) -> None:
    """The heaviest step lowers for CPU, CUDA and TPU on the mesh of 8, and something is split."""
    cfg = FrozenConfigDict(settings.get(slug, preset))
    module = importlib.import_module(f"experiments.{slug}.run")
    with jax.enable_x64(bool(cfg.x64)):
        step, arguments = module.abstract_step(cfg, make_mesh())
        step = step if hasattr(step, "trace") else jax.jit(step)
        traced = step.trace(*arguments)
        for platform in ("cpu", "cuda", "tpu"):
            text = traced.lower(lowering_platforms=(platform,)).as_text()
            split = re.search(r'sdy[^\n]*<@\w+, \[[^\]]*"', text)  # an argument, or on the way
            assert split, "every device would compute the same"


if __name__ == "__main__":
    slug, folder = sys.argv[1], Path(sys.argv[2])
    assert jax.device_count() == 8
    run.execute(slug, "smoke", settings.get(slug, "smoke"), workdir=folder)
    lower(slug, "paper")
    sys.stdout.write("lowered\n")
