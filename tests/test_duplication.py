"""The rule of three: a function that stands in three places belongs in common/."""

import ast
from collections import defaultdict

from tests.tree import ROOT

CONTRACT = {"get_config"}  # the contract itself asks for it in every folder
LEAST = 3  # statements: shorter ones are not worth an import


class Renamed(ast.NodeTransformer):
    """A function with its locals numbered in the order in which they are met."""

    def __init__(self, function):
        named = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                named.add(node.id)
            elif isinstance(node, ast.arg):
                named.add(node.arg)
            elif isinstance(node, ast.FunctionDef) and node is not function:
                named.add(node.name)
        self.locals, self.numbers = named, {}

    def number(self, name):
        if name not in self.locals:
            return name
        return self.numbers.setdefault(name, f"_{len(self.numbers)}")

    def visit_Name(self, node):
        return ast.Name(self.number(node.id), ast.Load())

    def visit_arg(self, node):
        return ast.arg(self.number(node.arg))

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.name = self.number(node.name)
        return node


def thrice(sources):
    """Places of every function that stands three times, but for docstrings and names of locals."""
    places = defaultdict(list)
    for name, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef) or node.name in CONTRACT:
                continue
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if sum(isinstance(n, ast.stmt) for b in body for n in ast.walk(b)) < LEAST:
                continue
            rename = Renamed(node)
            same = [rename.visit(node.args), *(rename.visit(b) for b in body)]
            places["".join(map(ast.dump, same))].append(f"{name}:{node.lineno} {node.name}")
    return [where for where in places.values() if len(where) >= 3]


def code():
    files = [p for home in ("experiments", "common") for p in (ROOT / home).rglob("*.py")]
    return {str(p.relative_to(ROOT)): p.read_text() for p in sorted(files)}


def test_no_function_stands_three_times():
    found = thrice(code())
    assert not found, f"promote to common/, with a test: {found}"


BODY = "(x):\n    y = x + 1\n    z = y * 2\n    w = z - y\n    return w * z\n"


def test_the_rule_sees_three_and_allows_two():
    one, two = f"def f{BODY}", f'def g(x):\n    "doc"\n{BODY[5:]}'
    assert not thrice({"a": one, "b": two})
    assert len(thrice({"a": one, "b": two, "c": one})[0]) == 3


def test_renamed_locals_are_seen_and_other_operations_are_not():
    one = f"def f{BODY}"
    other = one.replace("x", "u").replace("y", "v").replace("z", "x")
    assert len(thrice({"a": one, "b": other, "c": one})[0]) == 3
    assert not thrice({"a": one, "b": other, "c": one.replace("z - y", "y - z")})
    assert not thrice({"a": one, "b": other, "c": one.replace("y * 2", "y * k")})
