"""Every rule of the contract that can be told from a folder's text, in under a second, no JAX.

`run` warns with it, `verify` refuses by what is grave, the contract tests want none of it.
"""

import re
import sys
from collections.abc import Callable, Iterator

from common import claims as claims_module
from common.claims import Claim, ClaimError
from common.files import FileError
from launch import paths, settings
from launch.errors import UserError, clip, nearest
from launch.make import check_config, check_numbers, check_text
from launch.make.check_text import Finding, Folder
from launch.record import ledger, store
from launch.terminal import coloured

NOT_MECHANISMS = ("seeds", "x64", "needs")
SHOWN = 3  # findings that `run` and `verify` print

__all__ = ["Finding", "findings", "refuse", "text", "warn"]


def findings(slug: str, *, lint: bool = True, verdicts: bool = True) -> list[Finding]:
    """What is wrong with an experiment's folder, the grave first.

    lint: ask ruff too.  verdicts: tell of those that other seeds may well not give, though the
    folder keeps the contract.
    """
    folder = Folder(slug)
    rules = [*check_text.RULES, check_config.config, check_numbers.numbers, claims, lineage]
    rules += [repeats] if verdicts else []
    rules += [check_text.lint] if lint else []
    found = [finding for rule in rules for finding in applied(rule, folder)]
    return sorted(dict.fromkeys(found), key=lambda x: not x.grave)


def applied(rule: Callable, folder: Folder) -> list[Finding]:
    """What a rule finds; what it stumbles over, in a file of any shape, is a finding too."""
    try:
        return list(rule(folder))
    except Exception as error:
        what = f"the rule {rule.__name__!r} stumbles: {type(error).__name__}: {error}"
        return [Finding(f"experiments/{folder.slug}", what, "mend what it reads", True)]


def names(asked: list[str]) -> list[str]:
    """Folders to check: those asked for, else all; one without config.py is a folder too."""
    inside = (p.name for p in paths.EXPERIMENTS.iterdir() if p.is_dir() and any(p.glob("*.*")))
    there = sorted(n for n in inside if n[0] not in "._")
    chosen = [n.strip("/").removeprefix("experiments/") for n in asked]
    for name in chosen:
        if name not in there:
            said = f"no experiment {clip(name)!r}; {nearest(name, there)}"
            raise UserError(f"{said} (see ./lab list)")
    return chosen or there


def warn(slug: str) -> None:
    """A few lines on stderr before a run: it goes on whatever they say."""
    found = findings(slug, lint=False, verdicts=False)
    for finding in found[:SHOWN]:
        print(f"{coloured('check:', 'yellow', sys.stderr)} {finding}", file=sys.stderr)
    if len(found) > SHOWN:
        print(f"check: {len(found) - SHOWN} more: ./lab check {slug}", file=sys.stderr)


def refuse(slug: str) -> None:
    """Before a verification computes anything.  Errors: UserError if it would decide wrongly."""
    grave = [x for x in findings(slug, lint=False, verdicts=False) if x.grave]
    if grave:
        more = f" (and {len(grave) - 1} more: ./lab check {slug})" if len(grave) > 1 else ""
        raise UserError(f"{slug} is not verified: {grave[0]}{more}")


def text(found: dict[str, list[Finding]]) -> str:
    """One line a finding, what was left out, what to type next."""
    lines = [str(x) for some in found.values() for x in some]
    lines += [f"{slug} is a fork of {parent}: {NO_PAPER}" for slug, parent in forks(list(found))]
    if not check_text.can_lint():
        lines.append("ruff is not installed and was left out: ./lab test installs it")
    count = sum(map(len, found.values()))
    one = next(iter(found)) if len(found) == 1 else ""
    if count:
        lines.append(f"{count} found in {sum(map(bool, found.values()))} of {len(found)} folders")
    else:
        step = f"./lab run {one}:smoke" if one else "./lab test"
        lines.append(f"{one or f'{len(found)} folders'}: nothing found\nnext: {step}")
    return "\n".join(lines)


def claims(f: Folder) -> Iterator[Finding]:
    """claims.toml is linted; what it names is there; every headline can fail."""
    file = f.home / "claims.toml"
    if not file.is_file():
        return
    try:
        paper, found = claims_module.load(file)
    except (ClaimError, TypeError) as error:
        said = str(error).removeprefix(f"{file}: ").removeprefix(f"{file}")
        which = re.search(r"claim '([^']+)'", said)
        where = f.line("claims.toml", f'"{which[1]}"') if which else f.at("claims.toml")
        yield Finding(where, said.lstrip(": "), "see WORKSPACE.md, claims.toml", True)
        return
    if not any(c.headline for c in found):
        yield Finding(f.at("claims.toml"), "no claim is a headline", "write headline = true")
    for claim in found:
        yield from _claim(f, claim, paper["verdict_seeds"])


def _claim(f: Folder, claim: Claim, seeds: int) -> Iterator[Finding]:
    where = f.line("claims.toml", f'"{claim.id}"')
    if set(claim.level) != set(paths.PRESETS):
        todo = f"write level = {{ {', '.join(f'{p} = …' for p in paths.PRESETS)} }}"
        yield Finding(where, f"{claim.id}: level names not every preset", todo)
    measures = _defined(f, "measure.py")
    if measures and claim.measure not in measures:
        what = f"{claim.id}: measure.py has no {claim.measure}"
        yield Finding(where, what, nearest(claim.measure, measures), True)
    few = claims_module.too_few(claim, seeds)
    if few:
        todo = "raise [paper] verdict_seeds, or change the criterion"
        yield Finding(where, f"{claim.id}: at {seeds} verdict seeds {few}", todo, True)
    if claim.headline and not claim.falsifier:
        todo = "give a falsifier: the mechanism removed"
        yield Finding(where, f"{claim.id}: a headline without a negative control", todo, True)
    if claim.falsifier:
        yield from _falsifier(f, claim, where)


def _defined(f: Folder, name: str) -> set[str]:
    """Names that a file has at its top level."""
    tree = f.sources.get(name)
    found: set[str] = set(f.functions(name))
    for node in tree.body if tree else []:
        if hasattr(node, "names"):  # imports
            found |= {a.asname or a.name for a in node.names}
        found |= {t.id for t in getattr(node, "targets", []) if hasattr(t, "id")}
    return found


def _falsifier(f: Folder, claim: Claim, where: str) -> Iterator[Finding]:
    """Its settings exist, parse, and change the mechanism wherever the claim is decided."""
    items = (claim.falsifier or {})["override"]
    try:
        config = check_config.load(f)
        configs = {
            p: config["get_config"](p) for p, level in claim.level.items() if level != "none"
        }
    except Exception:
        return  # told by `config`
    for preset, cfg in configs.items():
        before = cfg.to_dict()
        try:
            settings.override(f.slug, cfg, items)
            settings.check(f.slug, cfg, config, preset)
        except UserError as error:
            yield Finding(where, f"{claim.id}: falsifier: {error}", "mend its override", True)
            return
        changed = {k for k, v in cfg.to_dict().items() if v != before[k]}
        if not changed - set(NOT_MECHANISMS):
            what = f"{claim.id}: the falsifier {items} changes nothing at {preset}"
            yield Finding(where, what, "override what makes the claim true", True)
            return


def repeats(f: Folder) -> Iterator[Finding]:
    """Headlines whose verdict other seeds may well not give."""
    from launch.read.repeats import WANTED, short

    try:
        rows = short(f.slug)
    except UserError:
        return  # no claims, or damaged arrays: told by other rules
    for claim, chance in rows:
        what = f"{claim}: a headline that repeats with chance {chance:.2f}, below {WANTED}"
        where = f.line("claims.toml", f'"{claim}"')
        yield Finding(where, what, "raise [paper] verdict_seeds and verify")
    wanted = len(paths.verdict_seeds(f.slug))
    old = {len(line["seeds"]) for line in ledger.newest(f.slug).values()} - {wanted}
    if old:
        what = f"verdict_seeds is {wanted}, but claims were decided on {max(old)} seeds"
        yield Finding(f.line("claims.toml", "verdict_seeds"), what, f"./lab verify {f.slug}")


NO_PAPER = "not counted among the papers; delete lineage.json to make it one"


def forks(slugs: list[str]) -> list[tuple[str, str]]:
    """(fork, parent) of those folders that have a lineage.json."""
    files = ((s, paths.EXPERIMENTS / s / "lineage.json") for s in slugs)
    return [(s, str(store.peek(file).get("parent", "?"))) for s, file in files if file.exists()]


def lineage(f: Folder) -> Iterator[Finding]:
    """A paper of its own is no fork: with a lineage.json it would be passed over in silence."""
    old = store.peek(f.home / "lineage.json")
    if not old or not (f.home / "claims.toml").is_file():
        return
    parent, mine = str(old.get("parent", "")), _title(f.slug)
    shared = [i for i in old.get("claims", {}) if f'"{i}"' in f.text("claims.toml")]
    theirs = _title(parent) if (paths.EXPERIMENTS / parent / "claims.toml").is_file() else mine
    if not shared or mine != theirs:
        why = f"says a fork of {parent}, whose claims it does not share"
        yield Finding(f.at("lineage.json"), why, NO_PAPER)


def _title(slug: str) -> tuple:
    try:
        paper = paths.paper(slug)
    except (ValueError, FileError):
        return ()
    return paper.get("title"), paper.get("arxiv")
