"""`./lab`, `./lab run all`, `run theme:NAME`: one paper now, many in one command that continues."""

import json
import signal

import pytest

from launch.compute import everything
from launch.errors import UserError
from launch.read import listing
from launch.record import store
from tests.tree import ROOT, waited

pytestmark = pytest.mark.xdist_group("everything")


def test_the_first_paper_takes_under_a_minute():
    run = store.read_json(ROOT / "results" / everything.FIRST / "laptop" / "run.json")
    assert listing.expected(run) < 60


def test_expected_seconds_are_of_the_preset_s_seeds_on_a_quiet_machine():
    run = {"seconds": 100.0, "cpu_seconds": 60.0, "config": {"seeds": [0] * 10}}
    assert listing.expected(run) == 30
    assert listing.expected(run | {"cpu_seconds": 150.0, "preset_seeds": 2}) == 20
    assert listing.expected(run | {"seconds_before": 20.0}) == 60, "CPU is of the last attempt"
    assert listing.expected({}) is None


def test_what_many_stands_for(monkeypatch):
    paper = {"parent": None, "laptop_seconds": 10.0}
    rows = [
        paper | {"name": "a"},
        paper | {"name": "b", "laptop_seconds": None},
        paper | {"name": "c", "parent": "a"},
    ]
    asked = []
    monkeypatch.setattr(listing, "rows", lambda words: asked.append(words) or rows)
    assert [r["name"] for r in everything.several("all")[0]] == ["a", "b"], "forks stay out"
    assert everything.several("all:smoke")[1] == "smoke"
    assert everything.several("theme:pde")[1] == "laptop"
    assert asked == [[], [], ["theme:pde"]]
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        everything.several("all:smok")
    said = everything._long(everything.several("all")[0], "laptop")
    assert "10 s" in said
    assert "1 not yet timed" in said


def test_many_are_run_continued_and_not_stopped_by_one_that_cannot(tree):
    """Two papers and a broken one; SIGTERM in the second; the same command goes on."""
    assert tree.lab("fork", "toy", "slow").status == 0
    home = tree.root / "experiments"
    (home / "slow/lineage.json").unlink()
    config = home / "slow/config.py"
    config.write_text(config.read_text().replace('"steps": 50', '"steps": 100, "pause": 0.3'))
    assert tree.lab("fork", "toy", "broken").status == 0
    (home / "broken/lineage.json").unlink()
    (home / "broken/run.py").write_text("import nothing_of_that_name\n")
    process = tree.start("run", "all:smoke")
    waited(lambda: any(tree.root.glob("results/runs/slow/*/*/scratch/checkpoints-*/[0-9]*")))
    process.send_signal(signal.SIGTERM)
    said, err = process.communicate(timeout=300)
    assert process.returncode == 85, err
    assert "3 papers at their smoke preset" in said
    assert "to continue: " in err
    done = tree.lab("run", "all:smoke", "--json")
    assert done.status == 1, "one did not run"
    rows = {r["name"]: r for r in json.loads(done.out)}
    assert "nothing_of_that_name" in rows["broken"]["error"]
    assert not rows["toy"]["error"]
    assert "continuing" in done.err
    assert len(tree.runs("toy")) == len(tree.runs("slow")) == 1, "nothing is computed twice"
    assert "1 did not run: broken" in everything.text(list(rows.values()))
