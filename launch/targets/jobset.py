"""Kubernetes with JobSet (GKE): TPU slices or GPU nodes, handed to the user's own kubectl.

A pod is a host, a replica a slice; several slices compute together. `image` holds a checkout as
its working directory, with the packages installed (REPRISE_ACCELERATOR=tpu ./lab --help does it).
The run folders are on a volume that all pods see. A run that saved (85) or was evicted starts
again however often, other failures 3 times. A cell of a sweep is a JobSet.
"""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from launch import hardware
from launch.errors import UserError
from launch.targets import Job, call

CLOUD = "cloud.google.com/"
SLICES = {
    "v4": "tpu-v4-podslice", "v5e": "tpu-v5-lite-podslice", "v5p": "tpu-v5p-slice",
    "v6e": "tpu-v6e-slice",
}  # fmt: skip
GPUS = {
    "a100": "nvidia-a100-80gb", "h100": "nvidia-h100-80gb", "h200": "nvidia-h200-141gb",
    "b200": "nvidia-b200",
}  # fmt: skip


@dataclass(frozen=True)
class JobSet:
    """Settings."""

    image: str = ""
    claim: str = ""  # persistentVolumeClaim (ReadWriteMany, or a bucket), mounted at /reprise
    namespace: str = ""  # empty: that of kubectl's context
    slices: int = 1
    chips_per_host: int = 0  # 0: 8 for TPU slices of 8 and GPUs, else 4
    queue: str = ""  # of Kueue
    nodes: tuple[str, ...] = ()  # further labels of nodes, as "cloud.google.com/gke-spot=true"

    def render(self, job: Job) -> dict[str, str]:
        """jobset.yaml, a document for each cell.  Errors: UserError without --chips, image, claim."""
        if not job.chips:
            raise UserError("--on gke needs --chips, as --chips v5e-8 or h100-8")
        if not self.image or not self.claim:
            raise UserError(
                "--on gke needs an image with this checkout and a persistentVolumeClaim for the "
                "run folders: --set image=… --set claim=…"
            )
        found = hardware.target(job.chips)
        if found.platform == "cpu":
            raise UserError(f"--on gke takes --chips such as v5e-8 or h100-8, not {job.chips}")
        tpu = found.platform == "tpu"
        each = self.chips_per_host or (min(found.chips, 8) if found.chips == 8 or not tpu else 4)
        each = min(each, found.chips)
        hosts = found.chips // each
        if tpu:
            labels = {
                f"{CLOUD}gke-tpu-accelerator": SLICES[found.kind],
                f"{CLOUD}gke-tpu-topology": found.shape,
            }
        else:
            labels = {f"{CLOUD}gke-accelerator": GPUS[found.kind]}
        labels |= dict(item.split("=", 1) for item in self.nodes)
        documents = []
        for i, workdir in enumerate(job.workdirs):
            name = self._name(job, i)
            # a slice of several hosts is a node pool; one host is any node of it
            place = {f"alpha.jobset.sigs.k8s.io/exclusive-topology": f"{CLOUD}gke-nodepool"}
            mine = {"reprise-job": job.name}
            text = DOCUMENT.format(
                name=name,
                namespace=f"  namespace: {self.namespace}\n" if self.namespace else "",
                labels=_flow(
                    mine | ({"kueue.x-k8s.io/queue-name": self.queue} if self.queue else {})
                ),
                place=f"  annotations: {_flow(place)}\n" if tpu and hosts > 1 else "",
                slices=self.slices,
                hosts=hosts,
                mine=_flow(mine),
                nodes=_flow(labels),
                image=json.dumps(self.image),
                platform=found.platform,
                total=self.slices * hosts,
                arguments=job.arguments(i, f"/reprise/{Path(workdir).name}"),
                limit=f"google.com/tpu: {each}" if tpu else f"nvidia.com/gpu: {each}",
                claim=self.claim,
            )
            documents.append(text)
        return {"jobset.yaml": "---\n".join(documents)}
