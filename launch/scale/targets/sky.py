"""Clouds through SkyPilot: one task file, handed to the user's own `sky jobs launch`.

A managed job gets TPU VMs or GPU machines, makes ./lab's environment there and starts one process
on each host. The run folders are in the user's bucket: after a preemption, and after exit status
85 (saved), SkyPilot starts the job again and the run continues from its checkpoint. A cell of a
sweep is a job; with `at_once` fewer jobs compute the cells in turn.
"""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import ClassVar

from launch.errors import UserError, clip
from launch.paths import ROOT, shown
from launch.scale import hardware
from launch.scale.targets import ASKING, Job, call, shaped, tried, whole

MOST = 10_000  # jobs of a sweep
SLICES = {"v4": "v4", "v5e": "v5litepod", "v5p": "v5p", "v6e": "v6e"}
GPUS = {"a100": "A100-80GB", "h100": "H100", "h200": "H200", "b200": "B200"}
COPY = {  # by the bucket's scheme; scratch/ stays there
    "gs": ["gcloud", "storage", "rsync", "--recursive", "--exclude=^scratch/.*"],
    "s3": ["aws", "s3", "sync", "--exclude", "scratch/*"],
}


@dataclass(frozen=True)
class Sky:
    """Settings; `infra` as SkyPilot writes it (gcp/europe-west4), empty: the cheapest it finds."""

    ID: ClassVar = r"\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?){0,999}"

    kind: str = "tpu"  # or gpu-cloud
    infra: str = ""
    bucket: str = ""  # gs://NAME or s3://NAME, holds the run folders
    spot: bool = True
    at_once: int = 0  # jobs of a sweep that run side by side; 0: one for each cell
    setup: tuple[str, ...] = ()  # lines on every host before ./lab makes its environment

    def __post_init__(self) -> None:
        whole("at_once", self.at_once, 0)
        if self.kind not in ("tpu", "gpu-cloud"):
            raise UserError(f"kind is tpu or gpu-cloud, not {clip(self.kind)!r}")
        shaped("infra", self.infra, r"[\w./*-]+", "gcp/europe-west4")
        shaped("bucket", self.bucket, r"[a-z0-9]+://[\w./-]*", "gs://NAME")

    def render(self, job: Job) -> dict[str, str]:
        """job.yaml.  Errors: UserError without --chips or bucket."""
        accelerators, nodes = self._machines(job)
        if not re.match(rf"({'|'.join(COPY)})://[^/\s]", self.bucket):
            raise UserError(
                f"--on {self.kind} needs a bucket (gs:// or s3://) that holds the run folders: "
                "--set bucket=gs://NAME"
            )
        tpu = self.kind == "tpu"
        infra = self.infra or ("gcp" if tpu else "")
        cells = [job.arguments(i, f"/reprise/{Path(w).name}") for i, w in enumerate(job.workdirs)]
        lines = "\n".join(f"  {shlex.quote(cell)}" for cell in cells)
        run = SWEEP.format(cells=lines, jobs=self._jobs(job)) if len(cells) > 1 else ONE + cells[0]
        text = TASK.format(
            name=job.name,
            workdir=json.dumps(shown(ROOT)),
            nodes=nodes,
            accelerators=accelerators,
            infra=f"  infra: {json.dumps(infra)}\n" if infra else "",
            spot=json.dumps(self.spot),
            bucket=json.dumps(self.bucket.rstrip("/")),
            platform="tpu" if tpu else "cuda",
            setup=indent("\n".join([*self.setup, SETUP]), "  "),
            run=indent(PROCESSES + (NUMBER if tpu else "") + PYTHON + run, "  "),
        )
        return {"job.yaml": text}

    def _machines(self, job: Job) -> tuple[str, int]:
        """What SkyPilot calls the chips of a node (a slice is one node), and how many nodes."""
        platform, example = ("tpu", "v5e-8") if self.kind == "tpu" else ("cuda", "h100-8")
        if not job.chips:
            raise UserError(f"--on {self.kind} needs --chips, as --chips {example}")
        found = hardware.target(job.chips)
        if found.platform != platform:
            raise UserError(f"--on {self.kind} takes --chips such as {example}, not {job.chips}")
        if platform == "cuda":
            return f"{GPUS[found.kind]}:{found.chips // found.hosts}", found.hosts
        number = found.chips * hardware.CHIPS[found.kind].cores_named
        usual = hardware.target(f"{found.kind}-{number}")
        if usual.shape != found.shape:
            raise UserError(f"SkyPilot makes {usual.name} of {usual.shape}, not {found.shape}")
        return f"tpu-{SLICES[found.kind]}-{number}", 1

    def _jobs(self, job: Job) -> int:
        return min(self.at_once or len(job.cells), len(job.cells))

    def submit(self, job: Job) -> str:
        """The job's id, for a sweep 4-7 or 4-5,9.  Errors: UserError."""
        many = ["--num-jobs", str(self._jobs(job))] if len(job.cells) > 1 else []
        file = str(job.folder / "job/job.yaml")
        said = call(["sky", "jobs", "launch", "-y", "--detach-run", *many, file], "submitting")
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
        found = re.search(r"(?:Managed Job ID|submitted with IDs): *(\d[\d,-]*)", said)
        if not found:
            raise UserError("submitting: sky did not say the job's id; sky jobs queue shows it")
        return found[1]

    def status(self, job_id: str) -> str:
        """Errors: UserError where SkyPilot does not answer."""
        ask = ["sky", "jobs", "queue", "--all", "--skip-finished", "--output", "json"]
        try:
            rows = _rows(call(ask, "asking SkyPilot", ASKING))
        except UserError as error:
            if "No in-progress managed jobs" in str(error):  # its controller has stopped too
                return "gone"
            raise
        ids = _ids(job_id)
        states = {str(r.get("status")) for r in rows if str(r.get("job_id")) in ids}
        if states & {"RUNNING", "WINDING_DOWN", "CANCELLING"}:
            return "running"
        ended = ("SUCCEEDED", "FAILED", "CANCELLED")
        return "gone" if all(s.startswith(ended) for s in states) else "waiting"

    def logs(self, job: Job, job_id: str) -> list[str]:
        commands = [f"sky jobs logs --no-follow {i}" for i in _ids(job_id)]
        return commands[0].split() if len(commands) == 1 else ["sh", "-c", "; ".join(commands)]

    def cancel(self, job_id: str) -> None:
        call(["sky", "jobs", "cancel", "-y", *_ids(job_id)], "cancelling")

    def fetch(self, job: Job) -> None:
        """Copy the run folders here.  Errors: UserError, after all were tried."""

        def copy(workdir: str) -> None:
            source = f"{self.bucket.rstrip('/')}/{Path(workdir).name}"
            call([*COPY[source.partition("://")[0]], source, workdir], f"fetching {source}")

        tried(copy, job.workdirs)


def _ids(text: str) -> list[str]:
    """'4-6,9' -> 4, 5, 6, 9.  Errors: UserError for more of them than are ever submitted."""
    pairs = [(a, b or a) for a, _, b in (part.partition("-") for part in text.split(","))]
    ranges = [range(int(a), int(b) + 1) for a, b in pairs]
    if sum(map(len, ranges)) > MOST:
        raise UserError(f"{clip(text)} is no id of a job: it names more than {MOST:,} jobs")
    return [str(i) for some in ranges for i in some]


def _rows(text: str) -> list[dict]:
    """The list that `--output json` printed, whatever stands around it."""
    start = re.search(r"^\[", text, re.M)
    try:
        rows = json.JSONDecoder().raw_decode(text, start.start())[0] if start else None
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise UserError("asking SkyPilot: what sky printed is no list of jobs")
    return rows


TASK = """name: {name}
workdir: {workdir}
num_nodes: {nodes}
resources:
  accelerators: {accelerators}
{infra}  use_spot: {spot}
  job_recovery:
    max_restarts_on_errors: 3
    recover_on_exit_codes: [85]  # saved: start again, however often
file_mounts:
  /reprise: {{source: {bucket}, mode: MOUNT}}
envs:
  REPRISE_ACCELERATOR: {platform}
setup: |
{setup}
run: |
{run}
"""
PYTHON = """python=$(python3 -m uv python find 3.12 2> /dev/null || command -v python3)
"""
SETUP = f"""# ./lab needs Python 3.11 or newer; images of clouds often have 3.10
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  python3 -m pip install --quiet uv && python3 -m uv python install --quiet 3.12
fi
{PYTHON}"$python" lab --help > /dev/null  # installs packages; a run waits 2 minutes for a host"""
PROCESSES = """export JAX_NUM_PROCESSES=$(wc -l <<< "$SKYPILOT_NODE_IPS")
export JAX_COORDINATOR_ADDRESS="$(head -n 1 <<< "$SKYPILOT_NODE_IPS"):8476"
export JAX_PROCESS_ID=$SKYPILOT_NODE_RANK
"""
NUMBER = """if [ "$JAX_NUM_PROCESSES" -gt 1 ]; then  # a slice numbers its hosts in its own way
  JAX_PROCESS_ID=$(curl -fsS -H 'Metadata-Flavor: Google' \\
    http://metadata.google.internal/computeMetadata/v1/instance/attributes/agent-worker-number) \\
    || exit 1
fi
"""
ONE = 'exec "$python" lab run '
SWEEP = """cells=(
{cells}
)
status=0
for ((i = ${{SKYPILOT_JOB_RANK:-0}}; i < ${{#cells[@]}}; i += {jobs})); do
  eval "\\"$python\\" lab run ${{cells[i]}}" || status=$?
  if [ $status -eq 85 ]; then exit 85; fi
done
exit $status"""
