"""What does not belong together is refused: seeds and the ledger, a file that is no config.py, a
job of other folders, a name that is none.
"""

import pytest

from launch import run as absl_form
from launch.__main__ import main
from launch.compute import verify
from launch.errors import UserError
from launch.make import check
from launch.paths import EXPERIMENTS
from launch.read import cards
from launch.record import store
from launch.scale import jobs
from launch.scale.targets.sky import Sky

SLUG = "matrix_sensing"


def refused(capsys, *words):
    """The one line that a command ends with."""
    assert main([*words]) == 2
    said = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error:")]
    assert len(said) == 1
    return said[0]


@pytest.fixture
def ledger(monkeypatch):
    """What verify was asked to do about the ledger, without computing."""
    asked = []
    monkeypatch.setattr(check, "refuse", lambda _: None)
    monkeypatch.setattr(cards, "block", lambda _: "")
    monkeypatch.setattr(verify, "verify", lambda job, *, ledger: asked.append(ledger) or [])
    return asked


@pytest.mark.parametrize("seeds", ["", " ", ",", "1000-", "-", "5-1"])
def test_seeds_that_are_none_are_an_error(ledger, capsys, seeds):
    assert "seeds are" in refused(capsys, "verify", SLUG, f"--seeds={seeds}")
    assert ledger == []


@pytest.mark.parametrize("seeds", ["1000-1004", "1000,1001,1002,1003,1004", "1000-1009", "7-11"])
def test_seeds_that_are_given_never_write_the_ledger(ledger, capsys, seeds):
    main(["verify", SLUG, "--seeds", seeds])
    assert ledger == [False]
    assert "the ledger was not written" in capsys.readouterr().out
    main(["verify", SLUG])
    assert ledger == [False, True]


@pytest.mark.parametrize("item", ["seeds=5,6,7,8,9", "seeds=(1000,1001,1002,1003,1004)", "seeds="])
def test_verdict_seeds_are_no_setting(ledger, capsys, item):
    assert "verdict seeds are no setting" in refused(capsys, "verify", SLUG, item)
    assert "verdict seeds are no setting" in refused(capsys, "verify", SLUG, "lr=1", item)
    assert ledger == []


HOME = EXPERIMENTS / SLUG


@pytest.mark.parametrize(
    "words",
    [
        [f"--config={HOME}/evil.py"],
        [f"--config={HOME}/run.py:smoke"],
        [f"--config={HOME}/config.pyc"],
        [f"--config={HOME}/../evil.py"],
        ["--config=/tmp/matrix_sensing/config.py"],
        [f"--config={HOME}/config.py", "--config", "/tmp/evil.py"],
        [f"--config={HOME}/config.py", "-config=/tmp/evil.py"],
        [f"--config={HOME}/config.py", "--flagfile=/tmp/flags"],
        ["--config"],
    ],
)
def test_only_an_experiments_config_is_run(words):
    with pytest.raises(UserError, match="--config"):
        absl_form._named(words)


def test_an_experiments_config_is(monkeypatch):
    assert absl_form._named([f"--config={HOME}/config.py:smoke"]) == (SLUG, "smoke")
    monkeypatch.chdir(EXPERIMENTS.parent)
    assert absl_form._named([f"-config=experiments/{SLUG}/config.py"]) == (SLUG, "laptop")


@pytest.mark.parametrize("words", [("compare", "x", ""), ("compare", ""), ("report", " ")])
def test_an_empty_name_is_said_to_be_one(capsys, monkeypatch, words):
    monkeypatch.setattr(store, "latest", lambda *_: HOME)
    words = [SLUG if w == "x" else w for w in words]
    assert "an empty name" in refused(capsys, *words)


@pytest.mark.parametrize("what", ["folder", "workdirs", "two", "link"])
def test_what_is_fetched_lands_in_its_own_folder(tmp_path, monkeypatch, what):
    mine, other = (tmp_path / f"runs/toy/smoke/{n}" for n in ("mine", "other"))
    for home in (mine, other):
        (home / "job").mkdir(parents=True)
    workdirs = {"workdirs": [other], "two": [mine, other], "link": [tmp_path / "link"]}
    (tmp_path / "link").symlink_to(mine)
    record = {"id": "1", "on": "tpu", "engine": "tpu", "target": {"bucket": "gs://b"}, "chips": ""}
    record |= dict.fromkeys(("experiment", "preset", "name", "command", "submitted"), "x")
    record |= {"folder": str(other if what == "folder" else mine), "arguments": [["toy"]]}
    record["workdirs"] = [str(w) for w in workdirs.get(what, [mine])]
    store.write_json(mine / "job/job.json", record)
    monkeypatch.setattr(Sky, "fetch", lambda *_: pytest.fail("fetched"))
    with pytest.raises(UserError, match="not its own; nothing was fetched"):
        jobs.fetch(mine)
