"""One Python file as its top-level definitions: a hash of each, and the names it refers to.

Hashes are of the syntax tree without what computes nothing: comments, docstrings, annotations,
layout. The tree is written out here and not by `ast.dump`, whose words differ between Pythons.
Nothing is imported.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

IGNORED = {"type_comment", "type_ignores", "type_params", "kind", "ctx", "returns", "annotation"}
SPECIAL = ("ClassVar", "InitVar", "KW_ONLY")  # annotations that a dataclass acts on
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
IMPORTS = (ast.Import, ast.ImportFrom)
STAR = "*"


def summary(text: str, package: str) -> dict:
    """What a file of the dotted package `package` defines and needs; JSON-able.

    defs {name: [hash, references]}; a name bound twice counts with all that binds it
    imports {name: [[module, attribute or ""], …]}; the name "*" holds star imports
    always [hash, references]: statements and decorators that run at import; "" where none
    bound [names]: what those statements bind
    A reference is "name.attribute…" of the file; or of an import inside a function: "module|" (it
    is loaded), "module|name.attribute…", "module|." (the module as a value). Errors: SyntaxError.
    """
    tree = ast.parse(text)
    _strip(tree)
    body = [n for n in tree.body if not _for_types(n)]
    imports = _imports(body, package)
    defined: dict[str, list[ast.AST]] = {}
    always: list[ast.AST] = []
    for node in body:
        names = _defined(node)
        for name in names:
            defined.setdefault(name, []).append(node)
        if not names and not isinstance(node, IMPORTS):
            always.append(node)
    taken = set()
    for node in body:
        if isinstance(node, DEFINITIONS):
            always += node.decorator_list  # they run, and one of ours may put it into a table
            roots = [_root(d) for d in node.decorator_list]
            taken |= {node.name for r in roots if r in defined or _ours(imports.get(r))}
    value, references = _record(always, imports, package) if always else ("", [])
    return {
        "defs": {k: _record(nodes, imports, package) for k, nodes in defined.items()},
        "imports": imports,
        "always": [value, sorted({*references, *taken})],
        "bound": sorted(_bindings(n for n in always if isinstance(n, ast.stmt))),
    }


def _imports(body: list[ast.stmt], package: str) -> dict[str, list[tuple[str, str]]]:
    """{name: what it may stand for} of a module's own imports, in whatever statement."""
    found: dict[str, list[tuple[str, str]]] = {}
    for node in body:
        if not isinstance(node, DEFINITIONS):
            for part in ast.walk(node):
                for name, target in _imported(part, package):
                    found.setdefault(name, []).append(target)
    return found


def _record(nodes: list[ast.AST], imports: dict, package: str) -> list:
    """[hash, references]; the same words under another import are another definition."""
    seen = _References(package)
    for node in nodes:
        seen.visit(node)
    roots = sorted({ref.split(".")[0] for ref in seen.found} & imports.keys())
    # a copied folder has the same hashes: its own modules are named from where they stand
    near = {r: [(m.removeprefix(package), a) for m, a in imports[r]] for r in roots}
    text = "\n".join([*map(_written, nodes), repr(near)])
    return [hashlib.sha256(text.encode()).hexdigest()[:10], sorted(seen.found)]


def _written(node: Any) -> str:
    if isinstance(node, list):
        return f"[{','.join(map(_written, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = (f"{k}={_written(v)}" for k, v in ast.iter_fields(node) if k not in IGNORED)
    marker = f"|{node.marker}" if isinstance(node, ast.AnnAssign) else ""  # type: ignore[attr-defined]
    return f"{type(node).__name__}({','.join(f for f in fields if f[-5:] != '=None')}{marker})"


def _strip(tree: ast.Module) -> None:
    """Take docstrings and annotations out. In a class, annotated names are fields: they stay."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *DEFINITIONS)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
        if isinstance(node, FUNCTIONS):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        for field in ("body", "orelse", "finalbody"):
            part = getattr(node, field, None)
            if isinstance(part, list):
                inside = isinstance(node, ast.ClassDef)
                setattr(node, field, [s for p in part if (s := _plain(p, field=inside))])


def _plain(node: ast.AST, *, field: bool) -> ast.AST | None:
    if not isinstance(node, ast.AnnAssign):
        return node
    if field:
        words = ast.unparse(node.annotation)
        node.marker = [w for w in SPECIAL if w in words]  # type: ignore[attr-defined]
        node.annotation = ast.Constant(None)
        return node
    return ast.Assign([node.target], node.value) if node.value else None


def _for_types(node: ast.AST) -> bool:
    """if TYPE_CHECKING: … without else."""
    test = getattr(node, "test", None)
    name = getattr(test, "attr", getattr(test, "id", ""))
    return isinstance(node, ast.If) and name == "TYPE_CHECKING" and not node.orelse


def _defined(node: ast.AST) -> list[str]:
    """Names that a statement defines and does nothing else; [] where it does more."""
    if isinstance(node, DEFINITIONS):
        return [node.name]
    if not isinstance(node, ast.Assign):
        return []
    parts = [p for target in node.targets for p in ast.walk(target)]
    if any(isinstance(p, (ast.Attribute, ast.Subscript)) for p in parts):
        return []
    return sorted(_bindings([node]))


def _imported(node: ast.AST, package: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """(name bound, (dotted module, attribute or "")) of an import statement."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.split(".")[0]
            yield alias.asname or first, (alias.name if alias.asname else first, "")
            if not alias.asname and alias.name != first:
                yield f"{alias.name} loaded", (alias.name, "")  # bound by no name, but it runs
    elif isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        base = parts[: len(parts) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            yield alias.asname or alias.name, (module, alias.name)


def _ours(targets: list[tuple[str, str]] | None) -> bool:
    return any(m.split(".")[0] in ("common", "experiments") for m, _ in targets or [])


def _root(node: ast.AST) -> str:
    while not isinstance(node, ast.Name):
        node = getattr(node, "func", None) or getattr(node, "value", None)  # type: ignore[assignment]
        if node is None:
            return ""
    return node.id


def _bindings(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that statements bind in their own scope: not in functions or comprehensions inside."""
    names: set[str] = set()
    elsewhere: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, DEFINITIONS):
            names.add(node.name)
            todo += node.decorator_list
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, COMPREHENSIONS):  # := binds around it
            walrus = (n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
            names.update(walrus)
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        todo += ast.iter_child_nodes(node)
    return names - elsewhere


class _References(ast.NodeVisitor):
    """Collects what is not local: names with their attributes, imports inside functions."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.scopes: list[dict[str, list[str]]] = []  # name -> imports that bind it, [] other
        self.found: set[str] = set()

    def _name(self, name: str, chain: list[str]) -> None:
        for scope in reversed(self.scopes):
            if name in scope:
                self.found.update(".".join([target, *chain]) for target in scope[name])
                return
        self.found.add(".".join([name, *chain]))

    def visit_Name(self, node: ast.Name) -> None:
        if self.scopes or isinstance(node.ctx, ast.Load):  # a field of a class is no module's name
            self._name(node.id, [])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            chain, inner = [inner.attr, *chain], inner.value
        if isinstance(inner, ast.Name):
            stored = not isinstance(node.ctx, ast.Load)  # a module that is patched counts whole
            self._name(inner.id, chain[:-1] if stored else chain)
        else:
            self.visit(inner)

    def _function(self, node: Any) -> None:
        a = node.args
        outside = [*getattr(node, "decorator_list", []), *a.defaults, *a.kw_defaults]
        for part in outside:
            if part is not None:
                self.visit(part)
        body = node.body if isinstance(node.body, list) else [node.body]
        arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
        scope: dict[str, list[str]] = {x.arg: [] for x in arguments}
        scope |= {name: [] for name in _bindings(body)}
        for part in self._own(body):
            for name, (module, attribute) in _imported(part, self.package):
                self.found |= {f"{module}|", f"{module}.{attribute}|"}
                scope[name] = [*scope.get(name, []), f"{module}|{attribute or '.'}"]
        self.scopes.append(scope)
        for part in body:
            self.visit(part)
        self.scopes.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def _comprehension(self, node: Any) -> None:
        targets = [g.target for g in node.generators]
        self.scopes.append({name: [] for name in _bindings(targets)})
        self.generic_visit(node)
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    @staticmethod
    def _own(body: list[ast.AST]) -> Iterator[ast.AST]:
        """Nodes of a function that are not of functions inside it."""
        todo = list(body)
        while todo:
            node = todo.pop()
            yield node
            if not isinstance(node, (*DEFINITIONS, ast.Lambda)):
                todo += ast.iter_child_nodes(node)
