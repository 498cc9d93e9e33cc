"""`./lab check`: a folder that keeps the contract has no finding, and every rule can find."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from launch import paths, settings
from launch.errors import UserError
from launch.make import check, check_text, fork, new, testing
from launch.record import ledger, store
from tests.examples import LINE, RUN
from tests.tree import ROOT, copy_tree


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toy's folder, alone in a workspace."""
    monkeypatch.setattr(paths, "EXPERIMENTS", tmp_path / "experiments")
    monkeypatch.setenv("REPRISE_RESULTS", str(tmp_path / "results"))
    home = tmp_path / "experiments/toy"
    shutil.copytree(ROOT / "tests/toy", home, ignore=shutil.ignore_patterns("__pycache__"))
    return home


def edit(file, old, change):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, change, 1))


def test_a_folder_that_keeps_the_contract_has_no_finding(toy):
    assert check.findings("toy") == []
    assert "toy: nothing found\nnext: ./lab run toy:smoke" in check.text({"toy": []})


# file, what stands there, what is put in its place, words of the one finding, whether it is grave
BROKEN = [
    ("config.py", 'LAPTOP = {"needs": ""}', 'LAPTOP = {"needs": "", "stepz": 3}',
     "laptop: PAPER has no 'stepz'; did you mean 'steps'?", True),
    ("config.py", "    return cfg\n", "    return cfg.unlock()\n", "changes, locked", True),
    ("config.py", '"steps": 50', '"steps": 50.0', "smoke: steps = 50.0 is of another type", True),
    ("config.py", '"steps": 50', '"widths": (0.5,)', "smoke: widths = (0.5,) is of another", True),
    ("config.py", '"widths": (1, 2)', '"widths": [1, 2]', "does not survive JSON", True),
    ("config.py", '"x64": True', '"x46": True', "PAPER lacks 'x64'", True),
    ("config.py", '"needs": "accelerator"', '"needs": ""', "paper: needs = ''", False),
    ("config.py", "(0, 1, 2, 3, 4)", "(0, 1, 2, 3, 3)", "different whole numbers", True),
    ("config.py", ', "smoke": SMOKE', "", "PRESETS lacks 'smoke'", True),
    ("config.py", "PAPER = {", "PAPERS = {", "has no PAPER", True),
    ("config.py", "from ml", "import json\nfrom ml", "config.py:3: imports json", False),
    ("claims.toml", '["lr=0.05"]', '["lrr=0.05"]', "t1: falsifier: toy has no setting 'lrr'", True),
    ("claims.toml", '["lr=0.05"]', '["lr=low"]', "t1: falsifier: lr=low is not a float", True),
    ("claims.toml", '["lr=0.05"]', '["lr=0.05", "x64=0"]', "falsifier: toy needs float64", True),
    ("claims.toml", '["lr=0.05"]', '["lr=0.1"]', "changes nothing", True),
    ("claims.toml", '["lr=0.05"]', '["seeds=1,2"]', "changes nothing", True),
    ("claims.toml", 'measure = "rate"', 'measure = "rat"', "no rat; did you mean 'rate'?", True),
    ("claims.toml", "headline = true", "", "no claim is a headline", False),
    ("claims.toml", "falsifier = ", "# ", "a headline without a negative control", True),
    ("claims.toml", 'smoke = "none", ', "", "level names not every preset", False),
    ("claims.toml", "trivial = 0.0", "trivial = 0.1053605", "toml:13: claim 't1': cannot", True),
    ("claims.toml", 'kind = "equals", value = 0.10536051565782628, tol = 1e-6',
     'kind = "rate", at_least = 0.9', "at 5 verdict seeds 5 outcomes cannot reach", True),
    ("claims.toml", "[[claim]]", "[[claim]]  # TODO: more", "toml:12: TODO, more", True),
    ("README.md", "## Traps", "## Trap", "lacks the section 'Traps'", False),
    ("README.md", "run toy", "run other", "README.md:5: names another paper, other", False),
    ("__init__.py", "smallest experiment", "smallest\nexperiment", "__init__.py", False),
    ("run.py", "def programs(", "def program(", "has no function programs; write programs(", True),
    ("run.py", "def run(cfg, mesh, ", "def run(cfg, ", "run takes other arguments", True),
    ("run.py", "error [seed, step], start [seed, D]",
     "it", "names no arrays", False),
    ("run.py", "import time", "import time\n\nfrom experiments import it", "imports exper", False),
    ("run.py", "import time", "import time\n\nfrom ..other import run as it", "..other", False),
    ("run.py", "import time", "import time\n\nfrom launch import stop", "imports launch", False),
    ("run.py", "def chunk", "def draw():\n    return np.random\n\n\ndef chunk", "np.random", False),
    ("run.py", "def chunk", "def chunk(:\n    def chunk", "is no Python", True),
    ("measure.py", '"""Fall', '"""cfg: fall', "measure.py:7: holds 'cfg'", False),
    ("figures.py", "def figures(arrays, cfg)", "def figures(arrays, mesh)", "takes other", True),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "change", "words", "grave"), BROKEN)
def test_each_rule_finds(toy, file, old, change, words, grave):
    (toy.parent / "other").mkdir()
    (toy.parent / "other/config.py").write_text((toy / "config.py").read_text())
    edit(toy / file, old, change)
    found = check.findings("toy", lint=False)
    mine = [x for x in found if words in str(x)]
    assert len(mine) == 1, [str(x) for x in found]
    assert mine[0].grave is grave
    assert mine[0].where.startswith(f"experiments/toy/{file}")


def test_measures_are_without_jax_through_siblings_and_common_too(toy):
    edit(toy / "measure.py", "import numpy as np", "import numpy as np\n\nfrom .noun import x")
    (toy / "noun.py").write_text('"""A noun."""\n\nfrom common import sharding\n\nx = sharding\n')
    (found,) = check.findings("toy", lint=False)
    assert "imports jax through toy/noun.py, common/sharding.py; NumPy only" in str(found)


@pytest.mark.parametrize("name", [*check_text.FILES, "test_toy.py"])
def test_a_missing_file_is_found(toy, name):
    (toy / name).unlink()
    found = [x for x in check.findings("toy", lint=False) if "is missing" in x.what]
    assert [x.where for x in found] == [f"experiments/toy/{name}"]
    assert check.names([]) == ["toy"]  # also without config.py, which makes it an experiment


@pytest.mark.skipif(not check_text.can_lint(), reason="ruff is not installed")
def test_lint_errors_are_found(toy):
    edit(toy / "run.py", "import time", "import json\nimport time")
    edit(toy / "measure.py", "error = np", "error  =  np")
    lint, layout = check.findings("toy")
    assert "experiments/toy/run.py:3: F401" in str(lint)
    assert str(layout).startswith("experiments/toy/measure.py:8: unformatted")


def test_a_config_that_would_take_a_mistyped_key_is_found(toy):
    """As every paper's did: update, then lock."""
    edit(toy / "config.py", "ConfigDict(PAPER).lock()", "ConfigDict(PAPER)")
    edit(toy / "config.py", "return cfg", "return cfg.lock()")
    (found,) = check.findings("toy", lint=False)
    assert "get_config adds keys that PAPER lacks; lock before the update" in str(found)


def test_docstring_and_stored_arrays_name_the_same(toy):
    returned = {k: ["float64", [1]] for k in ("error", "start", "extra")}
    store.write_json(paths.results() / "toy/laptop/run.json", RUN | {"arrays": returned})
    (found,) = check.findings("toy", lint=False)
    assert "does not name 'extra'" in found.what
    edit(toy / "run.py", "error [seed, step]", "extra [], wrong [seed], error [seed, step]")
    (found,) = check.findings("toy", lint=False)
    assert "names 'wrong', which the committed run lacks" in found.what
    edit(toy / "run.py", "wrong [seed], error [seed, step]", "error [seed, step], if any wrong []")
    assert check.findings("toy", lint=False) == []
    for i in range(7):
        (paths.results() / f"toy/laptop/fig{i}.png").touch()
    (found,) = check.findings("toy", lint=False)
    assert "draws 7 figures" in found.what


def test_a_headline_that_may_not_repeat_is_said(toy, monkeypatch):
    chances = SimpleNamespace(WANTED=0.9, short=lambda slug: [("t1", 0.7512)])
    monkeypatch.setitem(sys.modules, "launch.read.repeats", chances)
    monkeypatch.setattr(check_text, "can_lint", lambda: False)
    (found,) = check.findings("toy")
    assert "toml:13: t1: a headline that repeats with chance 0.75, below 0.9" in str(found)
    assert check.findings("toy", verdicts=False) == []
    assert "ruff is not installed and was left out" in check.text({"toy": [found]})


def test_verdicts_of_fewer_seeds_than_the_paper_asks_for_are_said(toy, monkeypatch):
    line = LINE | {"id": "t1", "seeds": list(range(1000, 1005))}
    ledger.append("toy", [line])
    assert check.findings("toy", lint=False) == []
    edit(
        toy / "claims.toml", 'theme = "optimization"', 'theme = "optimization"\nverdict_seeds = 10'
    )
    (found,) = check.findings("toy", lint=False)
    assert "verdict_seeds is 10, but claims were decided on 5 seeds; ./lab verify toy" in str(found)


def test_files_of_any_shape_are_findings_and_no_traceback(toy):
    edit(toy / "config.py", '"laptop": LAPTOP', '"laptop": None')
    (toy / "README.md").write_bytes(b"\xff\xfe")
    found = [str(x) for x in check.findings("toy", lint=False)]
    assert any("the rule 'config' stumbles: TypeError" in x for x in found)
    assert sum("lacks the section" in x for x in found) == len(check_text.SECTIONS)


def test_lineage_left_in_a_paper_is_said_and_a_fork_is_none(toy):
    """A fork shares title and claims with its parent; a paper of its own does not."""
    shutil.copytree(toy, toy.parent / "mine")
    fork.rename(toy.parent / "mine", "toy", "mine")
    lineage = {"parent": "toy", "claims": {"t1": {}}}
    (toy.parent / "mine/lineage.json").write_text(json.dumps(lineage))
    assert check.findings("mine") == []
    assert "mine is a fork of toy: not counted among the papers" in check.text({"mine": []})
    claims = toy.parent / "mine/claims.toml"
    edit(claims, 'title = "A toy"', 'title = "Another paper"')
    (found,) = check.findings("mine")
    assert found.where == "experiments/mine/lineage.json"
    assert "delete lineage.json" in found.todo
    edit(claims, 'title = "Another paper"', 'title = "A toy"')
    edit(claims, 'id = "t1"', 'id = "u1"')
    assert check.findings("mine") == [found]


def test_a_verification_is_refused_and_a_run_warned(toy, capsys):
    edit(toy / "claims.toml", '["lr=0.05"]', '["lrr=0.05"]')
    edit(toy / "README.md", "## Traps", "")
    with pytest.raises(UserError, match=r"toml:13: t1: falsifier: toy has no setting 'lrr'"):
        check.refuse("toy")
    check.warn("toy")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(x.startswith("check: experiments/toy/") for x in said)
    for name in check_text.SECTIONS:
        edit(toy / "README.md", "## ", "# ") if name != "Traps" else None
    check.warn("toy")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == check.SHOWN + 1
    assert said[-1] == "check: 4 more: ./lab check toy"


def test_a_mistyped_key_of_a_preset_is_one_line_before_anything_runs(toy, monkeypatch):
    edit(toy / "config.py", 'LAPTOP = {"needs": ""}', 'LAPTOP = {"needs": "", "stepz": 3}')
    module = type(sys)("config")
    exec((toy / "config.py").read_text(), vars(module))
    monkeypatch.setattr(settings.importlib, "import_module", lambda _: module)
    with pytest.raises(UserError, match="laptop: PAPER has no 'stepz'; did you mean 'steps'"):
        settings.get("toy", "laptop")
    assert settings.get("toy", "smoke").steps == 50


def test_a_fork_names_itself(tmp_path):
    said = "`./lab run a_b:smoke`, a_b, [code](x/a_b), results/a_b/, ./lab compare a_b\n"
    (tmp_path / "README.md").write_text(said)
    (tmp_path / "run.py").write_text('"""./lab run a_b"""\na_b = "experiments.a_b", "a_b:paper"\n')
    fork.rename(tmp_path, "a_b", "mine")
    expected = "`./lab run mine:smoke`, mine, [code](x/a_b), results/mine/, ./lab compare mine\n"
    assert (tmp_path / "README.md").read_text() == expected
    code = '"""./lab run mine"""\na_b = "experiments.mine", "mine:paper"\n'
    assert (tmp_path / "run.py").read_text() == code


def test_chosen_tests_are_linted_first_and_a_paper_is_tested_alone(monkeypatch, toy):
    asked = []

    def ran(command, env, **_):
        asked.append(command[2:])
        only.append(env.get("REPRISE_ONLY"))
        every.append((env.get("REPRISE_ALL"), env.get("REPRISE_SPARE")))
        return subprocess.CompletedProcess(command, 0)

    only, every = [], []
    for name in ("REPRISE_ALL", "REPRISE_SPARE", "REPRISE_ONLY"):  # of the call that runs this test
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(testing.subprocess, "run", ran)
    assert testing.run(["-k", "toy"]) == 0
    assert [x[0] for x in asked] == ["ruff", "ruff", "pytest"]
    asked.clear()
    assert testing.run([]) == 0
    assert [x[0] for x in asked] == ["ruff", "ruff", "mypy", "pytest"]
    assert every[-1] == (None, "1")
    assert testing.run(["--all"]) == 0
    assert asked[-1] == ["pytest", "-m", "not kill", "-n", "2", "--dist", "loadgroup"]
    assert every[-1] == ("1", None)
    asked.clear()
    monkeypatch.setattr(testing.check, "findings", lambda _, **__: [])
    assert testing.run(["toy", "-x"]) == 0
    contract = ["tests/test_contract.py", "tests/test_dear.py"]
    assert asked == [["pytest", *contract, "experiments/toy", "-x"]]
    assert only[-1] == "toy"
    finding = check.Finding("experiments/toy/run.py", "a", "b")
    monkeypatch.setattr(testing.check, "findings", lambda _, **__: [finding])
    assert testing.run(["toy"]) == 1


def test_what_new_makes_keeps_the_contract_but_for_its_todos(tmp_path, monkeypatch):
    """Its claims hold and their controls fail; `check` wants the TODOs alone.

    Its own tests are found by pytest where they stand, in launch/template.
    """
    tree = copy_tree(tmp_path)
    monkeypatch.setattr(paths, "EXPERIMENTS", tmp_path / "experiments")
    home = new.new("a_paper")
    found = check.findings("a_paper")
    assert found
    assert [str(x) for x in found if "TODO" not in x.what] == []
    with pytest.raises(UserError, match="exists; choose another name"):
        new.new("a_paper")
    with pytest.raises(UserError, match="lower case"):
        new.new("A-paper")
    for file in home.iterdir():
        if file.is_file():
            file.write_text(file.read_text().replace("TODO", "done"))
    assert check.findings("a_paper") == []
    done = tree.lab("verify", "a_paper:smoke", "--seeds", "0-4", "--json")
    assert done.status == 0, done.err
    said = json.loads(done.out)["verdicts"]
    assert [(x["state"], x["control"]) for x in said] == [("pass", "fails")] * 2
