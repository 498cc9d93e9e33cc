"""A fingerprint changes with what is computed, names it, and changes with nothing else."""

import shutil

import pytest

from launch import paths
from launch.record import fingerprint, kept
from tests.tree import ROOT

FILES = {
    "common/__init__.py": "",
    "common/claims.py": "def judge(x):\n    return x\n",
    "common/tool.py": '''"""Words."""
import math as m
from functools import cache, partial

import jax

HALF = 1 / 2
UNUSED = 3
TABLE = {}


def decorate(fn):
    return fn


def scaled(x: int, by: float = HALF) -> float:
    """Scale."""
    y = x * by  # why
    return m.sqrt(y)


@cache
def unreached(x):
    z = x + 1
    return z


def in_table(x):
    return TABLE[x]


def late():
    from common import deep

    return deep.bottom()


def shadowed(patched):
    return [patched.anything for patched in patched]
''',
    "common/deep.py": "def bottom():\n    return 1\n\n\ndef top():\n    return 2\n",
    "common/stars.py": "def one():\n    return 1\n\n\ndef two():\n    return 2\n",
    "common/patched.py": "def own():\n    return 1\n\n\ndef other():\n    return 2\n",
    "common/looked.py": "def a():\n    return 1\n\n\ndef b():\n    return 2\n",
    "common/pack/__init__.py": "from .inner import offered as given\n",
    "common/pack/inner.py": "def offered():\n    return 1\n\n\ndef kept():\n    return 2\n",
    "experiments/__init__.py": "",
    "experiments/p/__init__.py": '"""P."""\n',
    "experiments/p/config.py": """PAPER = {'a': 1}
PLANS = ()


def get_config():
    return PAPER
""",
    "experiments/p/measure.py": "import numpy as np\n\n\ndef rate(a):\n    return np.mean(a)\n",
    "experiments/p/model.py": '''from typing import ClassVar, NamedTuple


class Net(NamedTuple):
    width: int
    depth: int = 2

    def size(self):
        """Words."""
        return helper(self.width)


def helper(x):
    return x


def unused(x):
    return x
''',
    "experiments/p/run.py": """from typing import TYPE_CHECKING

from common import looked, pack, patched, tool
from common.stars import *
from common.tool import decorate

from . import model

if TYPE_CHECKING:
    from jax import Array


@decorate
def registered(x):
    return x + 1


def run(cfg, mesh, scratch):
    patched.own = cfg.own
    names = [tool.scaled(c) for c in cfg.items]
    values = getattr(looked, cfg.name)()
    return tool.in_table(0), model.Net(1).size(), pack.given(), tool.late(), names, values


def steps(cfg):
    return tool.unreached(cfg)
""",
}


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Fingerprint of the little tree after an edit; every call as in a new process."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "EXPERIMENTS", tmp_path / "experiments")
    monkeypatch.setenv("REPRISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kept.atexit, "register", lambda _: None)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def take(file="", old="", new="", slug="p"):
        if file:
            text = (tmp_path / file).read_text()
            assert old in text
            (tmp_path / file).write_text(text.replace(old, new))
        monkeypatch.setattr(fingerprint, "CACHE", kept.Cache((fingerprint.__file__,)))
        found = fingerprint.fingerprint(slug)
        fingerprint.CACHE.write()
        return found

    take.root = tmp_path
    return take


RUN, MODEL, TOOL = "experiments/p/run.py", "experiments/p/model.py", "common/tool.py"
SAME = {
    "comment": (TOOL, "  # why", "  # another reason"),
    "docstring": (TOOL, '    """Scale."""\n', ""),
    "docstring of a method": (MODEL, '        """Words."""\n', ""),
    "docstring of a file": (TOOL, '"""Words."""', '"""Other words."""'),
    "annotation": (TOOL, "x: int, by: float = HALF) -> float", "x, by: int = HALF)"),
    "annotated local": (TOOL, "y = x * by", "y: float = x * by"),
    "formatting": (TOOL, "return m.sqrt(y)", "return m.sqrt(\n        (y),\n    )"),
    "unreached function": (TOOL, "z = x + 1\n    return z", "return x + 2"),
    "unreached constant": (TOOL, "UNUSED = 3", "UNUSED = 4"),
    "unreached import": (TOOL, "import jax\n", "import jax.numpy\nimport os\n"),
    "function of the folder": (
        MODEL,
        "def unused(x):\n    return x",
        "def unused(x):\n    return 2",
    ),
    "what a submodule keeps": ("common/pack/inner.py", "return 2", "return 3"),
    "late module's other function": ("common/deep.py", "return 2", "return 3"),
    "steps, for plans": (RUN, "tool.unreached(cfg)", "2"),
    "settings of plans": ("experiments/p/config.py", "PLANS = ()", "PLANS = (1,)"),
    "import for types": (RUN, "from jax import Array", "from jax import Array, Device"),
    "order of definitions": (TOOL, "HALF = 1 / 2\nUNUSED = 3\n", "UNUSED = 3\nHALF = 1 / 2\n"),
}


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_what_computes_nothing_changes_nothing(at, edit):
    before = at()
    assert at(*edit) == before


CHANGED = {
    "number": (TOOL, "HALF = 1 / 2", "HALF = 1 / 3", [f"{TOOL}:HALF"]),
    "kind of number": (TOOL, "HALF = 1 / 2", "HALF = 1 / 2.0", [f"{TOOL}:HALF"]),
    "renamed local": (TOOL, "y = x * by  # why\n    return m.sqrt(y)",
                      "z = x * by\n    return m.sqrt(z)", [f"{TOOL}:scaled"]),
    "default": (TOOL, "by: float = HALF", "by: float = 1.0", [f"{TOOL}:HALF", f"{TOOL}:scaled"]),
    "the same words of another library": (TOOL, "import math as m", "import cmath as m",
                                          [f"{TOOL}:scaled"]),
    "statement at import": (TOOL, "TABLE = {}", "TABLE = {}\nTABLE[0] = 1", [TOOL]),
    "setting of JAX": (TOOL, "import jax\n", "import jax\n\njax.config.update('x', 1)\n", [TOOL]),
    "setting in a module that is only imported": (
        "common/patched.py", "def own", "if True:\n    print(1)\n\n\ndef own",
        ["common/patched.py"]),
    "augmented constant": (TOOL, "HALF = 1 / 2", "HALF = 1 / 2\nHALF += 1", [TOOL]),
    "decorator of a reached function": (RUN, "def run", "@partial(jit)\ndef run",
                                        ["./run.py", "./run.py:run"]),
    "decorator of any function": (TOOL, "@cache\n", "@partial(cache)\n", [TOOL]),
    "function that our decorator takes": (RUN, "x + 1", "x + 2",
                                          ["./run.py:registered"]),
    "star import": ("common/stars.py", "return 2", "return 3", ["common/stars.py:two"]),
    "patched module": ("common/patched.py", "return 2", "return 3", ["common/patched.py:other"]),
    "name looked up": ("common/looked.py", "return 2", "return 3", ["common/looked.py:b"]),
    "offered by a package": ("common/pack/inner.py", "return 1", "return 3",
                             ["common/pack/inner.py:offered"]),
    "import when needed": ("common/deep.py", "return 1", "return 3", ["common/deep.py:bottom"]),
    "method": (MODEL, "self.width)", "self.depth)", ["./model.py:Net"]),
    "field": (MODEL, "depth: int = 2", "depth: int = 3", ["./model.py:Net"]),
    "what a dataclass acts on": (MODEL, "depth: int = 2", "depth: ClassVar[int] = 2",
                                 ["./model.py:Net"]),
    "what a method calls": (MODEL, "x):\n    return x\n\n\ndef un", "x):\n    return 2\n\n\ndef un",
                            ["./model.py:helper"]),
    "setting": ("experiments/p/config.py", "'a': 1", "'a': 2", ["./config.py:PAPER"]),
    "moved": (MODEL, "def helper(x):\n    return x", "from common.deep import top as helper",
              ["./model.py:Net", "./model.py:helper", "common/deep.py:top"]),
    "measure": ("experiments/p/measure.py", "np.mean", "np.median", ["./measure.py:rate"]),
    "rule": ("common/claims.py", "return x", "return 2 * x", ["common/claims.py:judge"]),
    "no Python": (TOOL, "HALF = 1 / 2", "HALF = = 2", None),
}  # fmt: skip


@pytest.mark.parametrize("edit", CHANGED.values(), ids=CHANGED)
def test_what_computes_is_named(at, edit):
    *how, names = edit
    before = at()
    after = at(*how)
    found = fingerprint.changed(before, after)
    assert found == names if names is not None else TOOL in found
    others = {"experiments/p/measure.py": "measure", "common/claims.py": "rule"}
    which = others.get(edit[0], "compute")
    assert [k for k in ("compute", "measure", "rule") if before[k] != after[k]] == [which]


def test_two_names_that_change_places(at):
    before = at(TOOL, "def late", "def twice(x):\n    return 2 * x\n\n\ndef late")
    at(RUN, "from common.tool import decorate", "from common.tool import scaled as f, twice as g")
    at(RUN, "names = [tool.scaled(c)", "names = [f(g(c))")
    one = at(RUN, "@decorate\n", "")
    two = at(RUN, "scaled as f, twice as g", "twice as f, scaled as g")
    assert before["compute"] != one["compute"]
    assert fingerprint.changed(one, two) == ["./run.py:run"]


def test_a_module_that_a_local_name_hides_is_not_reached(at):
    before = at(RUN, "tool.late()", "tool.late(), tool.shadowed(1)")
    assert at("common/patched.py", "return 2", "return 2") == before
    assert "common/tool.py:shadowed" in before["definitions"]
    at(TOOL, "from common import deep", "from common import deep, looked as patched")
    assert "common/looked.py:a" in at()["definitions"]


def test_what_is_looked_up_at_run_time_counts_whole(at):
    names = at()["definitions"]
    assert not {"./model.py:unused", f"{TOOL}:UNUSED"} & names.keys()
    at(TOOL, "return TABLE[x]", "return globals()[x]")
    at(RUN, "tool.late()", "importlib.import_module(cfg.name)")
    names = at(RUN, "from common import looked", "import importlib\n\nfrom common import looked")
    assert {"./model.py:unused", f"{TOOL}:UNUSED"} <= names["definitions"].keys()


def test_an_import_of_a_submodule_in_a_function(at):
    at("common/deep.py", "def bottom", "TOP = print(1)\nTOP += 1\n\n\ndef bottom")
    late = "from common import deep\n\n    return deep.bottom()"
    names = at(TOOL, late, "import common.deep\n\n    return common.deep.top()")["definitions"]
    assert {"common/deep.py:top", "common/deep.py"} <= names.keys()
    assert "common/deep.py:bottom" not in names
    at(TOOL, "import common.deep\n", "import common.deep as below\n")
    assert "common/deep.py:bottom" in at(TOOL, "common.deep.top()", "below")["definitions"]


def test_a_copied_folder_has_the_same_fingerprint(at):
    before = at()
    shutil.copytree(at.root / "experiments/p", at.root / "experiments/q")
    assert at(slug="q") == before


def test_fingerprints_of_files_read_as_changed(at):
    old = {"compute": "0" * 16, "measure": "1" * 16, "rule": "2" * 16, "files": {"run.py": "3"}}
    assert fingerprint.changed(old, at()) == ["the code (fingerprints were of files then)"]
    assert fingerprint.changed(old, old) == []


def test_a_module_that_appears_is_seen_by_what_is_kept(at):
    before = at()
    (at.root / "common/tool").mkdir()
    (at.root / "common/tool/__init__.py").write_text("def scaled(x):\n    return x\n")
    assert at()["compute"] != before["compute"]


def test_without_a_cache_it_is_the_same(at, monkeypatch):
    before = at()
    monkeypatch.setenv("REPRISE_CACHE", "/dev/null/nowhere")
    assert at() == before


def test_what_every_paper_rests_on_is_reached():
    """run, get_config and the rule of the papers that are here; plans and tests are not."""
    for slug in paths.slugs():
        names = fingerprint.fingerprint(slug)["definitions"]
        rule = "common/criteria/rule.py:KINDS"
        assert {"./run.py:run", "./config.py:LAPTOP", rule} <= names.keys()
        assert "./run.py:programs" not in names
        assert not [n for n in names if "test_" in n.split(":")[0] or "figures.py" in n]
        for path in {n.split(":")[0] for n in names if n.startswith("common/")}:
            assert (ROOT / path).exists()
