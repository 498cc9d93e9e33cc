"""What decides numbers and is no setting of a paper: the one list of it.

FIXED has one right value, which every run gets. What else the environment asks of JAX and of the
compilers under it is part of a run's identity: a run that was begun under it is not continued, nor
taken for finished, without it.
"""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import files
from launch.errors import UserError, clip

FIXED: dict[str, Any] = {  # options of JAX, as jax.config names them
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_threefry_gpu_kernel_lowering": False,
    "jax_random_seed_offset": 0,
    "jax_high_dynamic_range_gumbel": False,
    "jax_enable_custom_prng": False,
    "jax_legacy_prng_key": "allow",
    "jax_enable_x64": False,  # a paper's x64 is entered as a context
    "jax_explicit_x64_dtypes": "warn",
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_default_matmul_precision": None,
    "jax_allow_f16_reductions": True,
    "jax_softmax_custom_jvp": False,
    "jax_use_direct_linearize": True,
    "jax_disable_jit": False,
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
}
COMPILERS = ("LIBTPU_INIT_ARGS", "NVIDIA_TF32_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG")
# Where, on how many devices and how loudly it computes, and what it keeps of that.
SAME_NUMBERS = re.compile(
    r"JAX_(PLATFORMS?|PLATFORM_NAME|NUM_PROCESSES|PROCESS_ID|COORDINATOR\w*|LOCAL_DEVICE_IDS"
    r"|NUM_CPU_DEVICES|\w+_VISIBLE_DEVICES|CPU_COLLECTIVES\w*|CPU_GET_\w+|ENABLE_PREEMPTION\w*"
    r"|\w*CACHE\w*|\w*TRACEBACKS?\w*|\w*LOG(S|GING)?(_\w+)?|DEBUG\w*|DUMP\w*|ENABLE_CHECKS"
    r"|CHECK_TRACER_LEAKS|TRANSFER_GUARD\w*|DISTRIBUTED\w*|CROSS_HOST\w*|PPRINT\w*)"
)
SAME_FLAGS = re.compile(
    r"xla_(force_host_platform_device_count|dump_\w+|hlo_profile|gpu_cuda_data_dir|\w+_timeout\w*)"
)


def environment(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """{name: value} of what may change numbers here and is not fixed; {} as a rule."""
    fixed = {name.upper() for name in FIXED}
    found = {
        name: value
        for name, value in variables.items()
        if (name.startswith("JAX_") or name in COMPILERS)
        and value
        and name not in fixed
        and not SAME_NUMBERS.fullmatch(name)
    }
    return dict(sorted((found | _flags(variables.get("XLA_FLAGS", ""))).items()))


def _flags(text: str) -> dict[str, str]:
    """{--xla_…: value} of XLA_FLAGS, or of the file that it names."""
    text = text.strip()
    if text and not text.startswith("-"):
        try:
            text = files.text(Path(text))
        except files.FileError as error:
            why = "neither --flags nor a file that can be read"
            said = f"XLA_FLAGS={clip(text)} is {why} ({clip(error, 100)})"
            raise UserError(said) from None
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    pairs = (word.lstrip("-").partition("=") for word in words)
    return {f"--{k}": v if e else "true" for k, e, v in pairs if not SAME_FLAGS.fullmatch(k)}


def without_fixed(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment for processes of ours that may not know what is fixed."""
    return {k: v for k, v in variables.items() if k.lower() not in FIXED}


def said(found: Mapping[str, str]) -> str:
    """What `environment` found, as one types it."""
    return " ".join(f"{k}={v}" for k, v in found.items())
