"""What is somebody's own is kept: lines of a ledger, figures in a run folder, linked files."""

import json
import os
import shutil

import numpy as np
import pytest

from common import files, plot
from common.scratch import write_npz
from launch.compute import processes
from launch.errors import UserError
from launch.read import report
from launch.record import ledger, store
from tests.examples import LINE, RUN

LINKS = pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The results folder of a toy."""
    monkeypatch.setenv("REPRISE_RESULTS", str(tmp_path))
    (tmp_path / "toy").mkdir()
    return tmp_path / "toy"


# --- ledger --------------------------------------------------------------------------------------


def line(number):
    return LINE | {"id": f"t{number}", "n": number}


@pytest.mark.parametrize(
    "end", [b"", b"\n", b"\r\n", b"\r", b" ", b"\n\n", b"\x00\x00", b'\n{"id": "t9', b"\n\xff\xfe"]
)
def test_an_appended_verdict_stands_on_its_own_line(home, end):
    before = json.dumps(line(1)).encode() + b"\n" + json.dumps(line(2)).encode() + end
    (home / "ledger.jsonl").write_bytes(before)
    ledger.append("toy", [line(3)])
    ledger.append("toy", [line(4), line(5)])
    found = [x["n"] for x in ledger.lines("toy")]
    assert found == [1, 2, 3, 4, 5]
    assert (home / "ledger.jsonl").read_bytes().startswith(before)


def test_lines_that_were_glued_together_are_both_read(home):
    glued = "\ufeff" + json.dumps(line(1)) + json.dumps(line(2)) + " " + json.dumps(line(3))[:-3]
    (home / "ledger.jsonl").write_text(glued, encoding="utf-8")
    assert [x["n"] for x in ledger.lines("toy")] == [1, 2]


@LINKS
def test_a_ledger_that_is_a_link_is_not_written_through(home, link):
    (home / "mine").write_text("irreplaceable")
    link(home / "mine", home / "ledger.jsonl")
    with pytest.raises(files.FileError, match="nothing is written there"):
        ledger.append("toy", [line(1)])
    assert (home / "mine").read_text() == "irreplaceable"


# --- figures -------------------------------------------------------------------------------------


def drawn(folder, monkeypatch, *names):
    """The figures of a run folder after a report that draws these."""

    def drawings(*_):
        return {name: figure() for name in names}

    monkeypatch.setattr(report, "drawings", drawings)
    report.draw(folder, store.read_json(folder / "run.json"))
    return {p.name for p in folder.glob("fig*")}


def figure():
    with plot.styled():
        fig, ax = plot.figure(caption="A line.")
        ax.plot([1, 2], [1, 2], label="ours")
        ax.set(xlabel="x", ylabel="y")
    return fig


def three(name):
    return {f"{name}.{kind}" for kind in ("png", "svg", "csv")}


def test_report_deletes_what_it_drew_and_nothing_else(home, monkeypatch):
    store.write_json(home / "run.json", RUN)
    write_npz(home / "arrays.npz", {"x": np.zeros(1)})
    plot.save(figure(), home, "fig_thesis")  # by our own tools, under a name that we would give
    (home / "fig9.csv").write_text("mine")
    mine = {*three("fig_thesis"), "fig9.csv"}
    assert drawn(home, monkeypatch, "fig1", "fig2") == mine | three("fig1") | three("fig2")
    assert drawn(home, monkeypatch, "fig2", "fig3") == mine | three("fig2") | three("fig3")
    assert store.read_json(home / "run.json") == RUN | {"figures": ["fig2", "fig3"]}
    before = (home / "run.json").stat()
    assert drawn(home, monkeypatch, "fig2", "fig3") == mine | three("fig2") | three("fig3")
    assert (home / "run.json").stat() == before


@pytest.mark.parametrize(
    "said", [["../fig1", "/etc/fig1", "run", 3, None], "fig1", None, {"fig1": 1}]
)
def test_a_list_that_is_none_of_ours_deletes_nothing(home, monkeypatch, said):
    (home / "fig1.png").write_text("mine")
    (home / "run").mkdir()
    run = home / "run"
    (run / "run.png").write_text("mine")
    store.write_json(run / "run.json", RUN | {"figures": said})
    write_npz(run / "arrays.npz", {"x": np.zeros(1)})
    with pytest.raises(UserError, match=r"run.json is damaged, line \d+: figures"):
        drawn(run, monkeypatch, "fig2")
    assert (home / "fig1.png").exists()
    assert (run / "run.png").exists()


# --- links ---------------------------------------------------------------------------------------


@LINKS
@pytest.mark.parametrize(
    "name", ["fig1.png", "fig1.svg", "arrays.npz", "verdicts.json", "run.json"]
)
def test_a_file_that_is_written_whole_takes_the_place_of_a_link(home, monkeypatch, link, name):
    run = home / "run"
    run.mkdir()
    content = {"run.json": json.dumps(RUN)}.get(name, "irreplaceable")
    (home / "mine").write_text(content)
    store.write_json(run / "run.json", RUN)
    write_npz(run / "arrays.npz", {"x": np.zeros(1)})
    (run / name).unlink(missing_ok=True)
    link(home / "mine", run / name)
    if name == "arrays.npz":
        write_npz(run / name, {"x": np.ones(1)})
    elif name == "verdicts.json":
        store.write_json(run / name, {})
    else:
        drawn(run, monkeypatch, "fig1")
    assert (home / "mine").read_text() == content
    assert not (run / name).is_symlink()
    assert (run / name).stat().st_nlink == 1


@LINKS
def test_a_lock_that_is_a_link_is_refused(home, link):
    (home / "mine").write_text("irreplaceable")
    link(home / "mine", home / "lock")
    with pytest.raises(files.FileError, match="lock is a link"):
        store.lock(home)
    (home / "lock").unlink()
    os.mkfifo(home / "lock")
    with pytest.raises(files.FileError, match="or no file"):
        store.lock(home)
    (home / "lock").unlink()
    with store.lock(home), pytest.raises(store.Busy):
        store.lock(home)
    assert (home / "mine").read_text() == "irreplaceable"


@LINKS
def test_what_processes_say_does_not_go_through_a_link(home, link):
    (home / "mine").write_text("irreplaceable")
    link(home / "mine", home / "0.txt")
    with pytest.raises(files.FileError, match="nothing is written there"):
        processes.Child(["true"], 0, 1, "", home, show=True)
    assert (home / "mine").read_text() == "irreplaceable"


def test_run_json_that_cannot_be_read_now_is_not_called_damaged(home, monkeypatch):
    store.write_json(home / "run.json", {"a": 1})
    write_npz(home / "arrays.npz", {"x": np.zeros(1)})

    def away(_):
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(files.Path, "read_bytes", away)
    for read in (lambda: store.read_json(home / "run.json"), lambda: store.arrays(home)):
        with pytest.raises(files.Unreadable, match="cannot be read now"):
            read()
    monkeypatch.undo()
    (home / "arrays.npz").write_bytes((home / "arrays.npz").read_bytes()[:50])
    with pytest.raises(UserError, match="is damaged"):
        store.arrays(home)


def test_toy_whose_scratch_is_a_link_ends_in_a_line(tree):
    where, outside = tree.root / "w", tree.root / "outside"
    outside.mkdir()
    (outside / "cell-a.12345678.tmp").write_text("irreplaceable")
    where.mkdir()
    assert tree.lab("run", "toy:smoke", "trouble=third", "--workdir", str(where)).status == 1
    shutil.rmtree(where / "scratch")
    (where / "scratch").symlink_to(outside)
    done = tree.lab("run", "toy:smoke", "trouble=third", "--workdir", str(where))
    assert (done.status, done.traceback) == (2, False)
    assert "scratch is a link to" in done.err
    assert os.listdir(outside) == ["cell-a.12345678.tmp"]
