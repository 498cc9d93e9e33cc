"""Configs by name: presets, key=value overrides, what differs from the preset; a Job of them."""

import importlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from common import files
from launch.errors import CONTROL, UserError, clip, nearest
from launch.paths import EXPERIMENTS, MOST_SEEDS
from launch.terminal import shell
from launch.values import Known, controls, parse


class Job(NamedTuple):
    """What is to be computed: a preset of an experiment, its settings resolved."""

    slug: str
    preset: str
    cfg: Any  # ConfigDict

    @property
    def name(self) -> str:
        """'NAME:preset'"""
        return f"{self.slug}:{self.preset}"

    @property
    def config(self) -> dict:
        """The settings as JSON-able dict."""
        return plain(self.cfg)

    @property
    def changes(self) -> dict:
        """The settings in which it differs from its preset, as run.json holds them."""
        return changed(self.config, plain(get(self.slug, self.preset)))

    def but(self, overrides: Iterable[str]) -> "Job":
        """The same with key=value settings changed, and checked.  Errors: UserError."""
        cfg = deepcopy(self.cfg)
        override(self.slug, cfg, overrides)
        check(self.slug, cfg, vars(_config(self.slug)), self.preset)
        return self._replace(cfg=cfg)


def job(slug: str, preset: str, overrides: list[str] | None = None) -> Job:
    """The job of a preset with key=value overrides.  Errors: UserError."""
    return Job(slug, preset, get(slug, preset, overrides))


def get(slug: str, preset: str, overrides: list[str] | None = None):
    """The resolved ConfigDict of a preset with key=value overrides.  Errors: UserError."""
    module = _config(slug)
    unknown = strange(module.PAPER, module.PRESETS[preset])
    if unknown:
        raise UserError(f"experiments/{slug}/config.py: {preset}: {unknown[0]}")
    try:
        cfg = module.get_config(preset)
    except (KeyError, TypeError) as error:
        raise UserError(f"experiments/{slug}/config.py: {preset}: {error.args[0]!s}") from None
    override(slug, cfg, overrides or [])
    check(slug, cfg, vars(module), preset)
    return cfg


def _config(slug: str):
    """config.py, imported.  Errors: UserError where it lacks a name."""
    found = module(slug, "config")
    tables = all(isinstance(getattr(found, n, None), dict) for n in ("PAPER", "PRESETS"))
    if not tables or not callable(getattr(found, "get_config", None)):
        lacks = "lacks PAPER or PRESETS, tables, or get_config, a function"
        raise UserError(f"experiments/{slug}/config.py {lacks}; ./lab check {slug} says more")
    return found


def complete(slug: str) -> None:
    """Errors: UserError, FileError where a file is missing that a run needs from begin to end."""
    for name in ("config.py", "run.py", "measure.py", "figures.py"):
        file = EXPERIMENTS / slug / name
        if not os.path.lexists(file):
            raise UserError(f"{file} is missing; ./lab check {slug} says what it must have")
        files.content(file)


def module(slug: str, name: str):
    """A file of an experiment, imported.  Errors: UserError where it is none, or no Python."""
    file, known = EXPERIMENTS / slug / f"{name}.py", f"experiments.{slug}.{name}"
    if known not in sys.modules and file.exists():
        files.content(file)  # what is no file may never end
    try:
        return importlib.import_module(known)
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}"
        raise UserError(f"{file} cannot be imported: {clip(what, 200)}; mend it") from error


def strange(paper: dict, changes: dict) -> list[str]:
    """What is wrong with the keys of a preset: a mistyped one would leave the paper's value."""
    return [f"PAPER has no {k!r}; {nearest(k, paper)}" for k in changes if k not in paper]


def override(slug: str, cfg, items: Iterable[str]) -> None:
    """Set key=value items in a locked config, each key once.  Errors: UserError."""
    given: set[str] = set()
    for item in items:
        key, equals, text = item.partition("=")
        if not equals:
            raise UserError(f"{clip(item)!r} is not key=value (for example lr=1e-3)")
        if key in given:
            raise UserError(f"{clip(key)} stands twice; give it once")
        given.add(key)
        if CONTROL.search(text):
            raise UserError(f"{clip(item)} holds a line break or another control character")
        if key not in cfg:
            raise UserError(f"{slug} has no setting {clip(key)!r}; {nearest(key, cfg.keys())}")
        with cfg.unlocked():
            cfg[key] = parse(key, text, cfg[key])


def check(slug: str, cfg, config: Mapping[str, Any], preset: str) -> None:
    """Refuse a seed that would count twice, float32 where the preset has x64, and what `Known`
    does not know; `config` has the names of config.py.  Errors: UserError.
    """
    seeds = cfg.seeds
    if not seeds or len(set(seeds)) != len(seeds) or not all(0 <= s < 2**31 for s in seeds):
        said = clip(repr(tuple(seeds)), 120)
        raise UserError(f"seeds are different numbers from 0 to 2^31 - 1, not {said}")
    if len(seeds) > MOST_SEEDS:
        raise UserError(f"{len(seeds):,} seeds; a run has at most {MOST_SEEDS:,}")
    x64 = config["PRESETS"][preset].get("x64", config["PAPER"]["x64"])
    if x64 and not cfg.x64:
        where = f"experiments/{slug}/config.py"
        raise UserError(f"{slug} needs float64, {where} has x64 = True: leave x64=False out")
    Known(config, controls(slug)).refuse(cfg.to_dict())


def plain(cfg: Any) -> dict:
    """A config as JSON-able dict."""
    return json.loads(cfg.to_json_best_effort())


def changed(cfg: dict, preset: dict) -> dict:
    """The settings in which a resolved config differs from its preset."""
    return {k: v for k, v in cfg.items() if v != preset.get(k)}


def typed(changes: dict) -> str:
    """Settings of run.json as one types them: 'lr=0.1 seeds=0,1'."""

    def text(value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            return str(value)
        numbers = bool(value) and all(isinstance(v, (int, float)) for v in value)
        return ",".join(map(str, value)) if numbers else repr(tuple(value))

    return shell(f"{key}={text(value)}" for key, value in changes.items())


def overrides(slug: str, preset: str, items: list[str]) -> dict:
    """What key=value texts change of a preset, as run.json holds it.  Errors: UserError."""
    return job(slug, preset, items).changes
