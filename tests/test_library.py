"""common/ is a library: its examples run, and what nobody calls is not there."""

import ast
import re

import numpy as np
import pytest
from scipy.stats import norm

from tests.tree import ROOT

README = (ROOT / "common/README.md").read_text()
EXAMPLES = dict(re.findall(r"^## (\w+)\n[^#]*?```python\n(.*?)```", README, re.DOTALL | re.M))


def curvature(got):
    batch = np.asarray(got["batch"], float)
    eigenvalues = np.linalg.eigvalsh(batch.T @ batch / len(batch))
    np.testing.assert_allclose(got["top"].values, eigenvalues[:-4:-1], rtol=1e-4)
    assert abs(got["total"].estimate - eigenvalues.sum()) <= got["total"].bound
    assert 0 < got["total"].error <= 0.01 * eigenvalues.sum()
    x, y = np.linspace(0, 3, 400), np.asarray(got["density"].estimate)
    assert np.trapezoid(y, x) == pytest.approx(1, abs=0.02)
    assert np.trapezoid(y * x, x) == pytest.approx(eigenvalues.mean(), rel=0.05)
    assert y[(x < 0.05) | (x > 2.6)].max() < 0.02
    assert y[(x > 0.4) & (x < 1.8)].min() > 0.2


def ntk(got):
    np.testing.assert_allclose(got["kernel"], got["limit"], atol=0.05 * got["limit"].max())
    start, end = got["trained"]
    np.testing.assert_allclose(start, got["outputs"], atol=1e-6)
    np.testing.assert_allclose(end, got["y"], atol=1e-4)


def nn(got):
    x = np.asarray(got["x"][:, 0])
    assert np.mean(np.abs(np.abs(x) - 1) < 0.3) > 0.95
    assert np.mean(x > 0) == pytest.approx(0.5, abs=0.08)


def sde(got):
    x = np.asarray(got["x"][:, 0])
    for sampled in got["samples"].values():
        assert (sampled.mean(), sampled.std()) == pytest.approx((2, 0.5), abs=0.05)
    np.testing.assert_allclose(
        got["log_p"], norm(2, 0.5).logpdf(x[:50]), atol=0.05
    )  # p_1 is not quite the prior


def ode(got):
    np.testing.assert_allclose(got["states"]["x"][:, 0], np.cos(got["times"]), atol=1e-5)
    assert bool(got["end"].success)
    np.testing.assert_allclose(got["end"].y["x"], -1, atol=1e-5)


def spectra(got):
    squares = got["singular"] ** 2
    assert (squares.min(), squares.max()) == pytest.approx((0.25, 2.25), rel=0.08)
    assert got["rank"] == pytest.approx(400 / 2.25, rel=0.05)
    assert got["directions"] == pytest.approx(320, rel=0.02)
    assert abs(got["tail"].alpha - 2) < 4 * got["tail"].error


def ssm(got):
    off = got["past"] - got["u"][::-1][:1000]
    assert np.abs(off).max() < 2e-3
    assert np.abs(off[50:-50]).max() < 2e-4
    assert len(got["state"]) == 64


def optim(got):
    np.testing.assert_allclose(got["slow"].init(got["params"]), ())
    first = got["tx"].update(got["params"], got["tx"].init(got["params"]), got["params"])[0]
    np.testing.assert_allclose(first["body"], -1e-2 * 1.01, rtol=1e-4)
    np.testing.assert_allclose(first["log_step"], 0)
    singular = np.linalg.svd(np.asarray(got["u"]))[1]
    assert ((singular > 0.65) & (singular < 1.2)).all()
    assert np.abs(got["x"]).max() < 20 * 0.8**40


def ot(got):
    plan, cost = np.asarray(got["plan"], float), np.asarray(got["cost"], float)
    for axis in (0, 1):
        np.testing.assert_allclose(plan.sum(axis), 1 / 400, atol=2e-5)
    assert got["least"] <= (plan * cost).sum() <= got["least"] + np.log(400**2) / 5
    assert got["least"] == pytest.approx(11, rel=0.15)
    angle = np.pi * np.arange(500) / 500
    theta = np.stack([np.cos(angle), np.sin(angle)])
    x, y = (np.sort(np.asarray(got[name], float) @ theta, axis=0) for name in "xy")
    assert abs(got["half"].value - ((x - y) ** 2).mean()) < 4 * got["half"].error
    assert got["half"].error < 0.3 * np.std(got["values"]) / 10
    assert float(got["apart"]) == pytest.approx(2, rel=0.3)


def tasks(got):
    bits, product = np.asarray(got["bits"]), np.asarray(got["product"])
    np.testing.assert_array_equal(product, np.cumsum(bits, axis=1) % 2)
    assert np.asarray(got["right"]).min() > 0.9  # one half is what guessing gives


CHECKS = {fn.__name__: fn for fn in (curvature, ntk, nn, optim, ot, sde, ssm, tasks, ode, spectra)}


@pytest.mark.parametrize("library", CHECKS)
def test_the_example_of_a_library_gives_what_is_known(library):
    scope = {"__name__": "example"}
    exec(EXAMPLES[library], scope)
    CHECKS[library](scope)


def test_every_library_has_an_example_and_every_example_a_check():
    assert CHECKS.keys() == EXAMPLES.keys() == set(re.findall(r"^## (\w+)", README, re.M))
    for library in EXAMPLES:
        assert (ROOT / "common" / library).is_dir() or (ROOT / f"common/{library}.py").is_file()


def references(tree):
    """(module, name) of every import from a module and every attribute of one, by last names."""
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
                yield (node.module or "").split(".")[-1], alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield modules.get(node.value.id, node.value.id), node.attr


def names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def uncalled(sources, libraries):
    """'file:function' of public functions that nothing else refers to; none of the libraries."""
    trees = {path: ast.parse(text) for path, text in sources.items()}
    used = {path: set(references(tree)) for path, tree in trees.items()}
    for path, tree in trees.items():
        modules = re.split(r"[/.]", path)[1:-1]  # a package offers what its modules define
        if not path.startswith("common/") or modules[0] in libraries:
            continue
        others = (used[p] for p in trees if p != path and not p.endswith("__init__.py"))
        known = {name for module, name in set().union(*others) if module in modules}
        own = [names(node) for node in tree.body]
        for node, inside in zip(tree.body, own, strict=True):
            if not isinstance(node, ast.FunctionDef) or node.name[0] == "_":
                continue
            if node.name not in known.union(*(n for n in own if n is not inside)):
                yield f"{path}:{node.name}"


def test_a_public_function_of_common_has_a_caller_or_is_of_a_library():
    files = [p for home in ("common", "experiments", "launch") for p in (ROOT / home).rglob("*.py")]
    code = [p for p in files if not p.name.startswith("test_")]
    found = set(uncalled({str(p.relative_to(ROOT)): p.read_text() for p in code}, EXAMPLES))
    assert not found, "nobody calls these: delete them, or make them private"


def test_the_rule_sees_what_nobody_calls():
    sources = {
        "common/a.py": "def used(): ...\ndef own(): ...\ndef alone(): alone()\nown()\n",
        "common/nums/__init__.py": "from common.nums.b import offered, called\n",
        "common/nums/b.py": "def offered(): ...\ndef called(): ...\n",
        "launch/b.py": "from common.a import used\nfrom common import nums as n\nn.called()\n",
    }
    assert list(uncalled(sources, ["nums"])) == ["common/a.py:alone"]
    assert list(uncalled(sources, [])) == ["common/a.py:alone", "common/nums/b.py:offered"]
