"""Where a result came from: commit, uncommitted changes, versions, devices."""

import datetime
import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata

from launch.paths import ROOT
from launch.terminal import shell

PACKAGES = (
    "jax",
    "jaxlib",
    "numpy",
    "scipy",
    "flax",
    "optax",
    "orbax-checkpoint",
    "ml-collections",
)


def git(*args: str) -> str:
    """Output of a git command in the repository; empty where git or the repository is absent."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *args], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def source(slug: str) -> tuple[str, str]:
    """(commit, uncommitted changes as a diff, new files included) of what an experiment runs."""
    code = ["common", "launch", f"experiments/{slug}", "requirements.txt"]
    commit = git("rev-parse", "HEAD").strip()
    diff = git("diff", "HEAD", "--", *code) if commit else ""
    for name in git("ls-files", "--others", "--exclude-standard", "--", *code).splitlines():
        # `git diff --no-index` exits 1 when files differ, so its output is read past the check
        diff += _new_file(name)
    return commit, diff


def _new_file(name: str) -> str:
    command = ["git", "-C", str(ROOT), "diff", "--no-index", "--", os.devnull, name]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return f"new file {name}, not readable\n"


def versions() -> dict[str, str]:
    """Versions of what computes."""
    found = {"python": platform.python_version()} | {n: version(n) for n in PACKAGES}
    return {name: v for name, v in found.items() if v}


@cache
def version(name: str) -> str:
    """The installed version of a package; empty when absent."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def now() -> str:
    """UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def machine() -> dict:
    """The machine, without its name."""
    return {"system": platform.system(), "cpu": platform.machine(), "cores": os.cpu_count()}


def devices() -> dict:
    """The devices JAX computes on."""
    import jax

    first = jax.devices()[0]
    return {
        "platform": first.platform,
        "kind": first.device_kind,
        "count": jax.device_count(),
        "processes": jax.process_count(),
    }


def command() -> str:
    """The command line, for a person to repeat; without the path of the machine."""
    if os.environ.get("REPRISE_COMMAND"):  # what the person typed started this process
        return os.environ["REPRISE_COMMAND"]
    name = "./lab" if os.environ.get("REPRISE_LAB") else "python -m launch"
    return f"{name} {shell(a.replace(str(ROOT) + os.sep, '') for a in sys.argv[1:])}".rstrip()
