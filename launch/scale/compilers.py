"""The compilers of accelerators that are not here: installed apart, once, used by `./lab plan`.

They live in .cache/compilers, not in .venv: JAX must not find a TPU runtime where it computes.
Versions are the pinned ones of requirements-tpu.txt and requirements-cuda.txt.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from common import files
from launch.errors import UserError
from launch.paths import ROOT, cache, shown

PACKAGES = {"tpu": ("libtpu",), "cuda": ("jax-cuda12-plugin", "jax-cuda12-pjrt")}
MEGABYTES = {"tpu": 590, "cuda": 460}
ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_ID": "0",
    "TPU_LOG_DIR": "disabled",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def pins(platform: str) -> list[str]:
    """'name==version' of a platform's compiler."""
    text = files.text(ROOT / f"requirements-{platform}.txt")
    found = [re.search(rf"^{re.escape(name)}==(\S+)", text, re.M) for name in PACKAGES[platform]]
    return [m.group().split(" ")[0] for m in found if m]


def folder(platform: str) -> Path:
    """Where a platform's compiler is, or will be."""
    return cache() / "compilers" / "-".join(pins(platform)).replace("==", "-")


def installed() -> dict[str, bool]:
    """{platform: whether its compiler is here}."""
    return {platform: folder(platform).exists() for platform in PACKAGES}


def ensure(platform: str) -> None:
    """Make the compiler importable in this process.  Errors: UserError if it cannot be had."""
    if platform == "cpu":
        return
    home = folder(platform)
    if not home.exists():
        _install(platform, pins(platform), home)
    if str(home) not in sys.path:
        sys.path.insert(0, str(home))


def _install(platform: str, wanted: list[str], home: Path) -> None:
    print(
        f"installing the {platform} compiler into {shown(home)} (once, {MEGABYTES[platform]} MB)",
        file=sys.stderr,
        flush=True,
    )
    part = home.with_name(f".{home.name}.{os.getpid()}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--target", str(part), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(part, ignore_errors=True)
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"the {platform} compiler ({' '.join(wanted)}) did not install: {last[:200]}; "
            "it is needed once, with a network"
        )
    try:
        part.rename(home)
    except OSError:  # another command was quicker
        shutil.rmtree(part, ignore_errors=True)
