"""`./lab test`: lint, format, types, then every test."""

import os
import subprocess
import sys

from launch.errors import UserError
from launch.paths import ROOT

CODE = ("common", "launch", "experiments", "tests", "benchmarks", "lab")


def run(arguments: list[str]) -> int:
    """Exit status of the first gate that fails; --kill runs the kill test, the rest is pytest's."""
    python = [sys.executable, "-m"]
    kill = "--kill" in arguments
    rest = [a for a in arguments if a != "--kill"]
    env = os.environ | {"PJRT_NPROC": "32", "JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", "cpu")}
    gates = [] if kill or rest else [
        ["ruff", "check", "--quiet", *CODE],
        ["ruff", "format", "--check", "--quiet", *CODE],
        ["mypy", "--no-error-summary"],
    ]  # fmt: skip
    for gate in gates:
        print(" ".join(gate[:2]), flush=True)
        if subprocess.run([*python, *gate], cwd=ROOT, env=env).returncode:
            raise UserError(f"{gate[0]} found something (above); ./lab test stops here")
    chosen = ["-m", "kill"] if kill else ["-m", "not kill", "-n", "2", "--dist", "loadgroup"]
    if rest:
        chosen = ["-m", "kill"] if kill else ["-m", "not kill"]
    return subprocess.run([*python, "pytest", *chosen, *rest], cwd=ROOT, env=env).returncode
