"""Mistakes: one clear line, exit status not 0, no traceback, nothing lost."""

import re

import pytest

from launch import values
from launch.compute import sweep
from launch.errors import UserError
from launch.record import store

pytestmark = pytest.mark.xdist_group("mistakes")


def refused(result, *pieces):
    """One line on stderr that says what and what to do."""
    assert result.status not in (0, None)
    assert not result.traceback, result.err
    lines = [x for x in result.err.splitlines() if x.startswith("error:")]
    assert len(lines) == 1, result.err
    for piece in pieces:
        assert piece in lines[0], f"{piece!r} not in {lines[0]!r}"


def test_mistyped_key(shared_tree):
    refused(shared_tree.lab("run", "toy", "stepz=3"), "'stepz'", "did you mean 'steps'?")


def test_wrong_type(shared_tree):
    refused(shared_tree.lab("run", "toy", "steps=many"), "steps=many is not a int", "steps=200")
    refused(shared_tree.lab("run", "toy", "x64=maybe"), "x64=maybe is not a bool")
    refused(shared_tree.lab("run", "toy", "widths=a,b"), "widths=a,b is not a tuple")


def test_numbers_that_cannot_be(shared_tree, tmp_path):
    for seeds in ("0,0,0,0,0", "()", "-1", "99999999999999999999"):
        refused(
            shared_tree.lab("run", "toy:smoke", f"seeds={seeds}"), "seeds are different numbers"
        )
    refused(shared_tree.lab("verify", "toy", "--seeds", "1,1,1,1,1"), "seeds are different numbers")
    for number in ("0", "-2"):
        refused(shared_tree.lab("run", "toy:smoke", "--processes", number), "1 or more")
    several = {"JAX_NUM_PROCESSES": "2", "JAX_COORDINATOR_ADDRESS": "127.0.0.1:1"}
    for name, value in (("JAX_PROCESS_ID", "abc"), ("JAX_PROCESS_ID", "2"),
                        ("JAX_NUM_PROCESSES", "\u00b2")):  # fmt: skip
        where = ("--workdir", str(tmp_path / "w"))
        done = shared_tree.lab("run", "toy:smoke", *where, **(several | {name: value}))
        refused(done, name)


def test_values_that_no_preset_has(shared_tree):
    """Names, sizes and numbers, at every door; 0 steps where a preset or a control has them."""
    wrong = {
        "needs=gpu": "needs has no 'gpu'",
        "trouble=non": "did you mean 'nan'?",
        "steps=0": "steps is 1 or more",
        "dim=-1": "dim is 1 or more",
        "lr=nan": "lr=nan is not finite",
        "lr=-inf": "lr=-inf is not finite",
        "widths=()": "widths is empty",
        "widths=(1,0)": "widths is 1 or more",
    }
    for words, said in wrong.items():
        for verb in ("run", "verify", "sweep", "plan", "drill"):
            refused(shared_tree.lab(verb, "toy:smoke", words), said)
    config = f"--config={shared_tree.root}/experiments/toy/config.py:smoke"
    refused(shared_tree.lab(config, "--config.steps=-3", module="launch.run"), "1 or more")
    config = {"PAPER": {"steps": 3, "rate": 0.5}, "PRESETS": {"smoke": {"steps": 2}}}
    values.Known(config, ["steps=0"]).refuse({"steps": 0, "rate": -2.0})
    with pytest.raises(UserError, match="steps is 0 or more"):
        values.Known(config, ["steps=0"]).refuse({"steps": -1})


def test_a_failure_under_own_settings_is_one_line(tree):
    """It says which, and where; the traceback lies in the run folder."""
    failed = tree.lab("run", "toy:smoke", "trouble=third")
    refused(failed, "toy:smoke trouble=third failed at experiments/toy/run.py:", "RuntimeError")
    assert failed.status == 1
    (folder,) = tree.runs("toy")
    assert "RuntimeError: trouble in the third chunk" in (folder / "traceback.txt").read_text()
    figures = tree.root / "experiments/toy/figures.py"
    figures.write_text(figures.read_text() + "\n\ndef figures(arrays, cfg):\n    return 1 / 0\n")
    drawn = tree.lab("run", "toy:smoke", "lr=0.3")
    refused(drawn, "toy:smoke lr=0.3 failed at experiments/toy/figures.py:", "ZeroDivisionError")
    assert drawn.status == 1
    assert drawn.err.count("\n") == 1
    whole = tree.lab("run", "toy:smoke", "lr=0.3", "--traceback")
    assert whole.traceback
    assert "ZeroDivisionError: division by zero" in whole.err
    own = tree.lab("run", "toy:smoke")  # a preset's own failure
    refused(own, "toy:smoke failed at experiments/toy/figures.py:", "--traceback")


def test_a_sweep_goes_on_after_a_cell_that_fails(tree):
    done = tree.lab("sweep", "toy:smoke", "trouble=memory,,third", "dim=3")
    assert (done.status, done.traceback) == (1, False)
    assert "2 of 3 cells failed; the first: toy:smoke" in done.out
    rows = [line for line in done.out.splitlines() if line.startswith("trouble=")]
    words = [("memory", "FAILED"), (" ", "computed"), ("third", "FAILED")]
    assert all(a in r and b in r for (a, b), r in zip(words, rows, strict=True)), done.out


@pytest.mark.parametrize(("items", "said"), [
    (["lr=1,2", "lr=3"], "lr stands twice"),
    (["lr=1,2,1"], "lr=1 stands twice"),
    (["dims=(1,2"], "lacks ')'"),
    (["name='a,b"], 'lacks "\'"'),
    (["dims=1),2"], "closes what it did not open"),
    (["dims=(1,[2)],3"], "closes what it did not open"),
    (["lr"], "is not key=a,b,c"),
    ([f"k{i}=" + ",".join(map(str, range(100))) for i in range(4)], "100,000,000 cells"),
])  # fmt: skip
def test_a_grid_that_does_not_parse(items, said):
    with pytest.raises(UserError, match=re.escape(said)):
        sweep.grid(items)


def test_a_grid_keeps_brackets_quotes_and_empty_values_together():
    cells = sweep.grid(["dims=(1,2),(3,(4,5))", "name='a,b',,c"])
    assert cells[0] == ["dims=(1,2)", "name='a,b'"]
    assert [c[0] for c in cells[::3]] == ["dims=(1,2)", "dims=(3,(4,5))"]
    assert [c[1] for c in cells[:3]] == ["name='a,b'", "name=", "name=c"]


def test_a_setting_that_stands_twice(shared_tree):
    refused(shared_tree.lab("run", "toy:smoke", "lr=0.1", "lr=0.2"), "lr stands twice")


def test_float32_where_the_preset_has_float64(shared_tree):
    """At every door: the numbers would be others."""
    said = ("toy needs float64", "experiments/toy/config.py has x64 = True", "leave x64=False out")
    for verb in ("run", "verify", "sweep", "plan", "drill"):
        refused(shared_tree.lab(verb, "toy:smoke", "x64=False"), *said)
    refused(shared_tree.lab("sweep", "toy:smoke", "x64=True,False"), *said)
    refused(shared_tree.lab("submit", "toy:smoke", "x64=False", "--on", "slurm"), *said)
    config = f"--config={shared_tree.root}/experiments/toy/config.py:smoke"
    for word in ("--config.x64=False", "--noconfig.x64"):
        refused(shared_tree.lab(config, word, module="launch.run"), *said)
    refused(shared_tree.lab(config, "--config.seeds=(0,0)", module="launch.run"), "seeds are")


def test_a_place_that_cannot_be_written(shared_tree):
    for where in ("/dev/null", "/dev/null/runs", "/" + 300 * "x"):
        refused(shared_tree.lab("run", "toy:smoke", "--workdir", where), where)
    refused(shared_tree.lab("run", "toy:smoke", REPRISE_RESULTS="/dev/null"), "/dev/null")
    lost = shared_tree.lab("logs", 5000 * "x")
    refused(lost, "no submitted job 'xxx")
    assert len(lost.err) < 200


def test_a_full_disk_is_not_a_full_memory(tree):
    run = tree.root / "experiments/toy/run.py"
    text = run.read_text().replace("out of memory allocating 999 bytes", "No space left on device")
    run.write_text(text)
    refused(tree.lab("run", "toy:smoke", "trouble=memory"), "the disk that holds", "is full")


def test_damaged_records_of_other_runs_stop_nothing(tree):
    for i, damage in enumerate((b"[]", b"null", b"\xff\xfe", b"{")):
        folder = tree.root / f"results/runs/toy/smoke/2026112{i}T000000Z-abcdef"
        folder.mkdir(parents=True)
        (folder / "run.json").write_bytes(damage)
        refused(tree.lab("report", str(folder)), "run.json", "is damaged")
    assert tree.lab("run", "toy:smoke").status == 0
    assert tree.lab("status").status == 0


def test_absl_form_of_the_same_mistakes(shared_tree):
    config = f"--config={shared_tree.root}/experiments/toy/config.py:smoke"
    one = shared_tree.lab(config, "--config.stepz=3", module="launch.run")
    refused(one, "stepz")
    refused(shared_tree.lab(config, "--config.steps=many", module="launch.run"), "many")
    refused(shared_tree.lab(config + "x", module="launch.run"), "did you mean 'smoke'?")
    refused(shared_tree.lab(module="launch.run"), "give --config=")


def test_unknown_experiment_preset_verb_and_option(shared_tree):
    refused(shared_tree.lab("run", "toi"), "'toi'", "did you mean 'toy'?")
    refused(shared_tree.lab("run", "toy:labtop"), "did you mean 'laptop'?")
    refused(shared_tree.lab("rum", "toy"), "'rum'", "did you mean 'run'?")
    refused(shared_tree.lab("run", "toy", "--fast"), "--fast")
    refused(shared_tree.lab("verify", "toy", "--seeds", "a-b"), "2000-2004")


def test_no_accelerator(shared_tree):
    refused(shared_tree.lab("run", "toy:paper"), "needs an accelerator", "needs=")


def test_out_of_memory(tree):
    done = tree.lab("run", "toy", "trouble=memory")
    refused(done, "ran out of memory", "smaller")


def test_no_finished_run(tree):
    refused(tree.lab("report", "toy"), "no finished run of toy:laptop", "./lab run toy:laptop")
    refused(tree.lab("compare", "toy"), "./lab run toy:laptop")


def test_damaged_arrays(tree):
    tree.lab("run", "toy:smoke")
    (folder,) = tree.runs("toy")
    (folder / "arrays.npz").write_bytes((folder / "arrays.npz").read_bytes()[:100])
    refused(tree.lab("report", str(folder)), "is damaged", "run again")


def test_workdir_of_another_run(tree):
    where = str(tree.root / "w")
    assert tree.lab("run", "toy:smoke", "--workdir", where).status == 0
    refused(tree.lab("run", "toy:smoke", "lr=0.2", "--workdir", where), "other settings or code")
    (tree.root / "mine").mkdir()
    (tree.root / "mine/thesis.txt").write_text("irreplaceable")
    refused(tree.lab("run", "toy:smoke", "--workdir", str(tree.root / "mine")), "not empty")
    assert (tree.root / "mine/thesis.txt").read_text() == "irreplaceable"


def test_stale_figures_are_said_to_be(tree):
    tree.lab("run", "toy")
    run = tree.root / "experiments/toy/run.py"
    run.write_text(run.read_text().replace("x - lr * x", "x * (1 - lr)"))
    done = tree.lab("report", "toy")
    assert done.status == 0
    assert "STALE: since this run changed ./run.py" in done.out


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("trivial = 0.0", "trivial = 0.1053605", ("cannot fail", "t1")),
        ('why = "exact', 'why = "yes" # "', ("why",)),
        ("criterion = {", "criterian = {", ("'criterian'", "did you mean 'criterion'?")),
        ('kind = "equals"', 'kind = "equal"', ("'equal'", "did you mean 'equals'?")),
        ("tol = 1e-6", "tol = 0", ("tol must be > 0",)),
        ("schema = 1", "schema = 7", ("schema = 1 expected",)),
        ("[[claim]]", "[[claim]", ("not valid TOML",)),
        ('measure = "rate"', 'measure = "rat"', ("has no rat",)),
    ],
)
def test_claims_that_cannot_be_judged(tree, old, new, pieces):
    claims = tree.root / "experiments/toy/claims.toml"
    text = claims.read_text()
    assert old in text
    claims.write_text(text.replace(old, new, 1))
    refused(tree.lab("run", "toy"), *pieces)


def test_too_few_seeds(shared_tree):
    refused(shared_tree.lab("verify", "toy", "--seeds", "1,2,3"), "too few seeds", "5 seeds")


def test_diverged_run_is_invalid_not_dropped(tree):
    done = tree.lab("run", "toy", "trouble=nan")
    assert done.status == 0
    assert "INVALID" in done.out
    assert "not finite" in done.out


def test_fork_name_taken_or_bad(shared_tree):
    refused(shared_tree.lab("fork", "toy", "toy"), "exists")
    refused(shared_tree.lab("fork", "toy", "my-toy"), "lower case letters")


def test_missing_data_without_network(tree):
    """The loader fails at once with the URL, the folder and REPRISE_DATA."""
    proxies = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    nowhere = dict.fromkeys(proxies, "http://127.0.0.1:9") | {"no_proxy": "", "NO_PROXY": ""}
    nowhere["XDG_CACHE_HOME"] = str(tree.root / "cache")
    done = tree.lab("data", "mnist", **nowhere)
    refused(done, "mnist", "REPRISE_DATA")


def test_html_page_instead_of_data(tree):
    folder = tree.root / "data/mnist"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_text("<!DOCTYPE html><html>sign in</html>")
    done = tree.lab("data", "mnist", REPRISE_DATA=str(tree.root / "data"))
    refused(done, "train-images-idx3-ubyte")


def test_interrupted_run_is_kept(tree):
    """A run that failed after a checkpoint continues from it."""
    failed = tree.lab("run", "toy:smoke", "trouble=third")
    assert "trouble in the third chunk" in failed.err
    (folder,) = tree.runs("toy")
    assert store.read_json(folder / "run.json")["status"] == "failed"
    again = tree.lab("run", "toy:smoke", "trouble=third")
    assert (again.status, tree.runs("toy")) == (0, [folder])
    assert "continuing" in again.err
    assert store.read_json(folder / "run.json")["attempts"] == 2
