"""The one entry of a computation: job -> devices -> run folder, new, continued or finished."""

import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from common.claims import digest
from launch import settings, surroundings
from launch.compute import cluster, computing, numerics, stop
from launch.errors import UserError
from launch.paths import cache, shown
from launch.record import fingerprint, provenance, store
from launch.settings import Job
from launch.terminal import coloured, duration

# the one place where the launcher sets JAX: what every run wants, before its first computation
JAX = {
    "jax_persistent_cache_min_compile_time_secs": 0.2,
    "jax_persistent_cache_min_entry_size_bytes": 0,
    "jax_enable_preemption_service": False,  # of several processes: it would take SIGTERM from us
}
OFF = {False: ("0", "false", "f", "n", "no", "off"), True: ("1", "true", "t", "y", "yes", "on")}


def prepare() -> None:
    """Settings of JAX that every run wants; call before the first computation."""
    if "host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        os.environ.setdefault("PJRT_NPROC", "32")  # fewer threads than devices deadlock
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import jax

    kept = (
        {}
        if os.environ.get("JAX_COMPILATION_CACHE_DIR")
        else {"jax_compilation_cache_dir": str(cache() / "xla")}
    )
    for name, value in (JAX | kept).items():
        jax.config.update(name, value)
    _fix_numbers()
    for name in ("absl", "asyncio"):  # orbax reports every save, and what it raises as well
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sys.unraisablehook = _unraisable
    cluster.join()


def _fix_numbers() -> None:
    """Every run has the options that decide numbers as they are fixed, whatever variables say."""
    import jax

    for name, value in numerics.FIXED.items():
        jax.config.update(name, value)
        asked = os.environ.pop(name.upper(), None)  # what is started from here need not say it
        if asked and asked.lower() not in OFF.get(value, (str(value).lower(),)):
            line = f"{name.upper()}={asked} is overruled: runs have {value or 'the default'}"
            print(line, file=sys.stderr)


def _unraisable(what: Any) -> None:
    """Silent of threads that orbax leaves behind where a checkpoint cannot be loaded."""
    if "Event loop is closed" not in str(what.exc_value):
        sys.__unraisablehook__(what)


def identity(
    slug: str, config: dict, wanted: frozenset[str] | None = None, *, anywhere: bool = False
) -> str:
    """What makes two runs the same computation: settings, code, JAX's version, arrays wanted, and
    what the environment asks of JAX and the compilers (anywhere: but for that)."""
    code = fingerprint.fingerprint(slug)["compute"]
    who: dict[str, Any] = {"config": config, "code": code, "jax": provenance.versions().get("jax")}
    who |= {} if wanted is None else {"wanted": sorted(wanted)}
    here = {} if anywhere else numerics.environment()
    return digest(who | {"environment": here} if here else who)


def execute(
    job: Job,
    *,
    workdir: Path | None = None,
    reuse=False,
    fresh=False,
    note="",
    wanted: frozenset[str] | None = None,
    predict: computing.Predict | None = None,
) -> Path:
    """Run an experiment; the folder with its arrays.

    An unfinished run of the same settings and code is continued; a finished one is returned when
    `reuse`; `fresh` starts anew whatever there is. `wanted`: the arrays that will be read; parts
    of the run that give none of them are left out. `predict`: what run.json says that it should
    have taken, asked when it has ended. Errors: UserError, Interrupted.
    """
    who = identity(job.slug, job.config, wanted)
    if reuse and not fresh and workdir is None:
        done = store.find(job.slug, job.preset, who, done=True)
        if done:
            return done
    with stop.heard(job.name) as request:
        prepare()
        surroundings.devices()
        code = fingerprint.fingerprint(job.slug)["compute"]
        jax_here = digest([provenance.versions().get("jax"), numerics.environment()])
        cluster.agree(code, digest(job.config), jax_here)
        _demand_devices(job)
        if cluster.index() > 0:
            return _follow(job, who, workdir, request)
        folder, held = _open(job, who, workdir, fresh)
        with held:
            old = store.read_json(folder / "run.json") if store.has_run(folder) else {}
            if not cluster.agreed(old.get("status") == "done"):
                info = _described(job, folder, who, note, old)
                info |= {} if wanted is None else {"wanted": sorted(wanted)}
                store.write_json(folder / "run.json", info)
                computing.compute(job, folder, info, request, predict)
        return folder


def _follow(job: Job, who: str, workdir: Path | None, request: stop.Request) -> Path:
    """What processes after the first do: compute with it, write nothing but their checkpoints."""
    if workdir is None:
        raise UserError("a run of several processes needs --workdir, a folder that all of them see")
    if not cluster.agreed(False):
        computing.compute(job, workdir.absolute(), {"identity": who}, request)
    return workdir.absolute()


Held = tuple[Path, AbstractContextManager]  # a run folder and its lock


def reserve(job: Job, workdir: Path | None, fresh: bool) -> Held:
    """(folder, lock) of a run that other processes will compute; hold the lock while they do."""
    return _open(job, identity(job.slug, job.config), workdir, fresh)


def _open(job: Job, who: str, workdir: Path | None, fresh: bool) -> Held:
    """A locked folder: the given one, an unfinished run to continue, or a new one."""
    if workdir is not None:
        return _given(workdir.absolute(), who, identity(job.slug, job.config, anywhere=True))
    unfinished = None if fresh else store.find(job.slug, job.preset, who, done=False)
    if unfinished:
        try:
            held = store.lock(unfinished)
            print(f"continuing the unfinished run {shown(unfinished)}", file=sys.stderr)
            return unfinished, held
        except store.Busy as busy:
            print(f"{shown(unfinished)} {busy}; starting another", file=sys.stderr)
    folder = store.create(job.slug, job.preset)
    return folder, store.lock(folder)


def _given(workdir: Path, who: str, anywhere: str) -> Held:
    """The folder of --workdir, locked.  Errors: UserError where it holds something else.

    anywhere: the identity under which a run was submitted that nothing has computed yet.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    if store.has_run(workdir):
        info = store.read_json(workdir / "run.json")
        begins = info.get("status") == "submitted" and info.get("identity") == anywhere
        if info.get("identity") != who and not begins:
            raise UserError(_other(workdir, info))
    elif any(p.name not in ("lock", "logs", "job") for p in workdir.iterdir()):
        raise UserError(f"{workdir} is not empty and holds no run; give an empty --workdir")
    if os.environ.get("REPRISE_HELD") == str(workdir):  # by the process that started this one
        return workdir, nullcontext()
    try:
        return workdir, store.lock(workdir)
    except store.Busy as busy:
        raise UserError(f"{workdir} {busy}; give another --workdir") from None


def _other(workdir: Path, info: dict) -> str:
    """Why the run in a folder is not the one that was asked for."""
    then, now = store.environment(info), numerics.environment()
    if then != now:
        return (
            f"{workdir} holds a run under {numerics.said(then) or 'no flags'}, here there is "
            f"{numerics.said(now) or 'none'}: set the same, or give an empty --workdir"
        )
    return f"{workdir} holds a run of other settings or code; give an empty --workdir"


def _demand_devices(job: Job) -> None:
    """Refuse a preset that needs an accelerator where there is none (never a silent fallback)."""
    if job.cfg.get("needs", "") != "accelerator":
        return
    import jax

    if jax.default_backend() == "cpu":
        raise UserError(
            f"{job.name} needs an accelerator and JAX finds only the CPU; run it on one "
            "(REPRISE_ACCELERATOR=cuda or tpu installs the packages), or add needs= to try here"
        )


def _described(job: Job, folder: Path, who: str, note: str, old: dict) -> dict:
    """run.json of a run that begins; old: that of its last attempt, {} where it is the first."""
    commit, diff, dirty = provenance.source(job.slug)
    if diff:
        store.write_text(folder / "source.diff", diff)
    here = numerics.environment()
    if here and not old and cluster.index() == 0:
        print(f"part of this run's identity: {numerics.said(here)}", file=sys.stderr)

    return {
        "schema": store.SCHEMA,
        "experiment": job.slug,
        "preset": job.preset,
        "overrides": job.changes,
        "preset_seeds": len(settings.get(job.slug, job.preset).seeds),
        "config": job.config,
        "note": note,
        "identity": who,
        "fingerprint": fingerprint.fingerprint(job.slug),
        "status": "running",
        "attempts": old.get("attempts", 0) + 1,
        "seconds_before": store.seconds(old),
        "started": provenance.now(),
        "command": provenance.command(),
        "commit": commit,
        "dirty": dirty,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "devices": provenance.devices(),
        "jax": {
            "xla_flags": os.environ.get("XLA_FLAGS", ""),
            "environment": here,
            "fixed": numerics.FIXED,
        },
    } | ({"anywhere": identity(job.slug, job.config, anywhere=True)} if here else {})


def finished_line(folder: Path) -> str:
    """What a finished run says of itself."""
    info = store.read_json(folder / "run.json")
    device = info["devices"]
    many = f", {info['programs']} programs" if "programs" in info else ""  # older runs: not counted
    return (
        f"{coloured('computed', 'green')} {info['experiment']}:{info['preset']} in "
        f"{duration(store.seconds(info))} (compiling {duration(info['compile_seconds'])}{many}) "
        f"on {device['count']} x {device['kind']}"
    )
