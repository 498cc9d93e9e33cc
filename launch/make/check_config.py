"""The rules of the contract that are about config.py: keys, types, presets, get_config."""

import re
from collections.abc import Iterator

from launch import paths, settings
from launch.make.check_text import Finding, Folder

NAMES = ("PAPER", "PRESETS", "get_config")
KEYS = {"seeds": tuple, "x64": bool, "needs": str}  # every config has them


def load(f: Folder) -> dict:
    """The names of config.py. It is run as a file of its own: no import is cached.

    Errors: whatever it raises.
    """
    scope: dict = {"__name__": f"experiments.{f.slug}.config"}
    exec(compile(f.text("config.py"), f.at("config.py"), "exec"), scope)
    return scope


def config(f: Folder) -> Iterator[Finding]:
    """The presets have the keys and types of PAPER, and get_config takes no other."""
    if "config.py" not in f.sources:
        return
    here = f.at("config.py")
    try:
        scope = load(f)
    except Exception as error:
        yield Finding(here, f"{type(error).__name__}: {error}", "it is run alone", True)
        return
    missing = [name for name in NAMES if name not in scope]
    if missing:
        yield Finding(here, f"has no {missing[0]}", "see WORKSPACE.md, config.py", True)
        return
    paper, presets = scope["PAPER"], scope["PRESETS"]
    for preset in paths.PRESETS:
        if preset not in presets:
            yield Finding(here, f"PRESETS lacks {preset!r}", "write it as a flat diff", True)
    for key, kind in KEYS.items():
        if type(paper.get(key)) is not kind:
            yield Finding(here, f"PAPER lacks {key!r}", f"a {kind.__name__} of that name", True)
            return
    wrong = [x for p, changes in presets.items() for x in _preset(f, p, changes, paper)]
    yield from wrong
    if not wrong:
        yield from _resolved(f, paper, presets, scope["get_config"])


def _preset(f: Folder, name: str, changes: dict, paper: dict) -> Iterator[Finding]:
    """What is wrong with PAPER (as the preset paper) or with another preset's flat diff."""
    where = f.line("config.py", f"{name.upper()} =")
    for problem in settings.strange(paper, changes):
        yield Finding(where, f"{name}: {problem}", "the paper's value would be used", True)
    values = {**paper, **changes} if name == "paper" else changes
    for key, value in values.items():
        if not _plain(value):
            what = f"{name}: {key} = {value!r} does not survive JSON"
            yield Finding(where, what, "numbers, text, bools, or tuples of them", True)
        elif key in paper and not _alike(value, paper[key]):
            what = f"{name}: {key} = {value!r} is of another type than {paper[key]!r}"
            yield Finding(where, what, "write it as in PAPER", True)
    seeds = values.get("seeds", (0,))
    if not seeds or len(set(seeds)) != len(seeds) or not all(type(s) is int for s in seeds):
        yield Finding(where, f"{name}: seeds = {seeds!r}", "different whole numbers", True)
    needs, wanted = changes.get("needs", paper["needs"]), _needs(f) if name == "paper" else ""
    if needs != wanted:
        yield Finding(where, f"{name}: needs = {needs!r}", f'write "needs": "{wanted}"')


def _needs(f: Folder) -> str:
    """What the paper preset refuses to run without: nothing, where its hardware is "cpu"."""
    return "" if re.search(r'^hardware *= *"cpu"', f.text("claims.toml"), re.M) else "accelerator"


def _plain(value) -> bool:
    if isinstance(value, tuple):
        return all(map(_plain, value))
    return type(value) in (bool, int, float, str)


def _alike(value, old) -> bool:
    """The same type; for tuples, no element of a type that the other has not."""
    if isinstance(old, tuple) and isinstance(value, tuple):
        return not old or {type(x) for x in value} <= {type(x) for x in old}
    return type(value) is type(old)


def _resolved(f: Folder, paper: dict, presets: dict, get) -> Iterator[Finding]:
    """get_config gives PAPER with the preset's changes, locked, and locks before it updates."""
    where = f.line("config.py", "def get_config")
    resolved = {name: get(name) for name in presets}
    odd = [
        name
        for name, cfg in resolved.items()
        if not cfg.is_locked or cfg.to_dict() != {**paper, **presets[name]}
    ]
    if odd:
        what = f"get_config({odd[0]!r}) is not PAPER with the preset's changes, locked"
        yield Finding(where, what, "write it as in WORKSPACE.md", True)
        return
    try:
        presets["?"] = {"no such key": 0}
        get("?")
    except (KeyError, AttributeError):
        return
    finally:
        del presets["?"]
    todo = "lock before the update: cfg = ConfigDict(PAPER).lock()"
    yield Finding(where, "get_config adds keys that PAPER lacks", todo, True)
