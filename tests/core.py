"""A process that imports JAX once, has 8 devices, and computes for the contracts of many papers.

    python tests/core.py      reads {"slug", "folder"} as JSON lines, answers each with one

For each: smoke on a mesh of one device and on one of all eight, into the run folders FOLDER/one and
FOLDER/eight; then the paper preset is lowered for CPU, CUDA and TPU. The answer has the
CPU-seconds of each part (compiling: of wall time), which declared programs the runs do not call as
often as they say, or "error" with its traceback.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

DEVICES = 8
SECONDS = 900  # for one paper; then the process is killed and the next starts anew


class Core:
    """The process from outside; it is started by the first question and anew if it has died."""

    def __init__(self, environment: dict[str, str]) -> None:
        flag = f"--xla_force_host_platform_device_count={DEVICES}"
        self._environment = environment | {"XLA_FLAGS": flag, "PJRT_NPROC": "32"}
        self._process: subprocess.Popen | None = None

    def ask(self, slug: str, folder: Path) -> dict:
        """The answer; arrays in `folder`.  Errors: AssertionError."""
        if self._process is None or self._process.poll() is not None:
            command, pipe = [sys.executable, "-P", __file__], subprocess.PIPE
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=pipe, stdout=pipe, text=True
            )
        question = json.dumps({"slug": slug, "folder": str(folder)})
        print(question, file=self._process.stdin, flush=True)
        limit = threading.Timer(SECONDS, self._process.kill)
        limit.start()
        line = self._process.stdout.readline()
        limit.cancel()
        assert line, f"the process that computed {slug} ended: {self._process.wait()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer

    def end(self) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(timeout=60)


def smoke(slug: str, devices: list, folder: Path):
    """(config, arrays, declared programs not called as often as they say) of the smoke preset on a
    mesh of these devices."""
    import jax
    from ml_collections import FrozenConfigDict

    from common.scratch import Scratch, gathered
    from launch import settings
    from launch.compute import computing
    from launch.meshes import mesh_of
    from tests import calls

    cfg = FrozenConfigDict(settings.get(slug, "smoke"))
    module = importlib.import_module(f"experiments.{slug}.run")
    with jax.enable_x64(bool(cfg.x64)):
        mesh = mesh_of(cfg, devices)
        with calls.counted() as made:
            found = module.run(cfg, mesh, Scratch(folder))
        declared = module.programs(cfg, mesh) if hasattr(module, "programs") else []
        arrays = computing.checked(slug, gathered(found))
        return cfg, arrays, calls.differing(declared, made)


def lower(slug: str, preset: str) -> None:
    """Every program lowers for CPU, CUDA and TPU on the mesh of 8, and something of it is split."""
    from launch import settings
    from launch.meshes import mesh_of
    from launch.scale import lowering, plan

    if plan.on_cores(slug):
        return
    cfg = settings.get(slug, preset)
    for platform in ("cpu", "cuda", "tpu"):
        for program, lowered in lowering.lower(slug, cfg, mesh_of(cfg), platform):
            # an argument, or on the way
            split = re.search(r'sdy[^\n]*<@\w+, \[[^\]]*"', lowered.as_text())
            assert split, f"{program.name}: every device would compute the same"


def answer(slug: str, folder: Path) -> dict:
    """Everything of one paper; see the top of this file."""
    import jax

    from common.scratch import write_npz
    from launch import settings
    from launch.compute.computing import Compiling
    from launch.record import store
    from tests.examples import RUN

    spent: dict = {}
    devices = jax.devices()
    assert len(devices) == DEVICES
    compiling = Compiling()
    for name, some in (("one", devices[:1]), ("eight", devices)):
        start, compiled = time.process_time(), compiling.seconds
        cfg, arrays, spent[f"calls {name}"] = smoke(slug, some, folder / name / "scratch")
        write_npz(folder / name / "arrays.npz", arrays)
        info = RUN | {"experiment": slug, "preset": "smoke", "config": settings.plain(cfg)}
        store.write_json(folder / name / "run.json", info)
        spent[name] = time.process_time() - start
        spent[f"compiling {name}"] = compiling.seconds - compiled
    start = time.process_time()
    lower(slug, "paper")
    spent["lower"] = time.process_time() - start
    jax.clear_caches()  # 128 papers in one process
    return spent


def main() -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    out, sys.stdout = sys.stdout, sys.stderr
    from launch.compute import run

    run.prepare()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            found = answer(asked["slug"], Path(asked["folder"]))
        except Exception:
            found = {"error": traceback.format_exc()[-4000:]}
        print(json.dumps(found), file=out, flush=True)


if __name__ == "__main__":
    main()
