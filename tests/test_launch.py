"""The verbs of ./lab on the toy: what they write, what they keep, what they never do twice."""

import contextlib
import json
import os
import shutil
import signal
import threading

import numpy as np
import pytest

from launch.record import store
from launch.scale import jobs
from tests.tree import Tree, pace, read, waited

pytestmark = pytest.mark.xdist_group("launch")


def test_run_report_and_json(shared_tree):
    found = read(shared_tree.lab("run", "toy", "seeds=1,2,3,4,5", "--json"))
    assert found["overrides"] == {"seeds": [1, 2, 3, 4, 5]}
    assert found["verdicts"][0]["state"] == "pass"
    folder = shared_tree.root / found["folder"]
    again = read(shared_tree.lab("report", str(folder), "--json"))
    assert again["verdicts"] == found["verdicts"]
    info = json.loads((folder / "run.json").read_text())
    assert {"config", "versions", "devices", "fingerprint", "jax", "machine"} <= info.keys()
    assert info["peak_memory_mb"] > 0
    assert info["programs"] > 0
    assert str(shared_tree.root) not in (folder / "run.json").read_text()


def test_the_absl_form_is_the_same_run(shared_tree, tmp_path):
    config = f"--config={shared_tree.root}/experiments/toy/config.py:smoke"
    workdir = f"--workdir={tmp_path}/a"
    done = shared_tree.lab(config, "--config.lr=0.2", workdir, module="launch.run")
    assert done.status == 0, done.err
    other = shared_tree.lab("run", "toy:smoke", "lr=0.2", "--workdir", str(tmp_path / "b"))
    assert other.status == 0
    a, b = (store.arrays(tmp_path / n) for n in "ab")
    np.testing.assert_array_equal(a["error"], b["error"])
    infos = [store.read_json(tmp_path / n / "run.json") for n in "ab"]
    assert infos[0]["identity"] == infos[1]["identity"]
    assert infos[0]["overrides"] == infos[1]["overrides"] == {"lr": 0.2}


def test_verify_writes_the_ledger_once_and_other_seeds_do_not(shared_tree):
    ledger = shared_tree.root / "results/toy/ledger.jsonl"
    before = ledger.read_text()
    line = json.loads(before.splitlines()[-1])
    assert line["seeds"] == [1000, 1001, 1002, 1003, 1004]
    assert (line["state"], line["control"], line["word"]) == (
        "pass",
        "fails",
        "CONFIRMED NUMERICALLY",
    )
    assert line["repeats"] > 0.99
    done = shared_tree.lab("verify", "toy", "--seeds", "30-34", "--json")
    assert "on 5 seeds, all computed anew: about" in done.err
    assert "not known" not in done.err, "the ledger has the control's seconds"
    found = read(done)
    assert found["holds"]
    assert found["verdicts"][0]["repeats"] > 0.99
    assert not found["ledger"]
    assert ledger.read_text() == before


def test_a_control_computes_what_its_claims_read_and_no_more(shared_tree):
    infos = {f: store.read_json(f / "run.json") for f in shared_tree.runs("toy")}
    controls = [f for f, i in infos.items() if i["note"] == "control"]
    verified = [f for f, i in infos.items() if i["note"] == "verify"]
    assert controls
    for folder in controls:
        assert infos[folder]["wanted"] == ["error"]
        assert set(store.arrays(folder)) == {"error"}
    for folder in verified:
        assert "wanted" not in infos[folder]
        assert set(store.arrays(folder)) == {"error", "start"}
    assert shared_tree.lab("report", str(controls[0])).status == 0
    assert not list(controls[0].glob("fig*")), "its figures would lack what nobody asked for"


def test_a_run_on_other_seeds_says_how_many_would_repeat(shared_tree):
    done = shared_tree.lab("report", "toy")
    assert "repeats 1.00" in done.out
    assert "5 verdict seeds repeat all headlines that hold here" in done.out
    committed = shared_tree.lab("report", str(shared_tree.root / "results/toy/laptop"))
    assert "verdict seeds repeat" not in committed.out, "nothing is chosen by verdict seeds"


def test_verify_exit_status_says_whether_headlines_hold(tree):
    claims = tree.root / "experiments/toy/claims.toml"
    claims.write_text(claims.read_text().replace("value = 0.10536", "value = 0.20536"))
    done = tree.lab("verify", "toy", "--seeds", "30-34")
    assert done.status == 1
    assert "DOES NOT HOLD HERE" in done.out  # a counterexample is shown on verdict seeds alone
    assert "0 of 1 headline claims hold" in done.out


def test_a_control_that_passes_invalidates(tree):
    claims = tree.root / "experiments/toy/claims.toml"
    claims.write_text(claims.read_text().replace("lr=0.05", "dim=9"))
    done = tree.lab("verify", "toy", "--seeds", "30-34")
    assert done.status == 1
    assert "CONTROL PASSES" in done.out
    assert "INVALID" in done.out


def test_report_changes_no_byte_of_the_reference(shared_tree):
    folder = shared_tree.root / "results/toy/laptop"
    names = os.listdir(folder)
    before = {n: (folder / n).read_bytes() for n in names}
    assert shared_tree.lab("report", str(folder)).status == 0
    assert before == {n: (folder / n).read_bytes() for n in names}


def test_compare_with_itself_and_with_another_setting(shared_tree):
    shared_tree.lab("run", "toy", "lr=0.2")
    runs = sorted(shared_tree.runs("toy"))
    by_lr = {store.read_json(r / "run.json")["config"]["lr"]: r for r in runs}
    found = read(shared_tree.lab("compare", str(by_lr[0.1]), str(by_lr[0.2]), "--json"))
    assert found["config"]["lr"] == [0.1, 0.2]
    assert found["code"] == []
    asked = read(shared_tree.lab("compare", "toy", "toy", "lr=0.2", "--json"))
    assert (asked["one"]["name"], asked["two"]["name"]) == ("toy:laptop", "toy:laptop lr=0.2")
    assert asked["two"]["folder"] == str(by_lr[0.2])
    assert asked["config"] == {"lr": [0.1, 0.2]}
    assert asked["claims"][0]["paired"]
    assert asked["arrays"]["differ"].keys() == {"error"}
    assert 0 < asked["arrays"]["differ"]["error"] <= 1
    refused = shared_tree.lab("compare", "toy", "lr=0.3")
    assert (refused.status, "no finished run of toy:laptop lr=0.3" in refused.err) == (2, True)
    apart = shared_tree.lab("compare", "toy", "lr=0.2").out  # with the reference: verdict seeds
    again = "toy:laptop lr=0.2 seeds=1000,1001,1002,1003,1004"
    assert f"no seed in common: ./lab run {again} pairs them; then ./lab compare {again}" in apart
    same = read(shared_tree.lab("compare", str(by_lr[0.2]), str(by_lr[0.2]), "--json"))
    assert same["arrays"]["equal"] == same["arrays"]["all"] == ["error", "start"]
    assert same["claims"][0]["paired"]
    assert same["claims"][0]["difference"] == [0.0, 0.0, 0.0]


def test_sweep_computes_a_cell_once(tree):
    first = read(tree.lab("sweep", "toy:smoke", "lr=0.1,0.2", "dim=3", "--json"))
    assert [c["cached"] for c in first["cells"]] == [False, False]
    second = read(tree.lab("sweep", "toy:smoke", "lr=0.2,0.3", "dim=3", "--json"))
    assert [c["cached"] for c in second["cells"]] == [True, False]
    assert len(tree.runs("toy")) == 3
    dry = read(tree.lab("sweep", "toy:smoke", "lr=0.1,0.4", "dim=3", "--dry-run", "--json"))
    assert [c["cached"] for c in dry["cells"]] == [True, False]
    assert len(tree.runs("toy")) == 3


def test_fork_has_lineage_and_untested_claims(shared_tree):
    assert shared_tree.lab("fork", "toy", "mine").status == 0
    home = shared_tree.root / "experiments/mine"
    lineage = json.loads((home / "lineage.json").read_text())
    assert lineage["parent"] == "toy"
    assert set(lineage["claims"]) == {"t1"}
    assert (home / "test_mine.py").exists()
    assert "./lab run mine:smoke" in (home / "README.md").read_text()
    rows = {r["name"]: r for r in read(shared_tree.lab("list", "--json"))}
    assert rows["mine"]["claims"] == {"untested": 1}
    assert rows["toy"]["claims"] == {"pass": 1}
    shared_tree.lab("gallery")
    page = (shared_tree.root / "results/gallery/mine.html").read_text()
    assert "A fork of toy, whose verdicts are" in page


def test_list_is_quick_and_marks_stale_code(shared_tree, tmp_path):
    shutil.copytree(shared_tree.root, tmp_path / "tree")
    tree = Tree(tmp_path / "tree")

    def row():
        rows = {r["name"]: r for r in read(tree.lab("list", "--json"))}
        return rows["toy"]

    assert row()["standing"] == "fresh"  # and the cache of parsed claims is filled
    spent = min(tree.lab("list").cpu for _ in range(3))
    assert spent <= 0.5 or spent <= 0.5 * pace(tmp_path / "pace")
    run = tree.root / "experiments/toy/run.py"
    run.write_text(run.read_text() + "\n# a comment changes nothing\n")
    assert row()["standing"] == "fresh"
    run.write_text(run.read_text().replace("x - lr * x", "x * (1 - lr)"))
    found = row()
    assert (found["standing"], found["changed"]) == ("stale", ["./run.py:descend"])
    assert "STALE" in tree.lab("report", "toy").out
    claims = tree.root / "experiments/toy/claims.toml"
    claims.write_text(claims.read_text().replace("tol = 1e-6", "tol = 1e-5"))
    found = row()
    assert (found["standing"], found["claims"]) == ("thresholds changed", {"invalid": 1})


def test_two_runs_at_once_never_share_a_folder(tree):
    both = [tree.start("run", "toy:smoke", "pause=0.2") for _ in range(2)]
    assert [p.wait(timeout=900) for p in both] == [0, 0]
    infos = [store.read_json(r / "run.json") for r in tree.runs("toy")]
    assert [i["status"] for i in infos] == ["done", "done"]


def saved(tree, least):
    """Whether there is a checkpoint of that step or a later one."""
    with contextlib.suppress(OSError):
        found = tree.root.glob("results/runs/toy/*/*/scratch/checkpoints-descent/[0-9]*")
        return any(int(p.name.split(".")[0]) >= least for p in found)
    return False


@pytest.fixture(scope="module")
def uninterrupted(shared_tree, tmp_path_factory):
    """What a run of 200 steps gives that nobody stops."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    same = ("run", "toy:smoke", "pause=0.0", "steps=200")
    assert shared_tree.lab(*same, "--workdir", str(folder)).status == 0
    return store.arrays(folder)["error"]


def test_sigterm_saves_and_the_same_command_continues(tree, uninterrupted):
    arguments = ("run", "toy:smoke", "pause=0.3", "steps=200")
    process = tree.start(*arguments)
    waited(lambda: saved(tree, 1))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 85, err
    assert "to continue" in err
    done = tree.lab(*arguments)
    assert done.status == 0
    assert "continuing" in done.err
    (folder,) = tree.runs("toy")
    assert store.read_json(folder / "run.json")["attempts"] == 2
    np.testing.assert_array_equal(store.arrays(folder)["error"], uninterrupted)


@pytest.mark.dear
def test_sigkill_then_the_same_arrays(tree, uninterrupted):
    """The short form of ./lab test --kill: three kills of one run, at later and later steps."""
    arguments = ("run", "toy:smoke", "pause=0.3", "steps=200")
    for step in (1, 2, 4):
        process = tree.start(*arguments)
        waited(lambda s=step: saved(tree, s))
        process.kill()
        process.communicate()
    assert tree.lab(*arguments).status == 0
    (folder,) = tree.runs("toy")
    assert store.read_json(folder / "run.json")["attempts"] == 4
    np.testing.assert_array_equal(store.arrays(folder)["error"], uninterrupted)
    assert not list(folder.rglob("*.tmp"))


def test_tests_of_a_group_share_a_worker(request):
    """pytest-xdist 3.8 ignores groups, in silence, from pytest 9.2 on."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("one worker")
    assert request.node.nodeid.endswith("@launch")


def test_nothing_pickled(shared_tree):
    files = list(shared_tree.root.glob("results/**/*.npz"))
    assert files
    for file in files:
        with np.load(file, allow_pickle=False) as stored:  # refuses what is
            assert [stored[k] for k in stored.files]


@pytest.mark.parametrize("home", ["smoke/run", "sweep-1"])
def test_jobs_are_listed_while_their_runs_come_and_go(tmp_path, monkeypatch, home):
    monkeypatch.setenv("REPRISE_RESULTS", str(tmp_path))
    folder = tmp_path / "runs/toy" / home
    store.write_json(folder / "job/job.json", {})
    ended = threading.Event()

    def checkpoints():
        while not ended.is_set():
            for step in range(20):
                (folder / f"scratch/{step}/state").mkdir(parents=True)
            shutil.rmtree(folder / "scratch")

    saving = threading.Thread(target=checkpoints)
    saving.start()
    try:
        assert [jobs.folders() for _ in range(100)] == [[folder]] * 100
    finally:
        ended.set()
        saving.join()
