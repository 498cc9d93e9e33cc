"""What a result depends on: the definitions that its code reaches, not the files they stand in.

Three hashes: `compute` (run of run.py, get_config of config.py) decides whether arrays are stale,
`measure` (what measure.py offers) and `rule` (how claims are decided) whether a verdict is.
From there names are followed through functions, classes, constants and imports. Statements that
run when a module is imported count with any use of it; what cannot be resolved (a star import, a
module handed on as a value, a name looked up at run time) counts whole; the rest for nothing.
Nothing is imported: files are read as text (launch/record/definitions.py).
"""

import hashlib
from pathlib import Path

from launch import paths
from launch.record import definitions, kept

RULE = "judge"  # of common.claims; what refuses a claims.toml before it is decided is not in it
# Plumbing that common/ imports when it is needed: checkpoints give back what was saved, and data
# sets are known by hashes of their own content. Whoever imports them at the top depends on them.
PLUMBING = ("common.checkpoint", "common.data")
WHOLE = ("globals", "eval", "exec")  # a definition with one of these may use all of its module,
DYNAMIC = ("__import__", "importlib")  # with one of these, all of its folder
CACHE = kept.Cache(made_by=(__file__, definitions.__file__))


def fingerprint(slug: str) -> dict:
    """{'compute', 'measure', 'rule': hash, 'definitions': {name: hash}} of an experiment now.

    Names are 'common/sharding.py:vmap_over', and 'common/x.py' for what runs at import. Those of
    the folder itself are './run.py:run', so that a copied folder has the same fingerprint.
    """
    known = CACHE.entry(slug)
    if known:
        return known["fingerprint"]
    compute, measure = _Reach(paths.EXPERIMENTS / slug), _Reach(paths.EXPERIMENTS / slug)
    home = f"experiments.{slug}"
    compute.follow(f"{home}.run", ["run"])
    compute.follow(f"{home}.config", ["get_config"])
    measure.public(f"{home}.measure")
    decided, files = _rule()
    found = {"compute": compute.combined(), "measure": measure.combined(), "rule": decided["rule"]}
    found["definitions"] = decided["definitions"] | measure.definitions | compute.definitions
    CACHE.keep(slug, found, files | measure.files | compute.files)
    return found


def _rule() -> tuple[dict, dict]:
    """{'rule': hash, 'definitions'} and the files looked at: the same for every paper."""
    known = CACHE.entry("(rule)")
    if known:
        return known["fingerprint"], known["files"]
    rule = _Reach(paths.EXPERIMENTS)
    rule.follow("common.claims", [RULE])
    found = {"rule": rule.combined(), "definitions": rule.definitions}
    CACHE.keep("(rule)", found, rule.files)
    return found, rule.files


def changed(old: dict, new: dict) -> list[str]:
    """Names of definitions that differ between two fingerprints, appeared or vanished."""
    if all(old.get(k) == new.get(k) for k in ("compute", "measure", "rule")):
        return []
    if "definitions" not in old or "definitions" not in new:
        return ["the code (fingerprints were of files then)"]
    a, b = old["definitions"], new["definitions"]
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))


def difference(old: dict, new: dict) -> dict[str, str | None]:
    """What of the new fingerprint's definitions differs from the old one's; None: gone."""
    a, b = old.get("definitions", {}), new.get("definitions", {})
    return {k: b.get(k) for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k)}


class _Reach:
    """The definitions reached so far, with their hashes, and the files looked at or for."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.definitions: dict[str, str] = {}
        self.files: dict[str, list[int] | None] = {}
        self._seen: set[tuple] = set()
        self._found: dict[str, Path | None] = {}  # module -> its file
        self._known: dict[str, dict | None] = {}  # module -> its summary
        self._todo: list[tuple[str, str]] = []  # (module, reference) to follow

    def combined(self) -> str:
        """The hash of all that is reached, once every reference is followed."""
        while self._todo:
            self._reference(*self._todo.pop())
        lines = "\n".join(f"{k} {h}" for k, h in sorted(self.definitions.items()))
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    def follow(self, module: str, chain: list[str]) -> None:
        """What `module.a.b` reaches; a module without an attribute counts whole."""
        if not _ours(module) or not self._first("follow", module, *chain):
            return
        known = self._use(module)
        if not chain:
            self.whole(module)
        elif known and self._has(known, chain[0]):
            self._name(module, chain[0], chain[1:])
        elif self._file(f"{module}.{chain[0]}"):
            self.follow(f"{module}.{chain[0]}", chain[1:])
        elif known:
            self.whole(module)

    def whole(self, module: str) -> None:
        """Every definition of a module."""
        known = self._use(module)
        if known and self._first("whole", module):
            for name in known["defs"]:
                self._name(module, name, [])
            for targets in known["imports"].values():  # what it offers of others
                for source, attribute in targets:
                    if attribute and not self._file(f"{source}.{attribute}"):
                        self.follow(source, [attribute])

    def public(self, module: str) -> None:
        """Every definition of a module whose name does not start with _."""
        known = self._use(module)
        for name in known["defs"] if known else ():
            if not name.startswith("_"):
                self._name(module, name, [])

    def _first(self, *key: str) -> bool:
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    @staticmethod
    def _has(known: dict, name: str) -> bool:
        return name in known["defs"] or name in known["imports"] or name in known["bound"]

    def _name(self, module: str, name: str, chain: list[str]) -> None:
        """A top-level name of a module, and what is taken of it."""
        known = self._use(module) or {}
        if name in known["defs"] and self._first("name", module, name):
            value, references = known["defs"][name]
            self.definitions[f"{self._shown(module)}:{name}"] = value
            self._todo += [(module, r) for r in references]
        for source, attribute in known["imports"].get(name, ()):
            self.follow(source, [*([attribute] if attribute else []), *chain])

    def _reference(self, module: str, reference: str) -> None:
        source, inside, rest = reference.rpartition("|")
        if inside:  # imported in a function
            if module.startswith("common.") and source in PLUMBING:
                return
            if source.split(".")[0] in DYNAMIC:
                self._folder(module)
            if rest:
                self.follow(source, [part for part in rest.split(".") if part])
            elif _ours(source):
                self._use(source)
            return
        name, *chain = reference.split(".")
        known = self._use(module) or {}
        if self._has(known, name):
            sources = known["imports"].get(name, ())
            if any(s.split(".")[0] in DYNAMIC for s, _ in sources):
                self._folder(module)
            self._name(module, name, chain)
        elif name in WHOLE:
            self.whole(module)
        elif name in DYNAMIC:
            self._folder(module)

    def _folder(self, module: str) -> None:
        file = self._file(module)
        package = module if file and file.name == "__init__.py" else module.rpartition(".")[0]
        for other in sorted(file.parent.glob("*.py")) if file else ():
            if not other.name.startswith("test_"):
                self.whole(package if other.stem == "__init__" else f"{package}.{other.stem}")

    def _use(self, module: str) -> dict | None:
        """The summary of a module; the first time also what importing it runs."""
        if module in self._known:
            return self._known[module]
        file = self._file(module)
        if file is None or file.is_dir():
            self._known[module] = None
            return None
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        known = self._known[module] = CACHE.summary(file, package)
        value, references = known["always"]
        if value:
            self.definitions[self._shown(module)] = value
            self._todo += [(module, r) for r in references]
        if "." in module:
            self._use(module.rpartition(".")[0])
        for name, targets in known["imports"].items():
            for source, attribute in targets:
                self._load(source, attribute)
                if name == definitions.STAR and _ours(source):
                    self.whole(source)
        return known

    def _load(self, module: str, attribute: str) -> None:
        """An import statement runs a module, and the submodule that it may name."""
        if _ours(module):
            self._use(module)
            if attribute and self._file(f"{module}.{attribute}"):
                self._use(f"{module}.{attribute}")

    def _file(self, module: str) -> Path | None:
        """The file of a module, the folder of a package without __init__.py, or None."""
        if module not in self._found:
            self._found[module] = self._looked_for(module)
        return self._found[module]

    def _looked_for(self, module: str) -> Path | None:
        base = paths.ROOT.joinpath(*module.split("."))
        for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            name = str(path.relative_to(paths.ROOT))
            if name not in self.files:
                self.files[name] = kept.stamp(path)
            if self.files[name]:
                return path
        return base if base.is_dir() else None

    def _shown(self, module: str) -> str:
        path = self._file(module) or paths.ROOT
        if self.home in path.parents:
            return f"./{path.relative_to(self.home)}"
        return str(path.relative_to(paths.ROOT))


def _ours(module: str) -> bool:
    return module.split(".")[0] in ("common", "experiments")
