"""Verdicts are carried over to code that computes the same bits, and to no other."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from launch.compute import refresh
from launch.read import report
from launch.record import ledger
from tests import examples
from tests.examples import CARRIED, LINE
from tests.tree import Tree, copy_tree, read

pytestmark = pytest.mark.xdist_group("refresh")


def git(root, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(root), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def verified(tmp_path_factory):
    """A repository whose toy was verified at its first commit; verdicts are in the second."""
    made = copy_tree(tmp_path_factory.mktemp("refresh"), "toy")
    git(made.root, "init", "-q")
    git(made.root, "add", ".")
    git(made.root, "commit", "-qm", "code")
    assert made.lab("verify", "toy", REPRISE_CACHE=str(made.root / ".cache")).status == 0
    (made.root / ".gitignore").write_text("results/runs/\n.cache/\n")
    git(made.root, "add", ".")
    git(made.root, "commit", "-qm", "verdicts")
    return made


@pytest.fixture
def at(verified):
    """The repository as it was, with its cache, and its verbs after an edit."""
    git(verified.root, "checkout", "-q", ".")

    def lab(*arguments, **more):
        return verified.lab(*arguments, REPRISE_CACHE=str(verified.root / ".cache"), **more)

    def edit(name, old, new):
        file = verified.root / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    lab.root, lab.edit = verified.root, edit
    lab.ledger = verified.root / "results/toy/ledger.jsonl"
    return lab


RUN = "experiments/toy/run.py"


def standing(lab):
    row = read(lab("list", "--json"))[0]
    return row["standing"], row["changed"]


def test_a_renamed_local_is_carried_over_past_a_line_cut_short(at):
    at.edit(RUN, "chunks", "parts")
    at.edit("common/sharding.py", "short", "missing")
    names = ["./run.py:run", "common/sharding.py:_padded"]
    assert standing(at) == ("stale", names)
    with at.ledger.open("a") as file:
        file.write('{"schema": 1, "id": "t1", "pres')
    before = at.ledger.read_text()
    (record,) = read(at("refresh", "--json"))
    assert (record["outcome"], record["claims"]) == ("carried", ["t1"])
    assert standing(at) == ("fresh", [])
    text = at.ledger.read_text()
    assert text.startswith(before)
    line = json.loads(text.splitlines()[-1])
    assert (line["kind"], line["from"]) == ("carried", git(at.root, "rev-parse", "HEAD~").strip())
    assert line["compared"] == {
        "preset": "smoke", "seeds": [[0, 1, 2, 3, 4], [95, 96, 97, 98, 99]], "arrays": 4,
    }  # fmt: skip
    assert sorted(ledger.unfolded(line["definitions"])) == names
    assert line["dirty"]
    assert "STALE" not in at("report", str(at.root / "results/toy/laptop")).out
    assert "nothing is stale" in at("refresh").out
    assert git(at.root, "status", "--porcelain", "results/toy/ledger.jsonl")
    assert len(git(at.root, "worktree", "list").splitlines()) == 1
    at.edit(RUN, "parts", "chunks")  # stale against what it was carried over to
    assert standing(at) == ("stale", ["./run.py:run"])
    (record,) = read(at("refresh", "--json"))
    assert record["outcome"] == "carried"
    assert standing(at) == ("fresh", [])
    line = json.loads(at.ledger.read_text().splitlines()[-1])
    assert sorted(ledger.unfolded(line["definitions"])) == ["./run.py:run"]  # not the other again
    at.edit("common/sharding.py", "missing", "short")
    assert standing(at) == ("stale", ["common/sharding.py:_padded"])


def test_another_number_stays_stale_and_the_array_is_named(at):
    at.edit(RUN, "x - lr * x", "x - 0.999 * lr * x")
    before = at.ledger.read_bytes()
    done = at("refresh", "toy")
    assert done.status == 1
    assert "STALE  array error differs by " in done.out
    assert "next: ./lab verify toy" in done.out
    assert at.ledger.read_bytes() == before
    assert standing(at) == ("stale", ["./run.py:descend"])


def test_another_measure_decides_the_committed_arrays_again(at):
    at.edit("experiments/toy/measure.py", "error = np", "e = np")
    at.edit("experiments/toy/measure.py", "(error[:, 0] - error[:, -1]) / 2 / (error.", 
            "(e[:, 0] - e[:, -1]) / 2 / (e.")  # fmt: skip
    (record,) = read(at("refresh", "toy", "--json"))
    assert (record["outcome"], record["compared"]["arrays"]) == ("carried", 0)
    assert standing(at) == ("fresh", [])
    at.edit("experiments/toy/measure.py", "/ 2 /", "/ 2.00001 /")
    done = at("refresh", "toy")
    assert done.status == 1
    assert "t1 is decided otherwise: pass 0.105359" in done.out


def test_thresholds_and_texts_are_not_carried(at):
    at.edit("experiments/toy/claims.toml", "headline = true", "headline = false")
    done = at("refresh", "toy")
    assert done.status == 1
    assert "the text of t1 changed: ./lab verify toy" in done.out
    at.edit("experiments/toy/claims.toml", "tol = 1e-6", "tol = 1e-5")
    assert "nothing is stale" in at("refresh").out


def test_mistakes_are_one_line(at, tmp_path):
    clone = tmp_path / "clone"
    at.edit(RUN, "chunks", "parts")
    git(at.root, "clone", "-q", "--depth", "1", f"file://{at.root}", str(clone))
    shutil.copy(at.root / RUN, clone / RUN)
    cache = {"REPRISE_CACHE": str(clone / ".cache")}
    for root, arguments, said in (
        (clone, ("refresh",), "the clone is shallow: git fetch --unshallow"),
        (at.root, ("refresh", "tpy"), "did you mean 'toy'?"),
        (at.root, ("refresh", "--jobs", "0"), "--jobs is 1 or more"),
    ):
        done = Tree(root).lab(*arguments, **cache)
        assert done.status == 2
        assert done.err.count("error:") == 1
        assert said in done.err
        assert not done.traceback


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRISE_RESULTS", str(tmp_path))
    return tmp_path


def test_a_new_verdict_replaces_what_was_carried(results):
    ledger.append("p", [LINE, CARRIED])
    (line,) = ledger.newest("p").values()
    assert line["fingerprint"] == {"compute": "2", "measure": "2"}
    assert ledger.carried_text(line) == "carried over from 0123456 (same bits at smoke)"
    assert ledger.verdicts("p") == {"a": LINE}
    assert ledger.times_decided("p", "a") == 1
    (results / "p/laptop").mkdir()
    code = {"compute": "1", "measure": "1", "definitions": {"y": "0", "z": "1"}}
    known = examples.RUN | {"fingerprint": code}
    (results / "p/laptop/run.json").write_text(json.dumps(known))
    assert ledger.definitions("p") == {"definitions": {"x": "1", "z": "1"}}
    ledger.append("p", [LINE | {"fingerprint": {"compute": "3", "measure": "3"}}])
    (line,) = ledger.newest("p").values()
    assert line["fingerprint"] == {"compute": "3", "measure": "3"}
    assert ledger.carried_text(line) == ledger.carried_text(None) == ""
    assert ledger.definitions("p") == {"definitions": known["fingerprint"]["definitions"]}


@pytest.mark.parametrize("damage", ['{"id": "a", "pre', "[]", '{"kind": "carried"}', "\n\n", "5"])
def test_damage_at_the_end_loses_no_line(results, damage):
    ledger.append("p", [LINE])
    with (results / "p/ledger.jsonl").open("a") as file:
        file.write(damage)
    ledger.append("p", [LINE | {"id": "b"}])
    assert list(ledger.newest("p")) == ["a", "b"]


def test_what_a_preset_does_not_compute_is_not_carried_over_by_it():
    """score_sde's smoke leaves out the sampler table that its claims read."""
    claims = [c for c in report.load_claims("score_sde")[1] if c.id.startswith("s3")]
    smoke = {"0/loss": np.zeros(1), "1/bpd": np.zeros(1)}
    assert "distance_ve" in refresh._unseen("score_sde", "laptop", claims, smoke)
    whole = {f"0/{name}": np.zeros(1) for name in ("distance_ve", "distance_vp", "calls")}
    assert refresh._unseen("score_sde", "laptop", claims, whole) == []


def test_differences_are_of_bits():
    a = {"0/x": np.array([1.0, -4.0]), "1/x": np.array([np.nan, 0.0]), "0/old": np.ones(1)}
    assert refresh.differences(a, a, [(0,), (9,)]) == []
    b = {"0/x": np.array([1.0, -4.0 + 1e-6]), "1/x": np.array([np.nan, -0.0]), "0/n": np.ones(1)}
    found = refresh.differences(a, b, [(0,), (9,)])
    assert [(d["array"], d["seeds"]) for d in found] == [
        ("n", [0]), ("old", [0]), ("x", [0]), ("x", [9]),
    ]  # fmt: skip
    assert found[2]["relative"] == pytest.approx(2.5e-7)
    assert found[3]["relative"] == 0  # another zero is another bit
    single = {"0/x": a["0/x"].astype(np.float32)}
    assert (
        "is float32[2], was float64[2]"
        in refresh.differences({"0/x": a["0/x"]}, single, [(0,)])[0]["what"]
    )


def test_the_reference_stands_under_the_newest_verdicts_made_from_it(results):
    """Also where they were decided again to the same numbers, and its run.json stayed."""
    (results / "p/laptop").mkdir(parents=True)
    code = {"compute": "1", "measure": "1", "definitions": {"x": "0"}}
    known = examples.RUN | {"identity": "i", "fingerprint": code}
    (results / "p/laptop/run.json").write_text(json.dumps(known))
    info = {"experiment": "p", "preset": "laptop", "identity": "i"}
    assert ledger.of_reference(info) == {}
    again = {
        "fingerprint": {"compute": "2", "measure": "1"},
        "date": "2026-02",
        "definitions": {"x": "1"},
    }
    ledger.append("p", [LINE | {"date": "2026-01"}, LINE | again])
    now = {"compute": "2", "measure": "1", "definitions": {"x": "1"}}
    assert ledger.of_reference(info) == now
    assert ledger.of_reference(info | {"identity": "j"}) == {}
