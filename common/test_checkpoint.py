"""Checkpoints and cells: what is damaged is set aside, what is out of reach ends the run, in whole
folders that nobody touched; and what does not belong there is not used.
"""

import errno
import os
import shutil
import warnings

import jax.numpy as jnp
import numpy as np
import pytest
from orbax.checkpoint import v1 as ocp

from common import files
from common.scratch import OF, Scratch, write_npz
from common.stop import Stopped

STATE = {"x": jnp.arange(1000.0) * 1.37, "h": np.random.default_rng(0).random((50, 50))}
ERRNOS = (
    errno.ESTALE, errno.EACCES, errno.EIO, errno.EMFILE, errno.ENODEV, errno.EPERM, errno.ETIMEDOUT,
)  # fmt: skip
AWAY: list[Exception] = [OSError(number, os.strerror(number)) for number in ERRNOS]
AWAY += [
    MemoryError(),
    RuntimeError("can't start new thread"),
    ValueError("PERMISSION_DENIED: Error opening driver: local file"),
    ValueError("UNKNOWN: Error reading: [OS error 116: ESTALE Stale file handle]"),
    ValueError("RESOURCE_EXHAUSTED: Out of memory allocating 999 bytes"),
    ExceptionGroup("several", [ValueError("x"), OSError(errno.EREMOTEIO, "Remote I/O error")]),
]


def plus(number):
    return {"x": STATE["x"] + number, "h": STATE["h"] + number}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A scratch folder with checkpoints of steps 1 and 2, and two cells."""
    home = tmp_path_factory.mktemp("saved")
    scratch = Scratch(home)
    with scratch.checkpoints("a", every=0.0) as ckpt:
        ckpt.save(1, plus(1))
        ckpt.save(2, plus(2))
    for name in "bc":
        scratch.cached(name, lambda: {"y": np.arange(5.0)})
    return home


@pytest.fixture
def home(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "scratch")
    return tmp_path / "scratch"


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def restored(home, name="a", **more):
    """(what the number added to STATE is, step, warnings)"""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with Scratch(home, **more).checkpoints(name) as ckpt:
            state, step = ckpt.restore(STATE)
    added = {float(np.round(np.asarray(state[k] - STATE[k]), 3).flat[-1]) for k in STATE}
    assert len(added) == 1
    for k in STATE:
        np.testing.assert_array_equal(state[k], STATE[k] + added.copy().pop())
    return added.pop(), step, [str(w.message) for w in said]


@pytest.mark.parametrize("error", AWAY, ids=repr)
def test_what_cannot_be_read_now_ends_the_run_and_nothing_is_touched(home, monkeypatch, error):
    before = contents(home)

    def load(*_, **__):
        raise KeyError("Failed to load checkpointable") from error

    monkeypatch.setattr(ocp, "load", load)
    with pytest.raises(files.Unreadable, match=r"checkpoints-a/2 cannot be read now \(.+\); noth"):
        restored(home)
    assert contents(home) == before
    monkeypatch.undo()
    assert restored(home) == (2, 2, [])


def test_a_failed_load_of_whole_files_that_cannot_be_read_again_is_no_damage(home, monkeypatch):
    """What the library says looks like damage; the disk says that it is away."""

    def load(*_, **__):
        raise ValueError("NOT_FOUND: no such key")

    def walk(top, onerror):
        onerror(OSError(errno.ESTALE, "Stale file handle"))
        return iter(())

    monkeypatch.setattr(ocp, "load", load)
    monkeypatch.setattr(files.os, "walk", walk)
    with pytest.raises(files.Unreadable, match="Stale file handle"):
        restored(home)


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(home, monkeypatch):
    def listdir(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("common.checkpoint.os.listdir", listdir)
    with pytest.raises(files.Unreadable, match="checkpoints-a cannot be read now"):
        Scratch(home).checkpoints("a")


@pytest.mark.parametrize("what", ["half", "empty", "flip", "gone", "json", "folder"])
def test_damage_is_proven_set_aside_and_survived(home, what):
    """Of every file without which, or with which changed, the state could be another."""
    found = sorted((home / "checkpoints-a/2/state").rglob("*"))
    names = ("_METADATA", "manifest.ocdbt")
    largest = max((p for p in found if p.is_file()), key=lambda p: p.stat().st_size)
    for file in [*(p for p in found if p.name in names and p.parent.name == "state"), largest]:
        shutil.copytree(home, home.with_name("copy"))
        damage(home.with_name("copy") / file.relative_to(home), what)
        added, step, said = restored(home.with_name("copy"))
        assert (added, step) == (1, 1)
        assert "checkpoint 2" in said[0]
        assert "is damaged" in said[0]
        (unused,) = home.with_name("copy").glob("checkpoints-a.unused-*")
        assert f"moved to {unused}" in said[1]
        assert os.listdir(unused) == ["2"]
        shutil.rmtree(home.with_name("copy"))


def damage(file, what):
    data = file.read_bytes()
    middle = len(data) // 2
    file.unlink()
    if what == "folder":
        file.mkdir()
    elif what != "gone":
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        made = {"half": data[:middle], "empty": b"", "flip": flipped, "json": b"{}"}
        file.write_bytes(made[what])


def test_the_newest_two_that_are_whole_are_kept_while_it_goes_on(home):
    damage(home / "checkpoints-a/2/state/manifest.ocdbt", "half")
    with Scratch(home).checkpoints("a", every=0.0) as ckpt, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ckpt.restore(STATE)[1] == 1
        ckpt.save(2, plus(2))
        assert ocp.load(home / "checkpoints-a/1")["step"] == 1
        ckpt.save(3, plus(3))
    assert sorted(os.listdir(home / "checkpoints-a")) == ["2", "3"]
    assert restored(home) == (3, 3, [])
    assert len(list(home.glob("checkpoints-a.unused-*/2/state/manifest.ocdbt"))) == 1


def test_what_nobody_asked_for_is_not_overwritten(home):
    with Scratch(home).checkpoints("a", every=0.0) as ckpt, pytest.warns(match="1, 2 moved to"):
        ckpt.save(1, plus(7))
    assert restored(home)[:2] == (7, 1)
    (unused,) = home.glob("checkpoints-a.unused-*")
    assert sorted(os.listdir(unused)) == ["1", "2"]


def test_a_step_and_its_state_belong_together(home):
    shutil.copytree(home / "checkpoints-a/2", home / "checkpoints-a/5")
    added, step, said = restored(home)
    assert (added, step) == (2, 2)
    assert "checkpoint 5" in said[0]
    assert "it holds step 2" in said[0]
    (home / "checkpoints-a/2").rename(home / "checkpoints-a/1000")
    assert restored(home)[:2] == (1, 1)


def test_a_checkpoint_belongs_to_its_run_and_its_loop(home):
    shutil.copytree(home / "checkpoints-a", home / "checkpoints-other")
    for name, who in (("other", ""), ("a", "another run")):
        added, step, said = restored(home, name, who=who)
        assert (added, step) == (0, 0)
        assert "of another run or loop" in said[0]


@pytest.mark.parametrize(
    "name", ["run[0]", "proj [v1]", "a*b?", "{a}", "[!x]", "**", "[", "é %20 #?", "$HOME~"]
)
def test_folders_whose_names_look_like_patterns(tmp_path, name):
    scratch = Scratch(tmp_path / name / "scratch")
    ckpt = scratch.checkpoints("a", every=1000.0)
    scratch.stop.asked = True
    with pytest.raises(Stopped):
        ckpt.save(3, plus(3))
    assert restored(tmp_path / name / "scratch") == (3, 3, [])


def test_what_cannot_hold_checkpoints_is_refused_before_computing(tmp_path):
    with pytest.raises(files.FileError, match="give another --workdir"):
        Scratch(tmp_path / "a\\b").checkpoints("a")


def test_saved_is_said_of_what_can_be_found(tmp_path, monkeypatch):
    scratch = Scratch(tmp_path)
    ckpt = scratch.checkpoints("a", every=1000.0)
    scratch.stop.asked = True
    close = ckpt.close

    def lose():
        close()
        shutil.rmtree(tmp_path / "checkpoints-a/3")

    monkeypatch.setattr(ckpt, "close", lose)
    with pytest.raises(files.FileError, match="checkpoints-a/3 was not saved"):
        ckpt.save(3, plus(3))


# --- cells ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [e for e in AWAY if isinstance(e, OSError | MemoryError)], ids=repr
)
def test_a_cell_that_cannot_be_read_now_is_not_computed_again(home, monkeypatch, error):
    before = contents(home)

    def read(_):
        raise error

    scratch = Scratch(home)
    monkeypatch.setattr(files.Path, "read_bytes", read)
    with pytest.raises(files.Unreadable, match=r"cell-b\.npz cannot be read now"):
        scratch.cached("b", lambda: pytest.fail("computed"))
    monkeypatch.undo()
    assert contents(home) == before


@pytest.mark.parametrize("what", ["half", "empty", "flip", "json", "folder"])
def test_a_damaged_cell_is_set_aside_and_computed_again(home, what):
    damage(home / "cell-b.npz", what)
    scratch = Scratch(home)
    with pytest.warns(match=r"cell-b\.npz.*computed again"):
        scratch.cached("b", lambda: {"y": np.zeros(2)})
    assert scratch.cached("b", lambda: pytest.fail("computed")).keys() == {"y"}
    assert len(list(home.glob("cell-b.npz.unused-*"))) == 1


def test_a_cell_is_of_its_part(home):
    shutil.copy(home / "cell-b.npz", home / "cell-d.npz")
    write_npz(home / "cell-c.npz", {"y": np.ones(3)})
    for name in "cd":
        with pytest.warns(match="of another part or run"):
            assert Scratch(home).cached(name, lambda: {"y": np.zeros(2)})["y"].shape == (2,)
    assert OF not in Scratch(home).cached("b", dict)


def test_what_was_set_aside_outlives_the_run(home):
    (home / "cell-b.npz.unused-20260101T000000Z").write_text("mine")
    assert [p.name for p in Scratch(home).finish()] == ["cell-b.npz.unused-20260101T000000Z"]
    assert os.listdir(home) == ["cell-b.npz.unused-20260101T000000Z"]


def test_only_our_own_debris_is_deleted(home, tmp_path):
    for name in ("thesis.tmp", "cell-notes.tmp", "cell-b.abcdefgh.tmp"):
        (home / name).write_text("x")
    (home / "cell-b.12345678.tmp").symlink_to(tmp_path / "thesis")
    Scratch(home)
    left = {p.name for p in home.glob("*.tmp")}
    assert left == {"thesis.tmp", "cell-notes.tmp", "cell-b.12345678.tmp"}


@pytest.mark.parametrize("name", ["scratch", "scratch/log.jsonl", "scratch/checkpoints-a"])
def test_nothing_is_written_through_a_link(home, tmp_path, name):
    """A symbolic link; of the log a hard one too."""
    outside = tmp_path / "outside"
    here = tmp_path / name
    links = [os.symlink]
    if name.endswith("log.jsonl"):
        outside.write_text("irreplaceable")
        links += [os.link]
    else:
        here.rename(outside)
    before = contents(tmp_path)
    for link in links:
        link(outside, here)
        with pytest.raises(files.FileError, match="nothing is written"):
            Scratch(home).checkpoints("a")
        here.unlink()
        assert contents(tmp_path) == before
