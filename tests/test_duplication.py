"""The rule of three: a function that stands in three places belongs in common/."""

import ast
from collections import defaultdict

from tests.tree import ROOT

CONTRACT = {"get_config"}  # the contract itself asks for it in every folder
LEAST = 3  # statements: shorter ones are not worth an import


def thrice(sources):
    """Places of every function body that stands three times; names and docstrings left out."""
    places = defaultdict(list)
    for name, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef) or node.name in CONTRACT:
                continue
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if sum(isinstance(n, ast.stmt) for b in body for n in ast.walk(b)) >= LEAST:
                text = ast.dump(node.args) + "".join(ast.dump(b) for b in body)
                places[text].append(f"{name}:{node.lineno} {node.name}")
    return [where for where in places.values() if len(where) >= 3]


def test_no_function_stands_three_times():
    files = [p for home in ("experiments", "common") for p in (ROOT / home).rglob("*.py")]
    found = thrice({str(p.relative_to(ROOT)): p.read_text() for p in sorted(files)})
    assert not found, f"promote to common/, with a test: {found}"


def test_the_rule_sees_three_and_allows_two():
    body = "(x):\n    y = x + 1\n    z = y * 2\n    return z\n"
    one, two = f"def f{body}", f'def g(x):\n    "doc"\n{body[5:]}'
    assert not thrice({"a": one, "b": two})
    assert len(thrice({"a": one, "b": two, "c": one})[0]) == 3
