"""`./lab test`: lint, format, types, then every test; `./lab test NAME`: one paper and no more."""

import os
import subprocess
import sys

from launch import paths
from launch.errors import UserError
from launch.make import check
from launch.paths import ROOT

CODE = ("common", "launch", "experiments", "tests", "benchmarks", "lab", "conftest.py")
LINT = (["ruff", "check", "--quiet", *CODE], ["ruff", "format", "--check", "--quiet", *CODE])
TYPES = ["mypy", "--no-error-summary"]


def run(arguments: list[str]) -> int:
    """Exit status of the first gate that fails; --kill runs the kill test, the rest is pytest's.

    The first argument may be an experiment; else arguments choose tests, and only types are left
    out. --all: with the dear tests of every paper, and those marked so.
    """
    more = {"REPRISE_ALL": "1"} if "--all" in arguments else {}
    arguments = [a for a in arguments if a != "--all"]
    slug = arguments[0].strip("/").removeprefix("experiments/") if arguments else ""
    if slug in paths.slugs():
        return paper(slug, arguments[1:], more)
    kill = "--kill" in arguments
    rest = [a for a in arguments if a != "--kill"]
    for gate in LINT if kill or rest else (*LINT, TYPES):
        print(" ".join(gate[:2]), flush=True)
        if _python(*gate):
            raise UserError(f"{gate[0]} found something (above); ./lab test stops here")
    chosen = ["-m", "kill"] if kill else ["-m", "not kill"]
    if not kill and not rest:
        more = more or {"REPRISE_SPARE": "1"}  # the tests marked dear, while launch/ is as it was
        chosen += ["-n", "2", "--dist", "loadgroup"]
    return _python("pytest", *chosen, *rest, **more)


def paper(slug: str, rest: list[str], more: dict[str, str]) -> int:
    """A paper's folder against the contract, the contract's tests of it, its own tests."""
    found = check.findings(slug, verdicts=False)
    print(check.text({slug: found}) if found else f"check {slug}: nothing found", flush=True)
    files = ["tests/test_contract.py", "tests/test_dear.py", f"experiments/{slug}"]
    return _python("pytest", *files, *rest, REPRISE_ONLY=slug, **more) or int(bool(found))


def _python(*command: str, **more: str) -> int:
    """Exit status of `python -m command` at the repository's root."""
    env = os.environ | {"PJRT_NPROC": "32"} | more
    env.setdefault("JAX_PLATFORMS", "cpu")
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=env).returncode
