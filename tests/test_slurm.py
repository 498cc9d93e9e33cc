"""A real scheduler: what --dry-run prints runs, is preempted, goes back and ends with the same."""

import os
import signal
import time

import numpy as np
import pytest

from launch.record import store
from tests import slurm_cluster
from tests.tree import ROOT, read, workers

pytestmark = [
    pytest.mark.xdist_group("slurm"),
    pytest.mark.dear,
    pytest.mark.skipif(bool(slurm_cluster.absent()), reason=slurm_cluster.absent() or "present"),
]

# a run of about 20 s that saves at every chunk
RUN = ("toy:smoke", "pause=0.4", "steps=500")
NODES = ("--set", "nodes=2", "--set", "cpus_per_task=2", "--set", "time=0:10:00")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm_cluster.Cluster(tmp_path_factory.mktemp("slurm")) as made:
        yield made


def environment(cluster, tree) -> dict[str, str]:
    """The tree's ./lab with the packages that are here."""
    return cluster.env | {"REPRISE_VENV": str(ROOT / ".venv"), "JAX_PLATFORMS": "cpu"}


def status(tree, env):
    return read(tree.lab("status", "--json", **env))[0]


def queued(cluster) -> dict[str, str]:
    """{job: state}, once the scheduler answers."""
    said = ""

    def answered():
        nonlocal said
        said = cluster.call("squeue", "-h", "-o", "%A %T")
        return "error" not in said

    cluster.waited(answered)
    return dict(line.split() for line in said.splitlines())


def test_preempted_job_of_two_tasks_goes_back_and_ends_with_the_same_arrays(cluster, tree):
    env = environment(cluster, tree)
    # the first task ends last, not killed by the other
    watcher = tree.root / "launch/compute/processes.py"
    slow = "    time.sleep(3 * (ids[0] == 0))\n    if fault is None:\n"
    text = watcher.read_text().replace("    if fault is None:\n", slow)
    assert slow in text
    watcher.write_text(text)
    dry = read(tree.lab("submit", *RUN, "--on", "slurm", *NODES, "--dry-run", "--json", **env))
    assert not tree.runs("toy"), "a dry run leaves nothing"
    sent = read(tree.lab("submit", *RUN, "--on", "slurm", *NODES, "--json", **env))
    folder = tree.runs("toy")[0]
    script = (folder / "job/job.sbatch").read_text()
    dried = dry["files"]["job.sbatch"].replace(dry["folder"], sent["folder"])
    name = next(x for x in script.splitlines() if "--job-name" in x)
    dried_name = next(x for x in dried.splitlines() if "--job-name" in x)
    assert dried.replace(dried_name, name) == script, "what was shown is what runs"
    again = tree.lab("submit", *RUN, "--on", "slurm", *NODES, **env)
    assert again.status == 2
    assert f"is job {sent['id']} already" in again.err

    def progressed(least):
        log = folder / "scratch/log.jsonl"
        return log.exists() and len(log.read_text().splitlines()) >= least

    cluster.waited(lambda: progressed(5))
    urgent = cluster.call(
        "sbatch", "--parsable", "--partition=urgent", "--nodes=2", "--exclusive",
        "--output=/dev/null", "--wrap", "srun sleep 1",
    ).strip()  # fmt: skip
    cluster.waited(lambda: store.peek(folder / "run.json").get("status") == "stopped")
    cluster.waited(lambda: urgent not in queued(cluster))
    cluster.waited(lambda: status(tree, env)["state"] in ("waiting", "running", "done"))
    release(cluster, sent["id"])
    cluster.waited(lambda: status(tree, env)["state"] == "done", 180)
    row = status(tree, env)
    assert row["attempts"] == 2
    info = store.read_json(folder / "run.json")
    assert info["devices"]["processes"] == 2
    whole = tree.root / "whole"
    assert tree.lab("run", RUN[0], RUN[2], "--workdir", str(whole)).status == 0
    one, two = store.arrays(folder), store.arrays(whole)
    np.testing.assert_array_equal(one["error"], two["error"])
    assert tree.lab("report", str(folder)).status == 0
    assert tree.lab("logs", sent["id"], **env).status == 0
    resubmitted = read(tree.lab("submit", *RUN, "--on", "slurm", *NODES, "--json", **env))
    assert resubmitted["finished"] == [str(folder)]


def release(cluster, job):
    """SLURM holds a requeued job for two minutes: start it now."""

    def started():
        cluster.call("scontrol", "update", f"JobId={job}", "StartTime=now")
        return queued(cluster).get(job) != "PENDING"

    cluster.waited(started)


def test_sweep_is_an_array_that_leaves_out_finished_cells(cluster, tree):
    env = environment(cluster, tree)
    assert tree.lab("run", "toy:smoke", "lr=0.2").status == 0
    arguments = ("sweep", "toy:smoke", "lr=0.1,0.2,0.3", "--on", "slurm")
    arguments += ("--set", "cpus_per_task=1", "--set", "at_once=2", "--json")
    sent = read(tree.lab(*arguments, **env))
    assert sent["cells"] == ["lr=0.1", "lr=0.3"]
    cluster.waited(lambda: status(tree, env)["state"] == "done", 180)
    local = read(tree.lab("sweep", "toy:smoke", "lr=0.1,0.2,0.3", "--json"))
    assert [c["cached"] for c in local["cells"]] == [True, True, True]
    done = read(tree.lab(*arguments, **env))
    assert len(done["finished"]) == 3


def test_a_killed_task_ends_the_job_and_is_named(cluster, tree):
    env = environment(cluster, tree)
    sent = read(tree.lab("submit", *RUN, "--on", "slurm", *NODES, "--json", **env))
    folder = tree.runs("toy")[0]
    cluster.waited(lambda: (folder / "scratch/log.jsonl").exists())
    start = time.monotonic()
    os.kill(workers(folder)[1], signal.SIGKILL)
    cluster.waited(lambda: status(tree, env)["state"] in ("lost", "failed"), 60)
    assert time.monotonic() - start < 60
    said = tree.lab("logs", sent["id"], **env).out
    assert "process 1 of 2 was killed by SIGKILL" in said
    assert said.count("error: process") <= 2, "each machine says it once"


def test_the_scheduler_s_refusal_is_one_line(cluster, tree):
    env = environment(cluster, tree)
    done = tree.lab("submit", *RUN, "--on", "slurm", "--set", "partition=nowhere", **env)
    assert done.status == 2
    assert not done.traceback
    assert "Invalid partition" in done.err


def test_a_cancelled_job_saves_and_stays_away(cluster, tree):
    """With run folders and settings that a shell would take apart."""
    env = environment(cluster, tree) | {"REPRISE_RESULTS": str(tree.root / "my $HOME results")}
    command = ("submit", *RUN, "widths=('1',2)", "--on", "slurm", *NODES)
    sent = read(tree.lab(*command, "--json", **env))
    (folder,) = (tree.root / "my $HOME results/runs/toy").glob("*/*")
    cluster.waited(lambda: (folder / "scratch/log.jsonl").exists())
    done = tree.lab("cancel", sent["id"], **env)
    assert done.status == 0, done.err
    cluster.waited(lambda: sent["id"] not in queued(cluster))
    assert store.read_json(folder / "run.json")["config"]["widths"] == [1, 2]
    row = status(tree, env)
    assert (row["state"], row["attempts"]) == ("cancelled", 1)
    assert store.read_json(folder / "run.json")["status"] == "stopped", "what it had is kept"
