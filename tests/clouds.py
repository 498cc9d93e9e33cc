"""What the tests of clouds share: schemas, a job, executables that record how they are called."""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import yaml

from launch.scale.targets import Job
from tests import tree

HERE = Path(__file__).parent
SKY = json.loads((HERE / "schemas/skypilot.json").read_text())
JOBSET = jsonschema.Draft202012Validator(json.loads((HERE / "schemas/jobset.json").read_text()))
BUCKET, VOLUME = {"bucket": "gs://runs"}, {"image": "reg/reprise:1", "claim": "runs"}


def job(chips="v5e-8", cells=1, runs=Path("/results/runs/toy/smoke"), name="toy-smoke-abc123"):
    work = tuple(str(runs / f"20260101T00000{i}Z-abc123") for i in range(cells))
    arguments = tuple(("toy:smoke", f"steps={i}", "title=it is") for i in range(cells))
    return Job(name, Path(work[0]), arguments, chips, work)


def any_case(validator, words, value, schema):
    """SkyPilot's own keyword."""
    if value.lower() not in [w.lower() for w in words]:
        yield jsonschema.ValidationError(f"{value!r} is none of {words}")


Checker = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"case_insensitive_enum": any_case}
)


def check_task(task):
    """As SkyPilot: the task, its resources, its mounts."""
    Checker(SKY["task"]).validate(task)
    Checker(SKY["resources"]).validate(task["resources"])
    for mount in task["file_mounts"].values():
        Checker(SKY["storage"]).validate(mount)
    return task


def task(target, asked):
    return check_task(yaml.safe_load(target.render(asked)["job.yaml"]))


def jobsets(target, asked):
    found = list(yaml.safe_load_all(target.render(asked)["jobset.yaml"]))
    for document in found:
        JOBSET.validate(document)
    return found


def recorder(tmp_path, monkeypatch):
    """program(name, body): an executable of that name; calls() lists what was called."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))

    def make(name, body=""):
        tree.program(tmp_path / "bin" / name, f'echo "{name} $*" >> "$CALLS"\n{body}')
        return lambda: (tmp_path / "calls").read_text().splitlines()

    return make


PYTHON = """if [ "$2" = uv ] && [ -z "$UV" ]; then exit 1; fi
if [ "$2 $4" = "uv find" ]; then echo "$UV"; exit; fi
if [ "$1" = -c ]; then exit ${OLD:-0}; fi
echo "$JAX_PROCESS_ID of $JAX_NUM_PROCESSES at $JAX_COORDINATOR_ADDRESS: ${!#}" >> "$CALLS"
case "$*" in *"$BAD"*) exit ${STATUS:-0};; esac"""


def bash(script, **env):
    return subprocess.run(["bash", "-c", script], env=os.environ | env, check=False).returncode


def starts(calls):
    return [line for line in calls() if " of " in line]
