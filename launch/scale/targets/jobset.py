"""Kubernetes with JobSet (GKE): TPU slices or GPU nodes, handed to the user's own kubectl.

A pod is a host, a replica is a slice; several slices compute together. The run folders are on a
volume that all pods see. A run that saved (85) or was evicted starts again however often, after
other failures 3 times. A cell of a sweep is a JobSet of its own.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from launch.errors import UserError
from launch.record import store
from launch.scale import hardware
from launch.scale.targets import ASKING, Job, call, shaped, tried, whole

LABEL = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"  # of Kubernetes: names, with dots
NODE = r"([a-z0-9.-]{1,253}/)?[\w.-]{1,63}=[\w.-]{0,63}"

SLICES = {"v4": "v4-podslice", "v5e": "v5-lite-podslice", "v5p": "v5p-slice", "v6e": "v6e-slice"}
GPUS = {"a100": "a100-80gb", "h100": "h100-80gb", "h200": "h200-141gb", "b200": "b200"}
LONGEST = 63 - len("-slice-99-255-abcde")  # of a JobSet's name, so that its pods' names fit


@dataclass(frozen=True)
class JobSet:
    """Settings.

    `image`'s working directory is this checkout, its packages installed there (by
    REPRISE_ACCELERATOR=tpu ./lab --help). `nodes`: further labels that nodes must have.
    """

    ID: ClassVar = r"[a-z0-9][a-z0-9-]{0,200}"

    image: str = ""
    claim: str = ""  # persistentVolumeClaim that many nodes may write, mounted at /reprise
    namespace: str = ""  # empty: that of kubectl's context
    slices: int = 1
    chips_per_host: int = 0  # 0: as many as the usual machines have
    nodes: tuple[str, ...] = ()  # as "cloud.google.com/gke-spot=true"

    def __post_init__(self) -> None:
        whole("slices", self.slices, 1)
        whole("chips_per_host", self.chips_per_host, 0)
        shaped("image", self.image, r"[\w./:@-]{1,500}", "registry/reprise:1")
        for name in ("claim", "namespace"):
            shaped(name, getattr(self, name), LABEL, "my-runs")

    def render(self, job: Job) -> dict[str, str]:
        """jobset.yaml, a document for each cell.  Errors: UserError for a missing setting."""
        tpu, each, hosts, nodes = self._machines(job)
        for key, what in (("image", "with this checkout"), ("claim", "for the run folders")):
            if not getattr(self, key):
                raise UserError(f"--on gke needs {key}, {what}: --set {key}=NAME")
        place = {"alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"}
        documents = [
            DOCUMENT.format(
                name=_name(job, i),
                namespace=f"  namespace: {self.namespace}\n" if self.namespace else "",
                labels=json.dumps({"reprise-job": job.name}),
                place=f"  annotations: {json.dumps(place)}\n" if tpu and hosts > 1 else "",
                slices=self.slices,
                hosts=hosts,
                processes=self.slices * hosts,
                nodes=json.dumps(nodes),
                image=json.dumps(self.image),
                arguments=job.arguments(i, f"/reprise/{Path(workdir).name}"),
                platform="tpu" if tpu else "cuda",
                limits=json.dumps({"google.com/tpu" if tpu else "nvidia.com/gpu": each}),
                claim=json.dumps(self.claim),
            )
            for i, workdir in enumerate(job.workdirs)
        ]
        return {"jobset.yaml": "---\n".join(documents)}

    def _machines(self, job: Job) -> tuple[bool, int, int, dict[str, str]]:
        """Whether TPU, chips of a host, hosts of a slice, labels of the nodes."""
        found = hardware.target(job.chips) if job.chips else None
        if found is None or found.platform == "cpu":
            raise UserError("--on gke needs --chips, as --chips v5e-8 or --chips h100-8")
        tpu = found.platform == "tpu"
        eight = not tpu or (found.chips == 8 and found.kind in ("v5e", "v6e"))
        each = min(self.chips_per_host or (8 if eight else 4), found.chips)
        if found.chips % each:
            raise UserError(f"{found.chips} chips are not hosts of {each} (chips_per_host)")
        if tpu:
            nodes = {
                "cloud.google.com/gke-tpu-accelerator": f"tpu-{SLICES[found.kind]}",
                "cloud.google.com/gke-tpu-topology": found.shape,
            }
        else:
            nodes = {"cloud.google.com/gke-accelerator": f"nvidia-{GPUS[found.kind]}"}
        for label in self.nodes:
            shaped("nodes", label, NODE, "key=value, cloud.google.com/gke-spot=true")
            key, _, value = label.partition("=")
            nodes[key] = value
        return tpu, each, found.chips // each, nodes

    def _kubectl(self, what: str, *words: str) -> str:
        return call(["kubectl", *self._space(), *words], what)

    def _space(self) -> list[str]:
        return ["--namespace", self.namespace] if self.namespace else []

    def submit(self, job: Job) -> str:
        """The job's id: a label of its JobSets. An ended one gives way.  Errors: UserError."""
        self.cancel(job.name)
        self._kubectl("submitting", "apply", "-f", str(job.folder / "job/jobset.yaml"))
        return job.name

    def status(self, job_id: str) -> str:
        """Errors: UserError where the cluster does not answer."""
        ask = ["get", "jobset", "-l", f"reprise-job={job_id}", "-o", "json"]
        said = call(["kubectl", *self._space(), *ask], "asking the cluster", ASKING)
        try:
            states = [item.get("status") or {} for item in json.loads(said)["items"]]
            states = [s for s in states if not s.get("terminalState")]
            parts = [r for s in states for r in s.get("replicatedJobsStatus") or []]
            ready = [r for r in parts if r.get("ready")]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UserError("asking the cluster: what kubectl printed is no list of jobs") from None
        return "running" if ready else "waiting" if states else "gone"

    def logs(self, job: Job, job_id: str) -> list[str]:
        pods = ["-l", f"reprise-job={job_id}", "--prefix", "--tail=40"]
        return ["kubectl", *self._space(), "logs", *pods]

    def cancel(self, job_id: str) -> None:
        words = ["delete", "jobset", "-l", f"reprise-job={job_id}"]
        self._kubectl("taking the job off the cluster", *words)

    def fetch(self, job: Job) -> None:
        """Copy the run folders here, by a pod that sees the volume.

        Errors: UserError, after all were tried.
        """
        pod, file = f"{_name(job)}-fetch", job.folder / "job/fetch.yaml"
        store.write_text(
            file, POD.format(name=pod, image=json.dumps(self.image), claim=json.dumps(self.claim))
        )
        self._kubectl("fetching", "apply", "-f", str(file))
        try:
            wait = ["wait", f"pod/{pod}", "--for=condition=Ready", "--timeout=300s"]
            self._kubectl("fetching", *wait)
            tried(lambda workdir: self._fetch_one(pod, workdir), job.workdirs)
        finally:
            self._kubectl("fetching", "delete", "pod", pod, "--wait=false")

    def _fetch_one(self, pod: str, workdir: str) -> None:
        name, packed = Path(workdir).name, f"{workdir}/.fetched.tgz"
        Path(workdir).mkdir(parents=True, exist_ok=True)
        pack = ["tar", "-czf", "/tmp/run.tgz", "--exclude=scratch", "-C", "/reprise", name]
        self._kubectl(f"fetching {name}", "exec", pod, "--", *pack)
        self._kubectl(f"fetching {name}", "cp", f"{pod}:/tmp/run.tgz", packed)
        call(
            ["tar", "-xzf", packed, "-C", str(Path(workdir).parent), "--", name],
            f"unpacking {name}",
        )
        Path(packed).unlink()


def _name(job: Job, cell: int = 0) -> str:
    """Of a cell's JobSet: the job's, shortened in its middle, with the cell's number."""
    end = job.name[-7:] + (f"-{cell}" if len(job.cells) > 1 else "")
    return job.name[:-7][: LONGEST - len(end)].rstrip("-") + end


DOCUMENT = """apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata:
  name: {name}
{namespace}  labels: {labels}
{place}spec:
  network: {{enableDNSHostnames: true}}
  failurePolicy:
    maxRestarts: 3
    rules:
    - name: saved
      action: RestartJobSetAndIgnoreMaxRestarts
      onJobFailureReasons: [PodFailurePolicy]
  replicatedJobs:
  - name: slice
    replicas: {slices}
    template:
      spec:
        parallelism: {hosts}
        completions: {hosts}
        completionMode: Indexed
        backoffLimit: 0
        podFailurePolicy:
          rules:
          - {{action: FailJob, onExitCodes: {{containerName: run, operator: In, values: [85]}}}}
          - {{action: FailJob, onPodConditions: [{{type: DisruptionTarget, status: "True"}}]}}
        template:
          metadata:
            labels: {labels}
          spec:
            restartPolicy: Never
            terminationGracePeriodSeconds: 120
            nodeSelector: {nodes}
            containers:
            - name: run
              image: {image}
              command: [bash, -c]
              args:
              - |
                export JAX_NUM_PROCESSES={processes}
                export JAX_COORDINATOR_ADDRESS={name}-slice-0-0.{name}:8476
                export JAX_PROCESS_ID=$((SLICE * {hosts} + JOB_COMPLETION_INDEX))
                exec ./lab run {arguments}
              env:
              - {{name: REPRISE_ACCELERATOR, value: {platform}}}
              - name: SLICE
                valueFrom:
                  fieldRef: {{fieldPath: "metadata.annotations['jobset.sigs.k8s.io/job-index']"}}
              resources: {{limits: {limits}}}
              volumeMounts: [{{name: runs, mountPath: /reprise}}]
            volumes:
            - {{name: runs, persistentVolumeClaim: {{claimName: {claim}}}}}
"""
POD = """apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  containers:
  - name: fetch
    image: {image}
    command: [sleep, "3600"]
    volumeMounts: [{{name: runs, mountPath: /reprise}}]
  volumes:
  - {{name: runs, persistentVolumeClaim: {{claimName: {claim}}}}}
"""
