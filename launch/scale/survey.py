"""`./lab plan all`: the plans of every paper preset, each made in a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable

from launch import settings
from launch.errors import UserError
from launch.paths import EXPERIMENTS, ROOT, slugs
from launch.scale import hardware, plan


def everything(names: str, told: Callable[[list[dict]], None] = lambda found: None) -> list[dict]:
    """Plans of every paper preset, on `names` or on plan.DEFAULT; `told` what is found after each.

    Errors: UserError.
    """
    targets = (names or plan.DEFAULT).split(",")
    for name in targets:
        hardware.target(name)  # a mistyped one is told at once
    found = []
    for slug in slugs():
        if (EXPERIMENTS / slug / "lineage.json").exists():
            continue
        for overrides in variants(slug):
            records = _of_paper(slug, list(overrides), targets)
            found.append({"experiment": slug, "overrides": list(overrides), "topologies": records})
        told(found)
    return found


def _of_paper(slug: str, overrides: list[str], targets: list[str]) -> list[dict]:
    """One record a target. TPUs emulate float64, and their compiler refuses many such programs, or
    dies of them: of a float64 preset none is planned for them."""
    wide = settings.get(slug, "paper", overrides).x64 and not plan.on_cores(slug)
    emulated = [t for t in targets if wide and hardware.target(t).platform == "tpu"]
    others = [t for t in targets if t not in emulated]
    error = "not planned: float64, which TPUs emulate"
    apart = {t: {"on": t, "error": error, "fits": None} for t in emulated}
    return [*apart.values(), *(planned(slug, overrides, others) if others else [])]


def variants(slug: str) -> list[tuple[str, ...]]:
    """The overrides with which the paper preset of an experiment is planned: PLANS of config.py."""
    module = settings.module(slug, "config")
    return list(getattr(module, "PLANS", ((),)))


def planned(slug: str, overrides: list[str], targets: list[str]) -> list[dict]:
    """One record a target. A compiler may abort its process, after a program that it refused for
    one: then each target has a process, and a record with an error where that dies as well.

    Errors: UserError.
    """
    command = [sys.executable, "-P", "-m", "launch", "plan", f"{slug}:paper", *overrides, "--json"]
    done = subprocess.run(
        [*command, "--on", ",".join(targets)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode >= 0:
        if not done.stdout:
            raise UserError(f"{slug}: {done.stderr.strip().removeprefix('error: ')}")
        return json.loads(done.stdout)["topologies"]
    if len(targets) > 1:
        return [record for t in targets for record in planned(slug, overrides, [t])]
    name = signal.Signals(-done.returncode).name
    return [{"on": targets[0], "error": f"the compiler ended its process ({name})", "fits": None}]
