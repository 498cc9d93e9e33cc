"""The rules of the contract that are about files: which, what they import, what they say.

Files are read, never imported. `check.findings` runs every rule of RULES over a Folder.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from common.files import content
from launch import paths
from launch.record import store

FILES = (
    "README.md", "__init__.py", "config.py", "run.py", "claims.toml", "measure.py", "figures.py",
)  # fmt: skip
NEEDED = ("config.py", "run.py", "claims.toml", "measure.py")  # without these nothing is decided
SECTIONS = (
    "What the paper says", "Run it", "Equations", "Differences from the paper", "Traps", "Results",
)  # fmt: skip
FUNCTIONS = {
    "config.py": {"get_config": ["preset"]},
    "run.py": {"run": ["cfg", "mesh", "scratch"], "programs": ["cfg", "mesh"]},
    "figures.py": {"figures": ["arrays", "cfg"]},
}
HEAVY = ("jax", "jaxlib", "flax", "optax", "orbax", "chex")
SEES_CFG = ("run.py", "figures.py", "config.py")
FIGURES = 6  # committed, at most
OPTIONAL = "if any"  # what run's docstring names after these words, some presets lack
TODO = re.compile(r"\bTODO\b")


class Finding(NamedTuple):
    """A rule that a folder breaks."""

    where: str  # file:line
    what: str
    todo: str
    grave: bool = False  # a verdict made with it would be wrong

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.todo}"


class Folder:
    """An experiment's folder as text and syntax trees, each file read once."""

    def __init__(self, slug: str) -> None:
        self.slug, self.home = slug, paths.EXPERIMENTS / slug
        self._text: dict[str, str] = {}

    def text(self, name: str) -> str:
        """Contents of a file; "" where there is none."""
        if name not in self._text:
            file = self.home / name
            there = file.is_file()  # what is no file may never end
            self._text[name] = content(file).decode("utf-8", "replace") if there else ""
        return self._text[name]

    @cached_property
    def sources(self) -> dict[str, ast.Module]:
        """Syntax trees of the Python files but the tests; what does not parse is in `broken`."""
        found = {}
        self.broken: list[Finding] = []
        for file in sorted(self.home.rglob("*.py")):
            name = str(file.relative_to(self.home))
            if file.name.startswith("test_"):
                continue
            try:
                found[name] = ast.parse(self.text(name))
            except SyntaxError as error:
                where = self.at(name, error.lineno or 1)
                self.broken.append(Finding(where, f"is no Python: {error.msg}", "mend it", True))
        return found

    def functions(self, name: str) -> dict[str, ast.FunctionDef]:
        """Functions at the top level of a file."""
        tree = self.sources.get(name)
        return {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)} if tree else {}

    def at(self, name: str, line: int = 0) -> str:
        """file or file:line, from the repository's root."""
        return f"experiments/{self.slug}/{name}" + (f":{line}" if line else "")

    def line(self, name: str, text: str) -> str:
        """file:line of the first line that holds `text`."""
        lines = self.text(name).splitlines()
        return self.at(name, next((i for i, x in enumerate(lines, 1) if text in x), 0))


def files(f: Folder) -> Iterator[Finding]:
    """Every file of the contract is there and parses; __init__.py is a docstring of one line."""
    for name in (*FILES, f"test_{f.slug}.py"):
        if not (f.home / name).is_file():
            grave = name in NEEDED
            yield Finding(f.at(name), "is missing", "write it (./lab new shows one)", grave)
    f.sources  # noqa: B018  reads them all
    yield from f.broken
    tree = f.sources.get("__init__.py")
    doc = ast.get_docstring(tree, clean=False) if tree else ""
    if tree and (len(tree.body) != 1 or not doc or "\n" in doc):
        yield Finding(f.at("__init__.py"), "is more or less than a docstring of one line", "cut it")


def readme(f: Folder) -> Iterator[Finding]:
    """The sections are there; no command or path is another paper's, as after a copy."""
    text = "\n" + f.text("README.md")
    for name in SECTIONS:
        if f"\n## {name}" not in text:
            yield Finding(f.at("README.md"), f"lacks the section {name!r}", f"write ## {name}")
    others = [s for s in paths.slugs() if s != f.slug]
    for number, line in enumerate(text.splitlines() if others else []):
        match = mention(*others).search(line)
        if match and "./lab compare" not in line:
            where, what = f.at("README.md", number), f"names another paper, {match[2]}"
            yield Finding(where, what, f"write {f.slug}")


def mention(*slugs: str) -> re.Pattern:
    """Experiments named in a command, a path, or with a preset; group 2 is the name."""
    before = (
        r"(\./lab \w+ |\b(?:results|experiments)[/.]|(?<![\w/.-])(?=\w+:(?:smoke|laptop|paper)\b))"
    )
    return re.compile(rf"{before}({'|'.join(map(re.escape, slugs))})\b")


def signatures(f: Folder) -> Iterator[Finding]:
    """The functions that the launcher calls, with the arguments it gives."""
    for name, wanted in FUNCTIONS.items():
        if name not in f.sources:
            continue
        there = f.functions(name)
        for function, arguments in wanted.items():
            call = f"{function}({', '.join(arguments)})"
            if function not in there:
                yield Finding(f.at(name), f"has no function {function}", f"write {call}", True)
            elif [a.arg for a in there[function].args.args] != arguments:
                where = f.at(name, there[function].lineno)
                yield Finding(where, f"{function} takes other arguments", f"make it {call}", True)


def imports(f: Folder) -> Iterator[Finding]:
    """One way: experiments.<slug> -> common -> jax; siblings relatively, so that a copy runs."""
    for name, tree in f.sources.items():
        for node in ast.walk(tree):
            for module, level in _imported(node):
                at = f.at(name, getattr(node, "lineno", 0))
                top = module.split(".")[0]
                if top == "launch":
                    yield Finding(at, "imports launch", "use common/, or take it as an argument")
                if top == "experiments" or level > 1:
                    todo = "write from . import …; what two papers share belongs in common/"
                    yield Finding(at, f"imports {'.' * level}{module}", todo)
                if name == "config.py" and (level or top != "ml_collections"):
                    yield Finding(at, f"imports {'.' * level}{module}", "ml_collections alone")
    for name in ("measure.py", "figures.py"):
        way = _way_to_jax(f.home / name, f.home, set())
        if way:
            what = f"imports {way[-1]}" + (f" through {', '.join(way[:-1])}" if way[:-1] else "")
            yield Finding(f.at(name), what, "NumPy only: a finished run is read without JAX", True)


def _imported(node: ast.AST) -> list[tuple[str, int]]:
    """(module, level) of an import statement; names of `from . import a, b` are modules."""
    if isinstance(node, ast.Import):
        return [(alias.name, 0) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.module:
            return [(node.module, node.level)]
        return [(alias.name, node.level) for alias in node.names]
    return []


def _way_to_jax(path: Path, home: Path, seen: set[Path]) -> list[str]:
    """[file, …, heavy module] by which a file imports JAX; [] if it does not.

    Followed through siblings and common/; what common/ imports inside functions is not met here.
    """
    if path in seen or not path.is_file():
        return []
    seen.add(path)
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError:
        return []
    nodes = ast.walk(tree) if home in path.parents else iter(tree.body)
    for node in nodes:
        for module, level in _imported(node):
            if not level and module.split(".")[0] in HEAVY:
                return [module]
            for file in _files(path, module, level, node):
                way = _way_to_jax(file, home, seen)
                if way:
                    return [str(file.relative_to(file.parents[1])), *way]
    return []


def _files(path: Path, module: str, level: int, node: ast.AST) -> list[Path]:
    """Files of this repository that an import may mean."""
    if not level and module.split(".")[0] != "common":
        return []
    base = path.parents[level - 1] if level else paths.ROOT
    target = base.joinpath(*module.split("."))
    names = [a.name for a in node.names] if isinstance(node, ast.ImportFrom) else []
    inside = [target / f"{n}.py" for n in names]
    return [target.with_suffix(".py"), target / "__init__.py", *inside]


def purity(f: Folder) -> Iterator[Finding]:
    """Only run.py computes from cfg; no NumPy randomness, no files."""
    for name in f.sources:
        words = {
            "np.random": "draw with jax.random, from a key",
            "open(": "scratch and the launcher do files",
        }
        if name not in SEES_CFG:
            words["cfg"] = "take the numbers as arguments"
        for number, line in enumerate(f.text(name).splitlines(), 1):
            for word, todo in words.items():
                if word in line:
                    yield Finding(f.at(name, number), f"holds {word!r}", todo)


def todos(f: Folder) -> Iterator[Finding]:
    """Nothing of the template is left to be written."""
    for file in sorted(f.home.iterdir()):
        if file.suffix not in (".py", ".md", ".toml"):
            continue
        for number, line in enumerate(f.text(file.name).splitlines(), 1):
            if TODO.search(line):
                said = line[line.index("TODO") + 4 :].strip(": ")
                where, grave = f.at(file.name, number), file.name == "claims.toml"
                yield Finding(where, f"TODO, {said[:80]}", "write it and delete the word", grave)


def docstring(f: Folder) -> Iterator[Finding]:
    """run's docstring names the arrays of the committed run, and none that it lacks."""
    node = f.functions("run.py").get("run")
    if node is None:
        return
    where, doc = f.at("run.py", node.lineno), " ".join((ast.get_docstring(node) or "").split())
    if not re.search(r"\w \[", doc):
        yield Finding(where, "run's docstring names no arrays", "write: loss [seed, S]: …")
    run = store.peek(paths.results() / f.slug / "laptop/run.json")  # of all that run returned
    if not run.get("arrays"):
        return
    arrays = set(run["arrays"])
    for name in sorted(n for n in arrays if not re.search(rf"\b{re.escape(n)}\b", doc)):
        yield Finding(where, f"run's docstring does not name {name!r}", "name it with its axes")
    said = set(re.findall(r"\b([a-z]\w*) \[", doc.split(OPTIONAL)[0]))
    for name in sorted(said - arrays):
        what = f"run's docstring names {name!r}, which the committed run lacks"
        yield Finding(where, what, f"./lab verify {f.slug}, or put it after {OPTIONAL!r}")


def pictures(f: Folder) -> Iterator[Finding]:
    """The committed run has few figures."""
    drawn = len(list((paths.results() / f.slug / "laptop").glob("fig*.png")))
    if drawn > FIGURES:
        what = f"draws {drawn} figures"
        yield Finding(f.line("figures.py", "def figures"), what, f"join panels: {FIGURES} at most")


def lint(f: Folder) -> Iterator[Finding]:
    """What ruff says of the folder, where ruff is installed."""
    if not can_lint():
        return
    config = ["--config", str(paths.ROOT / "pyproject.toml"), "--output-format=concise"]
    for how, mend in ((["check"], "check --fix"), (["format", "--check"], "format")):
        command = [sys.executable, "-m", "ruff", *how, *config, "--quiet", "--no-cache"]
        done = subprocess.run(
            [*command, str(f.home)], cwd=paths.ROOT, capture_output=True, text=True, check=False
        )
        said = (done.stdout + done.stderr).splitlines() if done.returncode else []
        for line in said:
            match = re.match(r"(.*?\.py):(\d+):\d+: (.*)", line)
            name = Path(match[1]).name if match else ""
            where = f.at(name, int(match[2]) if match else 0)
            todo = f"python -m ruff {mend} experiments/{f.slug}"
            yield Finding(where, match[3] if match else line, todo)


def can_lint() -> bool:
    """Whether ruff is there: it is of requirements-dev.txt."""
    return find_spec("ruff") is not None


RULES = (files, readme, signatures, imports, purity, todos, docstring, pictures)
