"""Where a result came from: commit, uncommitted changes, versions, devices."""

import datetime
import os
import platform
import sys
from functools import cache
from importlib import metadata

from launch.paths import ROOT
from launch.record import git
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


def source(slug: str) -> tuple[str, str, str]:
    """(commit, uncommitted changes as a patch, their hash or '') of what an experiment runs.

    'unknown: ' and why, in place of commit and hash, where git gives no answer about this folder.
    """
    from common.claims import digest  # loads NumPy, which a quick verb does without

    code = ["common", "launch", f"experiments/{slug}", "requirements.txt"]
    commit = git.commit()
    if commit.startswith(git.UNKNOWN):
        return commit, "", commit
    diff = git.changes(code)
    if diff.startswith(git.UNKNOWN):
        return commit, diff, diff.strip()
    return commit, diff, digest(diff) if diff else ""


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
