"""`./lab plan`: memory, time and cost of a whole run on hardware not at hand.

The programs that a run calls are lowered and compiled for the topology, and added up as often as
it calls them; no data, no device, no network are used. Memory is the compiler's own figure, time a
roofline over the compiled programs, loops counted (launch.scale.roofline, launch.scale.hlo).
"""

import os
import time
from pathlib import Path
from typing import Any

from common.claims import digest
from common.programs import Program
from launch import settings
from launch.errors import UserError
from launch.meshes import mesh_of
from launch.paths import EXPERIMENTS, ROOT, cache, paper
from launch.record import fingerprint, provenance, store
from launch.scale import compilers, costs, hardware, lowering, measured, roofline
from launch.scale.hardware import CHIPS, Target

MARGIN = 0.8  # of what a chip has: fuller plans should be compiled in full before they are believed
DEFAULT = "v5e-8,h100-8"
HINTS = ("microbatch", "remat", "mesh_model")
CODE = ("plan.py", "lowering.py", "roofline.py", "hardware.py", "hlo/*.py")  # that plans


def plan(
    slug: str,
    preset: str,
    overrides: list[str],
    targets: list[Target],
    *,
    measure: bool = False,
    optimised: bool = False,
) -> list[dict]:
    """One record a target; from the cache where code, settings and versions are the same.

    measure: also run the programs here, on made-up arguments. optimised: compile as a run would.
    A paper for CPUs has one record, whatever the targets: see `cores`.  Errors: UserError.
    """
    asked = {"experiment": slug, "preset": preset, "overrides": overrides}
    if on_cores(slug):
        return [cores(slug, preset, overrides) | asked]
    prepare(targets, here=measure)
    for t in targets if measure else []:
        measured.present(t)
    return [_one(slug, preset, overrides, t, measure, optimised) | asked for t in targets]


def _one(slug: str, preset: str, overrides: list, t: Target, measure: bool, full: bool) -> dict:
    cfg = settings.get(slug, preset, overrides)
    record = compiled(slug, cfg, t, full=full or measure)
    if measure and "error" not in record:
        pairs = zip(record["programs"], measured.measured(slug, cfg, t), strict=True)
        record["programs"] = [p | {"measured": seen} for p, seen in pairs]
        store.write_json(_file(slug, cfg, t, full=True), record)
    if record["fits"] is False:
        record["would_fit"] = _what_would_fit(slug, preset, overrides, t)
    return record


def prepare(targets: list[Target], *, here: bool = False) -> None:
    """Compilers and environment; call before JAX is imported.  Errors: UserError."""
    if not here:
        os.environ.update(compilers.ENVIRONMENT)
    platforms = set() if here else {t.platform for t in targets}  # whose compilers are wanted
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    devices = max([t.chips for t in targets if t.kind == "cpu"], default=1)
    flags = os.environ.get("XLA_FLAGS", "").split()
    if "cuda" in platforms:
        flags.append("--xla_gpu_enable_triton_gemm=false")  # its tiles are tuned on a GPU or fail
    if devices > 1:
        flags.append(f"--xla_force_host_platform_device_count={devices}")
    os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys(flags))
    if devices > 1:
        os.environ.setdefault("PJRT_NPROC", "32")
    for platform in platforms:
        compilers.ensure(platform)
    if "cuda" in platforms:
        with lowering.quiet():  # the compiler complains that there is no driver
            import jax

            jax.devices("cpu")


def on_cores(slug: str) -> bool:
    """Whether a paper says hardware = "cpu": it declares no programs, nothing is compiled."""
    return paper(slug).get("hardware") == "cpu"


def cores(slug: str, preset: str, overrides: list[str]) -> dict:
    """The record of such a paper: hours on cores, measured or as claims.toml states, or None."""
    hours, source = costs.core_hours(slug, preset, overrides)
    record = {"on": "cpu", "kind": "cpu", "chips": 1, "shape": "", "fits": True}
    return record | {"programs": [], "core_hours": hours, "from": source}


def _file(slug: str, cfg, t: Target, *, full: bool) -> Path:
    """Where a plan is kept, named after what it depends on.

    Of run.py and the nouns all: a fingerprint leaves out what declares programs.
    """
    files = [f for pattern in CODE for f in (ROOT / "launch/scale").glob(pattern)]
    files += [f for f in (EXPERIMENTS / slug).glob("*.py") if f.stem not in ("figures", "measure")]
    own = [f.read_text() for f in sorted(files) if not f.name.startswith("test_")]
    pins = [] if t.platform == "cpu" else compilers.pins(t.platform)
    code = fingerprint.fingerprint(slug)["compute"]
    who = [t.kind, t.chips, t.shape, provenance.versions(), pins, own, full or t.kind == "cpu"]
    return cache() / "plans" / f"{digest([slug, settings.plain(cfg), code, *who])}.json"


def compiled(slug: str, cfg, t: Target, *, full: bool = False) -> dict:
    """A whole run on a target: memory, cost, predicted seconds, of each program and in all."""
    file = _file(slug, cfg, t, full=full)
    kept = store.peek(file)
    if kept:
        return kept
    record = _compiled(slug, cfg, t, full=full)
    if "error" not in record:
        store.write_json(file, record)
    return record


def here(slug: str, cfg, *, make: bool) -> dict | None:
    """The plan for the devices of this process; where none is kept, made if `make`.

    None for devices of an unknown kind, and where planning fails: a run must not.
    """
    import jax

    devices, kind = jax.devices(), hardware.named(jax.devices()[0].device_kind)
    if kind is None:
        return None
    try:
        named = CHIPS[kind].cores_named if kind in CHIPS else 1
        t = hardware.target(f"{kind}-{len(devices) * named}")
        file = _file(slug, cfg, t, full=False)
        record = store.peek(file)
        if not record and make:
            record = _compiled(slug, cfg, t, devices=devices)
            if "error" not in record:
                store.write_json(file, record)
    except Exception:
        return None
    if not record or "error" in record:
        return None
    each = ("name", "calls", "trips", "step_seconds")
    programs = [{k: p[k] for k in each if k in p} for p in record["programs"]]
    kept = ("on", "run_seconds", "peak_gib", "unknown_loops")
    return {k: record[k] for k in kept if k in record} | {"programs": programs}


def _compiled(slug: str, cfg, t: Target, *, full=False, devices: list | None = None) -> dict:
    start = time.monotonic()
    record = {"on": t.name, "kind": t.kind, "chips": t.chips, "shape": t.shape}
    try:
        mesh = mesh_of(cfg, devices or lowering.devices(t))
        pairs = lowering.lower(slug, cfg, mesh, t.platform)
        programs = [_described(p) | program(made, t, full=full, trips=p.trips) for p, made in pairs]
    except UserError as error:
        return record | {"error": str(error), "fits": None}
    record |= {"shards": paper(slug).get("shards", "")} | whole(programs)
    return record | {"seconds": round(time.monotonic() - start, 1)}


def _described(p: Program) -> dict:
    return {"name": p.name, "calls": p.calls, "trips": p.trips} | lowering.arguments(p.args)


def program(lowered: Any, t: Target, *, full: bool = False, trips: float = 1.0) -> dict:
    """What one call of a lowered program needs on a device of a target.

    trips: see Program. Errors: UserError where the compiler refuses for another reason than memory.
    """
    usable = roofline.chip_of(t).memory
    try:
        made = lowering.build(lowered, t, full=full)
    except lowering.TooLarge as error:
        needs = {"peak_gib": error.peak, "usable_gib": usable, "fits": False}
        return needs | {"buffers": lowering.largest(lowered)}
    peak = made.memory_analysis().peak_memory_in_bytes / 2**30
    fits = {"peak_gib": peak, "usable_gib": usable, "fits": peak <= usable}
    return fits | roofline.describe(made.as_text(), t, trips)


def whole(programs: list[dict]) -> dict:
    """A run from its programs: the largest memory, the rest as often as each is called.

    `largest`, `longest`: names of the programs that decide on memory and on time. Without times
    where a program does not compile.
    """
    largest = max(programs, key=lambda p: p["peak_gib"])
    record = {
        "programs": programs,
        "peak_gib": largest["peak_gib"],
        "usable_gib": largest["usable_gib"],
        "largest": largest["name"],
        "fits": all(p["fits"] for p in programs),
    }
    return record | (_added(programs) if all("step_seconds" in p for p in programs) else {})


def _added(programs: list[dict]) -> dict:
    calls = [p["calls"] for p in programs]
    steps = [p["step_seconds"] for p in programs]
    spent = [n * (low * high) ** 0.5 for n, (low, high) in zip(calls, steps, strict=True)]
    shares = [s / (sum(spent) or 1.0) for s in spent]
    totals = {k: _sum(calls, [p[k] for p in programs]) for k in ("flops", "bytes", "ops")}
    return totals | {
        "run_seconds": [_sum(calls, [step[end] for step in steps]) for end in (0, 1)],
        "longest": programs[shares.index(max(shares))]["name"],
        "limits": _merged(shares, [p["limits"] for p in programs]),
        "wire": _merged(calls, [p["wire"] for p in programs]),
        "unknown_loops": sum(p["unknown_loops"] for p in programs),
    }


def _sum(factors: list, values: list) -> float:
    return sum(f * v for f, v in zip(factors, values, strict=True))


def _merged(factors: list, parts: list[dict]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: _sum(factors, [part.get(name, 0.0) for part in parts]) for name in names}


def _what_would_fit(slug: str, preset: str, overrides: list[str], t: Target) -> list[str]:
    """Changes of settings that make the program fit, tried by compiling; else where memory goes."""
    cfg = settings.get(slug, preset, overrides)
    found = []
    for name in (n for n in HINTS if n in cfg):
        old = cfg[name]
        values = [True] if isinstance(old, bool) else [max(old, 1) * 2**i for i in (1, 2, 3)]
        for value in (v for v in values if v != old):
            text = f"{name}={value}"
            try:
                other = compiled(slug, settings.get(slug, preset, [*overrides, text]), t)
            except UserError:
                continue
            if other.get("fits"):
                found.append(f"{text} ({other['peak_gib']:.1f} GiB)")
                break
    return found
