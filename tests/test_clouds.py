"""What SkyPilot is given: checked against its own schema, and its scripts run here; what holds for
every cloud."""

import copy
import dataclasses
import os
from pathlib import Path

import jsonschema
import pytest

from launch.errors import UserError
from launch.paths import ROOT
from launch.record import store
from launch.scale import jobs, targets
from launch.scale.targets.jobset import JobSet
from launch.scale.targets.sky import Sky
from tests.clouds import BUCKET, HERE, PYTHON, VOLUME, bash, check_task, job, recorder, starts, task


@pytest.fixture
def program(tmp_path, monkeypatch):
    return recorder(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("kind", "chips", "accelerators", "nodes"),
    [
        ("tpu", "v4-16", "tpu-v4-16", 1),
        ("tpu", "v5e-8", "tpu-v5litepod-8", 1),
        ("tpu", "v5e:4x8", "tpu-v5litepod-32", 1),
        ("tpu", "v5p-128", "tpu-v5p-128", 1),
        ("tpu", "v6e-8", "tpu-v6e-8", 1),
        ("gpu-cloud", "h100-8", "H100:8", 1),
        ("gpu-cloud", "h100-16", "H100:8", 2),
        ("gpu-cloud", "a100-4", "A100-80GB:4", 1),
    ],
)
def test_chips_are_named_as_skypilot_names_them(kind, chips, accelerators, nodes):
    found = task(Sky(kind, **BUCKET), job(chips))
    assert (found["resources"]["accelerators"], found["num_nodes"]) == (accelerators, nodes)
    assert found["envs"]["REPRISE_ACCELERATOR"] == ("tpu" if kind == "tpu" else "cuda")


def test_task_is_as_it_was_read():
    text = Sky(bucket="gs://runs").render(job())["job.yaml"].replace(str(ROOT), "CHECKOUT")
    assert text == (HERE / "golden/sky_tpu.yaml").read_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.update(nun_nodes=2),
        lambda t: t.update(num_nodes="two"),
        lambda t: t["envs"].update({"JAX-X": "1"}),
        lambda t: t["resources"].update(use_spot="maybe"),
        lambda t: t["resources"].update(acelerators="H100"),
        lambda t: t["resources"]["job_recovery"].update(recover_on_exit_codes=["85"]),
        lambda t: t["file_mounts"]["/reprise"].update(mode="mounted"),
    ],
)
def test_skypilots_schema_refuses_a_wrong_field(change):
    broken = copy.deepcopy(task(Sky(**BUCKET), job()))
    change(broken)
    with pytest.raises(jsonschema.ValidationError):
        check_task(broken)


@pytest.mark.parametrize(
    ("target", "chips", "said"),
    [
        (Sky(**BUCKET), "", "--chips v5e-8"),
        (Sky("gpu-cloud", **BUCKET), "", "--chips h100-8"),
        (Sky(**BUCKET), "h100-8", "not h100-8"),
        (Sky("gpu-cloud", **BUCKET), "cpu-4", "not cpu-4"),
        (Sky(**BUCKET), "v5e:1x8", "2x4"),
        (Sky(), "v5e-8", "--set bucket="),
        (Sky(bucket="az://x"), "v5e-8", "--set bucket="),
        (JobSet(**VOLUME), "", "--chips"),
        (JobSet(**VOLUME), "cpu-4", "--chips"),
        (JobSet(claim="runs"), "v5e-8", "--set image="),
        (JobSet(image="x"), "v5e-8", "--set claim="),
        (JobSet(**VOLUME, nodes=("spot",)), "v5e-8", "key=value"),
        (JobSet(**VOLUME, chips_per_host=3), "v5e-16", "hosts of 3"),
    ],
)
def test_what_is_missing_is_said_in_a_line(target, chips, said):
    with pytest.raises(UserError, match=said) as error:
        target.render(job(chips))
    assert "\n" not in str(error.value)


def nodes(count, rank):
    ips = "\n".join(f"10.0.0.{i}" for i in range(1, count + 1))
    return {"SKYPILOT_NODE_IPS": ips, "SKYPILOT_NODE_RANK": str(rank)}


def test_processes_of_gpu_nodes_are_numbered_by_skypilot(program):
    calls = program("python3", PYTHON)
    run = task(Sky("gpu-cloud", **BUCKET), job("h100-16"))["run"]
    assert bash(run, **nodes(2, 1)) == 0
    where = "/reprise/20260101T000000Z-abc123"
    assert starts(calls) == [f"1 of 2 at 10.0.0.1:8476: {where}"]
    assert f"lab run toy:smoke steps=0 title=it is --workdir {where}" in calls()[-2]
    assert bash(run, STATUS="85", **nodes(2, 0)) == 85


def test_processes_of_a_slice_are_numbered_by_the_slice(program):
    program("curl", '[ -z "$NO_METADATA" ] && echo 3')
    calls = program("python3", PYTHON)
    run = task(Sky(**BUCKET), job("v5p-32"))["run"]
    assert bash(run, **nodes(4, 1)) == 0
    assert bash(run, **nodes(1, 0)) == 0
    assert [line.split(":")[0] for line in starts(calls)] == [
        "3 of 4 at 10.0.0.1",
        "0 of 1 at 10.0.0.1",
    ]
    assert bash(run, NO_METADATA="1", **nodes(4, 1)) == 1, "never two processes of one number"
    assert len(starts(calls)) == 2


def test_jobs_of_a_sweep_share_its_cells(program):
    calls = program("python3", PYTHON)

    def cells(at_once, rank, **env):
        before = len(starts(calls)) if calls else 0
        run = task(Sky(at_once=at_once, **BUCKET), job("v6e-8", 5))["run"]
        status = bash(run, SKYPILOT_JOB_RANK=str(rank), **nodes(1, 0), **env)
        return [int(line[-9]) for line in starts(calls)[before:]], status

    Path(os.environ["CALLS"]).touch()
    assert [cells(0, rank)[0] for rank in range(5)] == [[0], [1], [2], [3], [4]]
    assert [cells(2, rank)[0] for rank in range(2)] == [[0, 2, 4], [1, 3]]
    assert cells(2, 0, BAD="steps=2", STATUS="1") == ([0, 2, 4], 1), "the others are computed"
    assert cells(2, 0, BAD="steps=2", STATUS="85") == ([0, 2], 85), "saved: leave at once"


def test_setup_gets_a_python_that_is_new_enough(program):
    calls = program("python3", PYTHON)
    newer = program("newer")
    setup = task(Sky(setup=("echo mine >> $CALLS",), **BUCKET), job())["setup"]
    assert bash(setup) == 0
    assert calls()[0] == "mine"
    assert calls()[-2] == "python3 lab --help"
    assert not any("pip" in line for line in calls())
    assert bash(setup, OLD="1", UV="newer") == 0
    assert "python3 -m pip install --quiet uv" in calls()
    assert "python3 -m uv python install --quiet 3.12" in calls()
    assert newer()[-1] == "newer lab --help"


QUEUE = """case "$2" in
launch) echo -e "Submitted\\n\\nManaged Job ID: \\e[1m12\\e[0m"; echo noise >&2;;
queue) echo "$SAID"; echo "$ERROR" >&2; exit ${STATUS:-0};;
esac"""


def test_skypilot_is_called_as_its_help_says(program, tmp_path, monkeypatch):
    calls = program("sky", QUEUE)
    target, one = Sky(**BUCKET), job(runs=tmp_path)
    assert target.submit(one) == "12"
    assert calls() == [f"sky jobs launch -y --detach-run {one.folder}/job/job.yaml"]
    target.cancel("12")
    target.cancel("4-6,9")
    assert calls()[1:] == ["sky jobs cancel -y 12", "sky jobs cancel -y 4 5 6 9"]
    assert target.logs(one, "12") == ["sky", "jobs", "logs", "--no-follow", "12"]
    assert target.logs(one, "4-5")[-1].count("sky jobs logs") == 2

    def status(said, job_id="12"):
        monkeypatch.setenv("SAID", said)
        return target.status(job_id)

    row = '[{{"job_id": 12, "status": "{}"}}, {{"job_id": 13, "status": "RUNNING"}}]'
    for state, means in (
        ("PENDING", "waiting"), ("STARTING", "waiting"), ("RECOVERING", "waiting"),
        ("RUNNING", "running"), ("CANCELLING", "running"), ("SUCCEEDED", "gone"),
        ("FAILED_SETUP", "gone"), ("CANCELLED", "gone"),
    ):  # fmt: skip
        assert status(row.format(state)) == means, state
    assert status("Fetching [1/2]\n" + row.format("STARTING") + "\nnews") == "waiting"
    assert status(row.format("SUCCEEDED"), "11-13") == "running"
    assert status("[]") == "gone"
    assert calls()[-1] == "sky jobs queue --all --skip-finished --output json"
    monkeypatch.setenv("STATUS", "1")
    monkeypatch.setenv("ERROR", "ClusterNotUpError: No in-progress managed jobs.")
    assert status("") == "gone"
    monkeypatch.setenv("ERROR", "Traceback\nno credentials")
    with pytest.raises(UserError, match=r"^asking SkyPilot: sky said: no credentials$"):
        status("")


def test_skypilots_ids_of_a_sweep(program, tmp_path):
    calls = program("sky", 'echo "Jobs submitted with IDs: 4-5,9."')
    assert Sky(**BUCKET).submit(job(cells=3, runs=tmp_path)) == "4-5,9"
    assert " --num-jobs 3 " in calls()[-1]
    assert Sky(at_once=2, **BUCKET).submit(job(cells=3, runs=tmp_path))
    assert " --num-jobs 2 " in calls()[-1]
    program("sky", "echo fine")
    with pytest.raises(UserError, match="did not say the job's id"):
        Sky(**BUCKET).submit(job(runs=tmp_path))


def test_run_folders_come_from_the_bucket_without_scratch(program, tmp_path):
    two = job(cells=2, runs=tmp_path / "runs")
    calls = program("gcloud", 'case "$*" in *00Z-*) echo "no such folder" >&2; exit 1;; esac')
    with pytest.raises(UserError, match="Z-abc123: gcloud said: no such folder"):
        Sky(bucket="gs://b/deep/").fetch(two)
    name = Path(two.workdirs[1]).name
    exclude = "gcloud storage rsync --recursive --exclude=^scratch/.*"
    assert calls()[-1] == f"{exclude} gs://b/deep/{name} {two.workdirs[1]}", "the second, too"
    program("aws")
    Sky(bucket="s3://b").fetch(two)
    assert calls()[-1] == f"aws s3 sync --exclude scratch/* s3://b/{name} {two.workdirs[1]}"


@pytest.mark.parametrize("said", ["", "fine", "[1, 2]", "{}", '{"items": null}', '{"items": [3]}'])
@pytest.mark.parametrize(
    ("name", "target"), [("sky", Sky(**BUCKET)), ("kubectl", JobSet(**VOLUME))]
)
def test_an_engine_that_says_something_else_is_not_believed(
    program, monkeypatch, said, name, target
):
    """A job that is thought gone would be sent, and paid for, again."""
    program(name, 'echo "$SAID"')
    monkeypatch.setenv("SAID", said)
    with pytest.raises(UserError, match=r"no list of jobs$"):
        target.status("12")


def test_what_arrived_is_told_beside_what_did_not(program, tmp_path):
    """Of a sweep: a cell that has not begun has no folder yet."""
    program("gcloud", 'case "$*" in *00Z-*) echo "no such folder" >&2; exit 1;; esac')
    two = job(cells=2, runs=tmp_path / "toy/smoke")
    two = dataclasses.replace(two, folder=tmp_path / "toy/sweep-1")
    one = {"id": "1", "on": "tpu", "engine": "tpu", "target": {"bucket": "gs://b"}, "chips": ""}
    one |= dict.fromkeys(("experiment", "preset", "name", "command", "submitted"), "x")
    one |= {"folder": str(two.folder), "workdirs": list(two.workdirs), "arguments": [["toy"]] * 2}
    store.write_json(two.folder / "job/job.json", one)
    with pytest.raises(UserError, match="no such folder"):
        jobs.fetch(two.folder)
    second = Path(two.workdirs[1])
    second.mkdir(parents=True)
    (second / "arrays.npz").touch()
    value = jobs.fetch(two.folder)
    assert (value["arrived"], "no such folder" in value["error"]) == ([str(second)], True)


def test_settings_come_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    cloud = targets.named("gpu-cloud", ["bucket=s3://runs", "spot=false", "at_once=2"])
    assert cloud == Sky("gpu-cloud", bucket="s3://runs", spot=False, at_once=2)
    cluster = targets.named("gke", ["image=a/b:c", "claim=runs", "slices=2"])
    assert cluster == JobSet("a/b:c", "runs", slices=2)


@pytest.mark.parametrize(
    ("target", "action"),
    [(Sky(**BUCKET), "sky"), (JobSet(**VOLUME), "kubectl")],
)
def test_an_engine_that_is_not_here_is_said_in_a_line(target, action, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match=f"^{action} is not installed here"):
        target.status("12")
