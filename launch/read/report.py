"""Stored arrays -> verdicts and figures. Never imports JAX; byte-identical when done again."""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from common import claims as claims_module
from common import repeats
from common.claims import Claim, ClaimError, Verdict
from common.files import FileError, text
from launch import settings, surroundings
from launch.errors import CONTROL, UserError, clip
from launch.paths import ROOT, split, verdict_seeds
from launch.paths import folder as experiment_folder
from launch.read.verdicts import old_verdict
from launch.record import checks, fingerprint, ledger, provenance, store
from launch.record.failure import failed

JUDGES = ("measure", "rule")


def load_claims(slug: str) -> tuple[dict, list[Claim]]:
    """[paper] and the claims of an experiment.  Errors: UserError."""
    file = experiment_folder(slug) / "claims.toml"
    try:
        text(file)  # before others open it: what is no file may never end
        paper, claims = claims_module.load(file)
    except (ClaimError, FileError, OSError, TypeError, ValueError) as error:
        raise UserError(clip(error, 500)) from None
    except RecursionError:
        raise UserError(f"{file} is nested too deeply") from None
    for said in checks.every_text([paper, *map(vars, claims)]):
        if CONTROL.search(said):
            raise UserError(f"{file}: {clip(said)!r} holds a line break or a control character")
    return paper, claims


def measured(slug: str, claim: Claim, arrays: dict) -> Any:
    """What the claim's measure returns for a run's arrays.  Errors: whatever measure raises."""
    return _measure(slug, claim)(dict(arrays))


def _measure(slug: str, claim: Claim) -> Callable:
    module = settings.module(slug, "measure")
    fn = getattr(module, claim.measure, None)
    if fn is None:
        raise UserError(f"claim {claim.id!r}: experiments/{slug}/measure.py has no {claim.measure}")
    return fn


class Noted(dict):
    """Arrays that note which of them are asked for; whoever goes through all asked for all."""

    def __init__(self, arrays: dict) -> None:
        super().__init__(arrays)
        self.asked: set[str] = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)

    def __contains__(self, name):
        self.asked.add(name)
        return super().__contains__(name)

    def __iter__(self):
        self.asked |= self.keys()
        return super().__iter__()

    def items(self):
        self.asked |= self.keys()
        return super().items()

    def values(self):
        self.asked |= self.keys()
        return super().values()


def reads(slug: str, claims: Sequence[Claim], arrays: dict) -> frozenset[str] | None:
    """Names of the arrays that measures of claims read; None where one cannot be measured."""
    noted = Noted(arrays)
    try:
        for claim in claims:
            _measure(slug, claim)(noted)
    except UserError:
        raise
    except Exception:
        return None
    return frozenset(noted.asked)


def measured_or_none(slug: str, claim: Claim, arrays: dict) -> Any:
    """As `measured`, None where the measure cannot be had from these arrays."""
    try:
        return measured(slug, claim, arrays)
    except Exception:
        return None


def judge(slug: str, claim: Claim, preset: str, arrays: dict, *, seeds: int) -> Verdict:
    """The verdict of a claim on a run's arrays; an error in measure is the verdict ERROR."""
    level = claim.level.get(preset, "none")
    if level == "none":
        return Verdict(claim.id, "untested", level, "not decided at this preset")
    try:
        values = measured(slug, claim, arrays)
    except UserError:
        raise
    except Exception as error:
        reason = f"measure.{claim.measure} failed: {type(error).__name__}: {error}"
        if isinstance(error, KeyError) and error.args and error.args[0] not in arrays:
            reason = f"measure.{claim.measure} reads {error.args[0]!r}, which this run did not make"
        return Verdict(claim.id, "error", level, reason)
    verdict = claims_module.judge(claim, level, values, seeds=seeds)
    if verdict.state not in repeats.STATES:
        return verdict
    chance = repeats.repeats(claim.criterion, values, verdict.state, ran=seeds)
    return replace(verdict, repeats=None if chance is None else round(chance, 3))


def stale(info: dict) -> list[str]:
    """Why stored arrays no longer belong to the code: changed definitions, JAX's version."""
    now = fingerprint.fingerprint(info["experiment"])
    then = ledger.of_reference(info) or info.get("fingerprint", {})
    reasons = []
    if then.get("compute") != now["compute"] or then.get("measure") != now["measure"]:
        reasons = fingerprint.changed(then, now)
    jax_then, jax_now = (v.get("jax", "") for v in (info["versions"], provenance.versions()))
    if jax_then.split(".")[:2] != jax_now.split(".")[:2]:
        reasons.append(f"jax {jax_then} -> {jax_now}")
    return reasons


def decide(folder: Path) -> tuple[dict, list[Claim], list[Verdict]]:
    """run.json, claims and verdicts of a finished run."""
    info = store.read_json(folder / "run.json")
    if info["status"] != "done":
        raise UserError(f"{folder} is not finished (run {info['status']}); run it again")
    split(f"{info['experiment']}:{info['preset']}")  # they are there
    arrays = store.arrays(folder)
    _, claims = load_claims(info["experiment"])
    slug, preset, seeds = info["experiment"], info["preset"], len(info["config"]["seeds"])
    judged = [judge(slug, c, preset, arrays, seeds=seeds) for c in claims]
    official = is_official(slug, info["config"]["seeds"], set(info["overrides"]) - {"seeds"})
    return info, claims, [replace(v, official=official) for v in judged]


def decided(folder: Path) -> tuple[dict, list[Claim], list[Verdict]]:
    """As `decide`, from verdicts.json where neither the claims nor what judges them changed."""
    info = store.read_json(folder / "run.json")
    _, claims = load_claims(info["experiment"])
    stored = store.peek(folder / "verdicts.json")
    records = {r["id"]: r for r in stored.get("verdicts", [])}
    same = all(
        (r := records.get(c.id)) and (r["thresholds"], r["claim"]) == (c.thresholds, c.hash)
        for c in claims
    )
    by = stored.get("by") or {}
    if not same or {k: by.get(k) for k in JUDGES} != _judges(info["experiment"]):
        return decide(folder)
    return info, claims, [old_verdict(records[c.id]) for c in claims]


def _judges(slug: str) -> dict:
    """The code that turns arrays into verdicts, as hashes."""
    now = fingerprint.fingerprint(slug)
    return {k: now[k] for k in JUDGES}


def is_official(slug: str, seeds: Iterable[int], overrides: Collection[str]) -> bool:
    """Whether a verdict is one for the ledger: the verdict seeds, the preset as it stands."""
    return tuple(seeds) == verdict_seeds(slug) and not overrides


def write(folder: Path) -> list[Verdict]:
    """Write verdicts.json and every figure into a run folder; the verdicts."""
    info, claims, verdicts = decide(folder)
    records = [
        asdict(v) | {"word": v.word, "thresholds": c.thresholds, "claim": c.hash}
        for c, v in zip(claims, verdicts, strict=True)
    ]
    seeds = list(info["config"]["seeds"])
    by = _makers(info["experiment"])
    store.write_json(folder / "verdicts.json", {"seeds": seeds, "verdicts": records, "by": by})
    if "wanted" not in info:  # a control: its figures would lack what nobody asked for
        draw_finite(folder, info)
    return verdicts


def draw_finite(folder: Path, info: dict, **options: Any) -> None:
    """`draw`, where arrays that are not finite may have no figures; says so."""
    try:
        draw(folder, info, **options)
    except Exception as error:
        if all(np.isfinite(a).all() for a in store.arrays(folder).values()):
            if odd := _odd(info):
                raise UserError(
                    f"{folder / 'run.json'} has settings that config.py lacks: {odd}; run again"
                ) from None
            if not isinstance(error, (UserError, OSError)):
                name = f"{info['experiment']}:{info['preset']}"
                raise failed(name, info.get("overrides") or {}, folder, error) from error
            raise
        print(f"no figures: the arrays are not finite ({error})", file=sys.stderr)


def _odd(info: dict) -> str:
    """Where settings of a run are of another type than the preset's are now; '' if nowhere."""
    for key, now in settings.plain(settings.get(info["experiment"], info["preset"])).items():
        if key not in info["config"]:
            return f"config.{key} is missing"
        kinds = {type(now), type(info["config"][key])}
        if len(kinds) > 1 and kinds != {int, float}:
            return f"config.{key} must be as {now!r}, not {info['config'][key]!r:.40}"
    return ""


def current(folder: Path) -> list[Verdict]:
    """The verdicts of a run, its figures drawn: again only where what makes them changed."""
    info = store.read_json(folder / "run.json")
    by = store.peek(folder / "verdicts.json").get("by")
    if by == _makers(info["experiment"]) and any(folder.glob("fig*.png")):
        return decided(folder)[2]
    return write(folder)


def _makers(slug: str) -> dict:
    """What turns arrays into verdicts and figures, as hashes; of figures whole files."""
    home = experiment_folder(slug)
    files = [*sorted(home.glob("*.py")), *sorted((ROOT / "common").glob("*.py"))]
    return _judges(slug) | {"figures": claims_module.digest([text(p) for p in files])}


def drawings_if_finite(info: dict, arrays: dict) -> dict[str, Any] | None:
    """As `drawings`; None where arrays that are not finite cannot be drawn."""
    try:
        return drawings(info, arrays)
    except Exception:
        if all(np.isfinite(a).all() for a in dict(arrays).values()):
            raise
        return None


def drawings(info: dict, arrays: dict) -> dict[str, Any]:
    """{name: Figure} of a run's arrays.  Errors: ValueError for a name that is no figure's."""
    surroundings.own_figures()
    from common import plot

    slug = info["experiment"]
    module = settings.module(slug, "figures")
    with plot.styled():
        figures = module.figures(arrays, SimpleNamespace(**_tuples(info["config"])))
    for name in figures:
        if not name.startswith("fig"):
            raise ValueError(f"figures of {slug}: {name!r} must start with 'fig'")
    return figures


def draw(folder: Path, info: dict, **options: Any) -> list[str]:
    """Draw every figure of a run into its folder, as fig*.png, .svg, .csv; their names.

    run.json says which: those that the experiment no longer draws are deleted, and nobody else's
    files. options: those of `plot.save`.
    """
    from common import plot

    figures = drawings(info, store.arrays(folder))
    own = store.read_json(folder / "run.json")
    before = own.get("figures")
    known, now = before or [], sorted(figures)
    if sorted({*known, *now}) != before:  # first: a kill leaves none that is not known
        store.write_json(folder / "run.json", own | {"figures": sorted({*known, *now})})
    for name, figure in figures.items():
        plot.save(figure, folder, name, **options)
    for name in set(known) - set(now):
        for kind in ("png", "svg", "csv"):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    if set(known) - set(now):
        store.write_json(folder / "run.json", own | {"figures": now})
    return now


def _tuples(config: dict) -> dict:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
