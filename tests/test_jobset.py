"""What GKE is given: checked against the schema of JobSets, and its scripts run here."""

import json
import os
import shutil
import subprocess

import jsonschema
import pytest
import yaml

from launch.errors import UserError
from launch.scale.targets.jobset import JobSet
from tests.clouds import JOBSET, VOLUME, job, jobsets, recorder


@pytest.fixture
def program(tmp_path, monkeypatch):
    return recorder(tmp_path, monkeypatch)


CLOUD = "cloud.google.com/"


@pytest.mark.parametrize(
    ("chips", "hosts", "each", "kind", "shape"),
    [
        ("v4-16", 2, 4, "tpu-v4-podslice", "2x2x2"),
        ("v5e-1", 1, 1, "tpu-v5-lite-podslice", "1x1"),
        ("v5e-8", 1, 8, "tpu-v5-lite-podslice", "2x4"),
        ("v5p-8", 1, 4, "tpu-v5p-slice", "2x2x1"),
        ("v6e-16", 4, 4, "tpu-v6e-slice", "4x4"),
        ("h100-16", 2, 8, "nvidia-h100-80gb", ""),
        ("a100-4", 1, 4, "nvidia-a100-80gb", ""),
    ],
)
def test_hosts_of_a_slice_and_their_nodes(chips, hosts, each, kind, shape):
    (found,) = jobsets(JobSet(**VOLUME), job(chips))
    spec = found["spec"]["replicatedJobs"][0]["template"]["spec"]
    pod = spec["template"]["spec"]
    assert spec["parallelism"] == spec["completions"] == hosts
    limits = pod["containers"][0]["resources"]["limits"]
    assert limits == {"google.com/tpu" if shape else "nvidia.com/gpu": each}
    selector = pod["nodeSelector"]
    if shape:
        assert selector == {f"{CLOUD}gke-tpu-accelerator": kind, f"{CLOUD}gke-tpu-topology": shape}
    else:
        assert selector == {f"{CLOUD}gke-accelerator": kind}
    assert ("annotations" in found["metadata"]) == (bool(shape) and hosts > 1)


def test_parts_of_a_jobset_name_each_other():
    target = JobSet(**VOLUME, slices=2, namespace="lab", nodes=(f"{CLOUD}gke-spot=true",))
    (found,) = jobsets(target, job("v6e-16"))
    (replicated,) = found["spec"]["replicatedJobs"]
    spec = replicated["template"]["spec"]
    pod = spec["template"]["spec"]
    (container,), (volume,) = pod["containers"], pod["volumes"]
    saved, evicted = spec["podFailurePolicy"]["rules"]
    assert saved["onExitCodes"] == {
        "containerName": container["name"], "operator": "In", "values": [85],
    }  # fmt: skip
    assert evicted["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    (rule,) = found["spec"]["failurePolicy"]["rules"]
    assert rule["onJobFailureReasons"] == ["PodFailurePolicy"]
    assert rule["action"] == "RestartJobSetAndIgnoreMaxRestarts"
    assert (pod["restartPolicy"], spec["backoffLimit"]) == ("Never", 0)
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/reprise"}]
    assert volume["persistentVolumeClaim"] == {"claimName": "runs"}
    assert (replicated["replicas"], found["metadata"]["namespace"]) == (2, "lab")
    assert pod["nodeSelector"][f"{CLOUD}gke-spot"] == "true"
    assert spec["template"]["metadata"]["labels"] == found["metadata"]["labels"]


def test_processes_of_slices_count_through(tmp_path):
    (found,) = jobsets(JobSet(**VOLUME, slices=2), job("v6e-16"))
    pod = found["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]
    script = pod["containers"][0]["args"][0]
    lab = tmp_path / "lab"
    lab.write_text('#!/bin/bash\nenv | grep ^JAX_ | sort >> said; echo "$@" >> said\nexit 85\n')
    lab.chmod(0o755)
    env = os.environ | {"SLICE": "1", "JOB_COMPLETION_INDEX": "2"}
    env = {k: v for k, v in env.items() if not k.startswith("JAX_")}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, check=False)
    assert done.returncode == 85
    name = found["metadata"]["name"]
    assert (tmp_path / "said").read_text().splitlines() == [
        f"JAX_COORDINATOR_ADDRESS={name}-slice-0-0.{name}:8476",
        "JAX_NUM_PROCESSES=8",
        "JAX_PROCESS_ID=6",
        "run toy:smoke steps=0 title=it is --workdir /reprise/20260101T000000Z-abc123",
    ]


def test_cells_are_jobsets_with_names_that_fit():
    long = "learning-rate-batch-size-rmt-and-more-laptop-abc123"
    found = jobsets(JobSet(**VOLUME), job("v5e-8", 12, name=long))
    names = [d["metadata"]["name"] for d in found]
    assert len(set(names)) == 12
    assert all("-abc123-" in n and len(f"{n}-slice-99-255-abcde") <= 63 for n in names)
    assert {d["metadata"]["labels"]["reprise-job"] for d in found} == {long}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(kind="Jobset"),
        lambda d: d["spec"].update(replicatedJob=[]),
        lambda d: d["spec"]["replicatedJobs"][0].update(replicas="two"),
        lambda d: d["spec"]["failurePolicy"]["rules"][0].update(action="Restart"),
        lambda d: d["spec"]["replicatedJobs"][0]["template"]["spec"].update(backofLimit=0),
        lambda d: pod_of(d).update(restartPolcy="Never"),
        lambda d: pod_of(d)["containers"][0].update(comand=["bash"]),
        lambda d: pod_of(d)["containers"][0]["env"].append({"value": "x"}),
        lambda d: pod_of(d)["volumes"][0]["persistentVolumeClaim"].update(claim="x"),
    ],
)
def test_jobsets_schema_refuses_a_wrong_field(change):
    (broken,) = jobsets(JobSet(**VOLUME), job())
    change(broken)
    with pytest.raises(jsonschema.ValidationError):
        JOBSET.validate(broken)


def pod_of(document):
    return document["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]


KUBECTL = """case " $*" in
*" get "*) echo "$SAID";;
*" cp "*) cp "$PACKED" "${!#}";;
*"$BROKEN"*) echo "first line" >&2; echo "error: no cluster" >&2; exit 1;;
esac"""


def test_kubectl_is_called_with_the_jobs_label(program, tmp_path, monkeypatch):
    monkeypatch.setenv("BROKEN", "nothing of the kind")
    calls = program("kubectl", KUBECTL)
    target, one = JobSet(**VOLUME, namespace="lab"), job(runs=tmp_path)
    assert target.submit(one) == one.name
    label = f"-l reprise-job={one.name}"
    assert calls() == [
        f"kubectl --namespace lab delete jobset {label}",
        f"kubectl --namespace lab apply -f {one.folder}/job/jobset.yaml",
    ]
    assert " ".join(target.logs(one, one.name)).startswith(f"kubectl --namespace lab logs {label}")

    def status(*found):
        monkeypatch.setenv("SAID", json.dumps({"items": [{"status": s} for s in found]}))
        return target.status(one.name)

    assert status() == "gone"
    assert status({}) == "waiting"
    assert status({"replicatedJobsStatus": [{"ready": 0, "active": 1}]}) == "waiting"
    assert status({"replicatedJobsStatus": [{"ready": 1}]}, {}) == "running"
    assert status({"terminalState": "Completed", "replicatedJobsStatus": [{"ready": 1}]}) == "gone"
    assert status({"terminalState": "Failed"}, {}) == "waiting"
    monkeypatch.setenv("BROKEN", "delete")
    with pytest.raises(UserError, match=r"^[^\n]*: kubectl said: error: no cluster$"):
        target.cancel(one.name)


def test_run_folders_come_from_the_volume(program, tmp_path, monkeypatch):
    one = job(runs=tmp_path / "runs")
    (one.folder / "job").mkdir(parents=True)
    source = tmp_path / "volume" / one.folder.name
    source.mkdir(parents=True)
    (source / "arrays.npz").write_text("numbers")
    packed = shutil.make_archive(str(tmp_path / "run"), "gztar", source.parent, source.name)
    monkeypatch.setenv("PACKED", packed)
    monkeypatch.setenv("BROKEN", "nothing of the kind")
    calls = program("kubectl", KUBECTL)
    JobSet(**VOLUME).fetch(one)
    assert (one.folder / "arrays.npz").read_text() == "numbers"
    assert sorted(p.name for p in one.folder.parent.iterdir()) == [one.folder.name]
    pod = yaml.safe_load((one.folder / "job/fetch.yaml").read_text())
    assert pod["spec"]["containers"][0]["image"] == VOLUME["image"]
    schema = JOBSET.schema["properties"]["spec"]["properties"]["replicatedJobs"]["items"]
    for key in ("template", "spec", "template", "spec"):
        schema = schema["properties"][key]
    jsonschema.validate(pod["spec"], schema)
    exec_line = [line for line in calls() if " exec " in line]
    assert exec_line[0].endswith(f"--exclude=scratch -C /reprise {one.folder.name}")
    monkeypatch.setenv("BROKEN", "exec")
    with pytest.raises(UserError, match="kubectl said: error: no cluster"):
        JobSet(**VOLUME).fetch(one)
    assert calls()[-1] == f"kubectl delete pod {one.name}-fetch --wait=false", "nothing stays"
