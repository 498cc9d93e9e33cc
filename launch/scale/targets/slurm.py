"""A SLURM cluster: one batch script, handed to the user's own sbatch.

One task a node, all its GPUs in that task. 120 s before the time limit, and when the scheduler
preempts, every task gets SIGTERM: the run saves and exits with 85, the script puts itself back
into the queue, and the next start continues from the checkpoint. Sweeps are job arrays.
"""

import re
import shlex
from dataclasses import dataclass
from typing import ClassVar

from launch.errors import UserError
from launch.paths import ROOT, shown
from launch.scale.targets import ASKING, Job, call, shaped, whole

NAME = r"[\w.,:@+-]+"
TIME = r"(\d{1,5}-)?\d{1,5}(:\d{1,2}){0,2}|UNLIMITED|INFINITE"


@dataclass(frozen=True)
class Slurm:
    """Settings: those of sbatch under the same names; `options` are further lines of it."""

    ID: ClassVar = r"\d{1,18}"

    partition: str = ""
    account: str = ""
    nodes: int = 1
    gpus_per_node: int = 0
    cpus_per_task: int = 4
    mem: str = ""
    time: str = "04:00:00"
    grace: int = 120  # seconds between SIGTERM and the end
    at_once: int = 0  # cells of a sweep that run side by side; 0: no limit
    setup: tuple[str, ...] = ()  # lines before the run: module load …
    options: tuple[str, ...] = ()  # as "--constraint=a100"

    def __post_init__(self) -> None:
        for name, least in (("nodes", 1), ("gpus_per_node", 0), ("cpus_per_task", 1), ("grace", 1),
                            ("at_once", 0)):  # fmt: skip
            whole(name, getattr(self, name), least)
        for name in ("partition", "account"):
            shaped(name, getattr(self, name), NAME, "gpu or gpu,long")
        shaped("mem", self.mem, r"\d{1,9}[KMGT]?B?", "64G")
        shaped("time", self.time, TIME, "04:00:00 or 1-12")
        for line in self.options:
            shaped("options", line, r"--?[A-Za-z].*", "--constraint=a100")

    @property
    def accelerated(self) -> bool:
        """Whether the job asks for GPUs."""
        return bool(self.gpus_per_node) or any(re.search("gpu|gres", o) for o in self.options)

    def render(self, job: Job) -> dict[str, str]:
        """job.sbatch, and for a sweep cells.txt, a line a cell.  Errors: UserError."""
        if job.chips:
            raise UserError("--chips is for clouds; on SLURM --set nodes=2 --set gpus_per_node=8")
        sweep = len(job.cells) > 1
        number = "%A_%a" if sweep else "%j"
        array = f"--array=0-{len(job.cells) - 1}" + (f"%{self.at_once}" if self.at_once else "")
        options = [
            f"--job-name={job.name}",
            f"--partition={self.partition}" if self.partition else "",
            f"--account={self.account}" if self.account else "",
            array if sweep else "",
            f"--nodes={self.nodes}",
            "--ntasks-per-node=1",
            f"--cpus-per-task={self.cpus_per_task}",
            f"--gpus-per-node={self.gpus_per_node}" if self.gpus_per_node else "",
            f"--mem={self.mem}" if self.mem else "",
            f"--time={self.time}",
            f"--signal=TERM@{self.grace}",
            "--requeue",
            "--open-mode=append",
            f"--chdir={_word(shown(ROOT))}",
            f"--output={_word(shown(job.folder) + '/job/slurm-' + number + '.txt')}",
            *self.options,
        ]
        head = "\n".join(f"#SBATCH {o}" for o in options if o)
        more = ["export REPRISE_ACCELERATOR=cuda"] if self.accelerated else []
        if sweep:
            run = (
                f"mapfile -t cells < {shlex.quote(shown(job.folder) + '/job/cells.txt')}\n"
                'arguments="${cells[$SLURM_ARRAY_TASK_ID]}"'
            )
        else:
            run = f"read -r arguments <<'END'\n{job.arguments(0)}\nEND"
        setup = "\n".join([*self.setup, *more])
        script = SCRIPT.format(head=head, setup=setup, run=run, again=job.again)
        script = script.replace("\n\n\n", "\n\n")
        files = {"job.sbatch": script}
        if sweep:
            lines = (job.arguments(i) for i in range(len(job.cells)))
            files["cells.txt"] = "\n".join(lines) + "\n"
        return files

    def check(self, job: Job) -> None:
        """Ask the scheduler whether it would take the script.  Errors: UserError."""
        call(["sbatch", "--test-only", str(job.folder / "job/job.sbatch")], "checking the script")

    def submit(self, job: Job) -> str:
        """The job's id.  Errors: UserError."""
        script = str(job.folder / "job/job.sbatch")
        said = call(["sbatch", "--parsable", script], "submitting")
        found = re.search(r"^(\d+)(;\S+)?$", said.strip(), re.M)
        if not found:
            raise UserError("submitting: sbatch did not say the job's id; squeue --me shows it")
        return found[1]

    def status(self, job_id: str) -> str:
        """Errors: UserError where the scheduler does not answer."""
        ask = ["squeue", "--noheader", "--format=%A %F %T"]
        every = call(ask, "asking the scheduler", ASKING)
        rows = [line.split() for line in every.splitlines()]
        states = {r[2] for r in rows if len(r) == 3 and job_id in r[:2]}
        if states & {"RUNNING", "COMPLETING", "STOPPED", "SUSPENDED"}:
            return "running"
        return "waiting" if states else "gone"

    def logs(self, job: Job, job_id: str) -> list[str]:
        files = sorted(str(p) for p in (job.folder / "job").glob("slurm-*.txt"))
        return ["tail", "-n", "40", *files] if files else []

    def cancel(self, job_id: str) -> None:
        call(["scancel", job_id], "cancelling")


def _word(path: str) -> str:
    """A path as a line of options may hold it.  Errors: UserError."""
    if set(path) & set('"\\\n'):
        raise UserError(f"SLURM takes no quotes, backslashes, line breaks in a path: {path!r}")
    return f'"{path}"' if re.search(r"[\s'#]", path) else path


SCRIPT = """#!/bin/bash
{head}

{setup}

# process 0 is on the first node; a port of the job's own
export JAX_COORDINATOR_ADDRESS="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1):$((61440 + SLURM_JOB_ID % 4096))"
export JAX_NUM_PROCESSES="$SLURM_NTASKS"
read -r REPRISE_COMMAND <<'END'  # what to type when this was lost
{again}
END
export REPRISE_COMMAND
export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"  # srun no longer inherits it
{run}
# the tasks end together by themselves; a kill at the first exit would hit one that has just saved
srun --kill-on-bad-exit=0 --wait=300 bash -c 'export JAX_PROCESS_ID=$SLURM_PROCID; exec ./lab run '"$arguments"
status=$?
if [ $status -eq 85 ]; then  # saved: back into the queue; a busy scheduler is asked again
  for pause in 1 5 15 30; do
    scontrol requeue "$SLURM_JOB_ID" && exit 0
    sleep $pause
  done
fi
exit $status
"""  # noqa: E501
