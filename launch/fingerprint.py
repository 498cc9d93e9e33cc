"""What a result depends on: the experiment's files and every common/ module they import.

Three hashes: `compute` (run.py, config.py and all they reach) decides whether arrays are stale,
`measure` (measure.py and all it reaches) and `rule` (how claims are decided) whether a verdict is.
Blank lines, comment lines and the function `steps` do not count.
Nothing is imported: files are read as text.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

from launch.paths import EXPERIMENTS, ROOT

IMPORT = re.compile(
    r"^\s*(?:from\s+(?P<module>[.\w]+)\s+import\s+(?P<names>\([^)]*\)|[^\n#]*)"
    r"|import\s+(?P<plain>[\w., ]+))",
    re.M,
)


def fingerprint(slug: str) -> dict:
    """{'compute', 'measure', 'rule': hash, 'files': {path: hash}} of an experiment as it is now.

    Files of the folder itself are named './file.py', so a copied folder has the same fingerprint.
    """
    home = EXPERIMENTS / slug
    compute = _reach(home, [home / "run.py", home / "config.py"])
    measure = _reach(home, [home / "measure.py"])
    files = {_name(home, p): _hash(p) for p in sorted(compute | measure)}

    def combined(paths: set[Path]) -> str:
        lines = sorted(f"{_name(home, p)} {_hash(p)}" for p in paths)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    rule = combined({ROOT / "common" / f"{n}.py" for n in ("claims", "criteria", "stats")})
    return {
        "compute": combined(compute),
        "measure": combined(measure),
        "rule": rule,
        "files": files,
    }


def changed_files(old: dict, new: dict) -> list[str]:
    """Names of files whose hash differs between two fingerprints."""
    a, b = old.get("files", {}), new.get("files", {})
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))


def _name(home: Path, path: Path) -> str:
    return f"./{path.relative_to(home)}" if home in path.parents else str(path.relative_to(ROOT))


def _reach(home: Path, start: list[Path]) -> set[Path]:
    seen: set[Path] = set()
    todo = [p for p in start if p.exists()]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _imports(path)
    return seen


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Files of this repository that a file imports.

    Anywhere in a file of an experiment; in common/ at the top level only: what is imported when
    needed there is plumbing (orbax, data sets, which have hashes of their own).
    """
    found: list[Path] = []
    for match in IMPORT.finditer(path.read_text()):
        if match.group().lstrip("\n")[:1] == " " and EXPERIMENTS not in path.parents:
            continue
        if match["plain"]:
            for name in match["plain"].split(","):
                found += _files(ROOT, name.strip().split(" ")[0].split("."))
            continue
        module = match["module"]
        dots = len(module) - len(module.lstrip("."))
        base = ROOT if not dots else path.parents[dots - 1]
        parts = [p for p in module.lstrip(".").split(".") if p]
        found += _files(base, parts)
        for name in re.findall(r"\w+", re.sub(r"\bas\s+\w+", "", match["names"])):
            found += _files(base, [*parts, name])
    return tuple(found)


def _files(base: Path, parts: list[str]) -> list[Path]:
    if base == ROOT and parts[:1] not in (["common"], ["experiments"]):
        return []
    found = []
    for i in range(1, len(parts) + 1):
        target = base.joinpath(*parts[:i])
        for file in (target.with_suffix(".py"), target / "__init__.py"):
            if file.is_file():
                found.append(file)
    return found


STEPS = re.compile(r"^def steps\(cfg.*?(?=^\S|\Z)", re.M | re.S)  # for `plan`; computes no array


@cache
def _hash(path: Path) -> str:
    lines = (line.rstrip() for line in STEPS.sub("", path.read_text()).splitlines())
    code = "\n".join(x for x in lines if x and not x.lstrip().startswith("#"))
    return hashlib.sha256(code.encode()).hexdigest()[:16]
