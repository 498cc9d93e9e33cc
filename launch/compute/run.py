"""The one entry of a computation: config -> mesh -> run -> run folder.

    python -m launch.compute.run --config=experiments/NAME/config.py:PRESET --config.key=value

does what `./lab run NAME:PRESET key=value` does; remote machines run it in this form, with
--workdir=FOLDER.
"""

import importlib
import logging
import os
import re
import resource
import shutil
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from common.claims import digest
from launch import settings
from launch.compute import cluster, stop
from launch.errors import UserError
from launch.paths import EXPERIMENTS, cache, shown, split
from launch.record import fingerprint, provenance, store
from launch.terminal import Display, coloured, duration

PLANNED = 30.0  # seconds from which a run is worth its prediction, made when it has ended
STOPPED = 85  # exit status: saved, run the same command again


class Interrupted(Exception):
    """The run stopped as asked and is saved in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def prepare() -> None:
    """Settings of JAX that every run wants; call before the first computation."""
    if "host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        os.environ.setdefault("PJRT_NPROC", "32")  # fewer threads than devices deadlock
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import jax

    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(cache() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    logging.getLogger("absl").setLevel(logging.ERROR)  # orbax reports every save at INFO
    cluster.join()


def identity(slug: str, config: dict, wanted: frozenset[str] | None = None) -> str:
    """What makes two runs the same computation: settings, code, JAX's version, arrays wanted."""
    code = fingerprint.fingerprint(slug)["compute"]
    who = {"config": config, "code": code, "jax": provenance.versions().get("jax")}
    return digest(who if wanted is None else who | {"wanted": sorted(wanted)})


def execute(
    slug: str,
    preset: str,
    cfg,
    *,
    workdir: Path | None = None,
    reuse=False,
    fresh=False,
    note="",
    wanted: frozenset[str] | None = None,
) -> Path:
    """Run an experiment; the folder with its arrays.

    An unfinished run of the same settings and code is continued; a finished one is returned when
    `reuse`; `fresh` starts anew whatever there is. `wanted`: the arrays that will be read; parts
    of the run that give none of them are left out. Errors: UserError, Interrupted.
    """
    config = settings.plain(cfg)
    preset_config = settings.plain(settings.get(slug, preset))
    who = identity(slug, config, wanted)
    if reuse and not fresh and workdir is None:
        done = store.find(slug, preset, who, done=True)
        if done:
            return done
    with stop.heard(f"{slug}:{preset}") as request:
        prepare()
        code = fingerprint.fingerprint(slug)["compute"]
        cluster.agree(code, digest(config), digest(provenance.versions().get("jax")))
        _demand_devices(slug, preset, cfg)
        if cluster.index() > 0:
            return _follow(slug, cfg, workdir, request)
        folder, held = _open(slug, preset, who, workdir, fresh)
        with held:
            old = store.peek(folder / "run.json")
            info = _describe(slug, preset, config, preset_config, who, folder, note)
            info |= {} if wanted is None else {"wanted": sorted(wanted)}
            info["attempts"] = old.get("attempts", 0) + 1
            before = (old.get("seconds") or 0.0, old.get("seconds_before") or 0.0)
            info["seconds_before"] = sum(before)
            if not cluster.agreed(old.get("status") == "done"):
                store.write_json(folder / "run.json", info)
                _compute(slug, cfg, folder, info, request)
        return folder


def _follow(slug: str, cfg, workdir: Path | None, request: stop.Request) -> Path:
    """What processes after the first do: compute with it, write nothing but their checkpoints."""
    if workdir is None:
        raise UserError("a run of several processes needs --workdir, a folder that all of them see")
    if not cluster.agreed(False):
        _compute(slug, cfg, workdir.absolute(), {"preset": ""}, request)
    return workdir.absolute()


def reserve(slug: str, preset: str, cfg, workdir: Path | None, fresh: bool):
    """(folder, lock) of a run that other processes will compute; hold the lock while they do."""
    return _open(slug, preset, identity(slug, settings.plain(cfg)), workdir, fresh)


def _open(slug: str, preset: str, who: str, workdir: Path | None, fresh: bool):
    """A locked folder: the given one, an unfinished run to continue, or a new one."""
    if workdir is not None:
        workdir = workdir.absolute()
        workdir.mkdir(parents=True, exist_ok=True)
        if (workdir / "run.json").exists():
            found = store.read_json(workdir / "run.json").get("identity")
            if found != who:
                raise UserError(
                    f"{workdir} holds a run of other settings or code; give an empty --workdir"
                )
        elif any(p.name not in ("lock", "logs", "job") for p in workdir.iterdir()):
            raise UserError(f"{workdir} is not empty and holds no run; give an empty --workdir")
        if os.environ.get("REPRISE_HELD") == str(workdir):  # by the process that started this one
            return workdir, nullcontext()
        try:
            return workdir, store.lock(workdir)
        except store.Busy:
            raise UserError(f"another process is computing in {workdir}") from None
    unfinished = None if fresh else store.find(slug, preset, who, done=False)
    if unfinished:
        try:
            held = store.lock(unfinished)
            print(f"continuing the unfinished run {shown(unfinished)}", file=sys.stderr)
            return unfinished, held
        except store.Busy:
            print(f"{shown(unfinished)} is being computed; starting another", file=sys.stderr)
    folder = store.create(slug, preset)
    return folder, store.lock(folder)


def _demand_devices(slug: str, preset: str, cfg) -> None:
    """Refuse a preset that needs an accelerator where there is none (never a silent fallback)."""
    if cfg.get("needs", "") != "accelerator":
        return
    import jax

    if jax.default_backend() == "cpu":
        raise UserError(
            f"{slug}:{preset} needs an accelerator and JAX finds only the CPU; run it on one "
            "(REPRISE_ACCELERATOR=cuda or tpu installs the packages), or add needs= to try here"
        )


def _describe(slug, preset, config, preset_config, who, folder, note) -> dict:
    commit, diff = provenance.source(slug)
    if diff:
        store.write_text(folder / "source.diff", diff)
    import jax

    return {
        "schema": store.SCHEMA,
        "experiment": slug,
        "preset": preset,
        "overrides": settings.changed(config, preset_config),
        "preset_seeds": len(preset_config["seeds"]),
        "config": config,
        "note": note,
        "identity": who,
        "fingerprint": fingerprint.fingerprint(slug),
        "status": "running",
        "started": provenance.now(),
        "command": provenance.command(),
        "commit": commit,
        "dirty": digest(diff) if diff else "",
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "devices": provenance.devices(),
        "jax": {
            "xla_flags": os.environ.get("XLA_FLAGS", ""),
            "prng": str(getattr(jax.config, "jax_default_prng_impl", "")),
            "matmul_precision": str(getattr(jax.config, "jax_default_matmul_precision", "")),
        },
    }


def _compute(slug: str, cfg, folder: Path, info: dict, request: stop.Request) -> None:
    import jax
    from ml_collections import FrozenConfigDict

    from common import scratch as scratch_module
    from common.stop import Stopped

    first = cluster.index() == 0
    module = importlib.import_module(f"experiments.{slug}.run")
    only = None if info.get("wanted") is None else frozenset(info["wanted"])
    scratch = scratch_module.Scratch(folder / "scratch", only)
    request.tell(scratch)
    compiling = CompileTime()
    start, cpu = time.monotonic(), time.process_time()

    def finish(status: str, **more) -> None:
        if cluster.index() > 0:
            return
        info.update(
            status=status, finished=provenance.now(), seconds=round(time.monotonic() - start, 3)
        )
        info.update(compile_seconds=round(compiling.seconds, 3), data=scratch.data_used, **more)
        info["cpu_seconds"] = round(time.process_time() - cpu, 3)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        info["peak_memory_mb"] = round(peak / (2**20 if sys.platform == "darwin" else 2**10))
        info["device_peak_mb"] = _device_peak()
        store.write_json(folder / "run.json", info)

    name = f"{slug}:{info['preset']}"
    try:
        with (
            Display(name, scratch.shown, lambda: compiling.seconds) if first else nullcontext(),
            jax.enable_x64(bool(cfg.x64)),
        ):
            arrays = module.run(FrozenConfigDict(cfg), mesh_of(cfg), scratch)
            arrays = _checked(slug, scratch_module.gathered(arrays))
        cluster.barrier("computed")
    except Stopped:
        finish("stopped")
        raise Interrupted(folder) from None
    except BaseException as error:
        finish("failed", error=f"{type(error).__name__}: {error}"[:2000])
        if "No space left" in str(error):
            raise UserError(
                f"{name}: the disk that holds {folder} is full; what was finished is kept: make "
                "room and run again"
            ) from None
        if _out_of_memory(error):
            raise UserError(
                f"{name} ran out of memory after using {info['peak_memory_mb']} MB; what was "
                "finished is kept: free memory, or make a batch or chunk setting smaller"
            ) from None
        raise
    if not first:
        return
    scratch_module.write_npz(folder / "arrays.npz", arrays)
    if info.get("note") not in ("verify", "control"):
        long = time.monotonic() - start > PLANNED and cluster.count() == 1
        from launch.scale import plan

        with jax.enable_x64(bool(cfg.x64)):
            info["predicted"] = plan.here(slug, cfg, make=long)
    log = folder / "scratch" / "log.jsonl"
    if log.exists():
        os.replace(log, folder / "log.jsonl")
    finish("done", arrays={k: [str(v.dtype), list(v.shape)] for k, v in sorted(arrays.items())})
    shutil.rmtree(folder / "scratch", ignore_errors=True)


def mesh_of(cfg, devices=None):
    """The mesh a config asks for: (data, model), or with the keys mesh_model, mesh_ensemble three
    axes.  Errors: UserError if the axes do not cover the devices."""
    from common import partition, sharding

    model, ensemble = cfg.get("mesh_model", 1), cfg.get("mesh_ensemble", 1)
    try:
        if model == ensemble == 1:
            return sharding.make_mesh() if devices is None else partition.flat_mesh(devices)
        return partition.make_mesh(model=model, ensemble=ensemble, devices=devices)
    except ValueError as error:
        raise UserError(f"{error}: change mesh_model or mesh_ensemble") from None


def _device_peak() -> int | None:
    """Peak memory of the fullest device of this process in MB, where the runtime counts it."""
    import jax

    counts = [(d.memory_stats() or {}).get("peak_bytes_in_use") for d in jax.local_devices()]
    known = [c for c in counts if c]
    return round(max(known) / 2**20) if known else None


def _checked(slug: str, arrays) -> dict[str, np.ndarray]:
    if not isinstance(arrays, dict) or not arrays:
        raise TypeError(f"run of {slug} must return a dict of arrays, got {type(arrays).__name__}")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.hasobject:
            raise TypeError(f"run of {slug}: {name!r} is not a numeric array")
    return arrays


def _out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text or "out of memory" in text


class CompileTime:
    """Seconds that JAX spent tracing and compiling since this was made."""

    def __init__(self) -> None:
        import jax

        self.seconds = 0.0

        def listen(event: str, duration_secs: float, **_: str | int) -> None:
            if event.startswith("/jax/core/compile"):
                self.seconds += duration_secs

        jax.monitoring.register_event_duration_secs_listener(listen)


def finished_line(folder: Path) -> str:
    """What a finished run says of itself."""
    info = store.read_json(folder / "run.json")
    device = info["devices"]
    took = duration(info["seconds"] + info.get("seconds_before", 0.0))
    return (
        f"{coloured('computed', 'green')} {info['experiment']}:{info['preset']} in {took} "
        f"(compiling {duration(info['compile_seconds'])}) on {device['count']} x {device['kind']}"
    )


def main() -> int:
    """The absl form of `./lab run`. Exit status as ./lab."""
    from launch.__main__ import guarded

    with stop.heard("run"):
        return guarded(_absl_run)


def _absl_run() -> int:
    from absl import flags
    from ml_collections import config_flags

    from launch.read import report

    config = config_flags.DEFINE_config_file("config", None, "experiments/NAME/config.py:PRESET")
    workdir = flags.DEFINE_string("workdir", None, "run folder; continued if it holds this run")
    named = [a.split("=", 1)[1] for a in sys.argv[1:] if re.match("--?config=", a)]
    if not named:
        raise UserError("give --config=experiments/NAME/config.py:PRESET")
    path, _, preset = named[-1].partition(":")
    home = Path(path).absolute().parent
    if home.parent != EXPERIMENTS:
        raise UserError(f"--config must be {EXPERIMENTS}/NAME/config.py, not {path}")
    slug, preset = split(f"{home.name}:{preset}")
    try:
        flags.FLAGS(sys.argv)
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(" ".join(str(error).strip("'\"").split())) from None
    where = Path(workdir.value) if workdir.value else None
    folder = execute(slug, preset, config.value, workdir=where)
    print(finished_line(folder))
    report.write(folder)
    print(shown(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
