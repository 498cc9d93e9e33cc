"""Whatever comes in is checked once, said in one line, and stops nobody else: inputs of every kind
at every door, and every kind of surroundings.
"""

import errno
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from common import data, files
from launch import doctor, surroundings
from launch.compute import computing
from launch.errors import UserError
from launch.read import report
from launch.record import store
from tests.test_mistakes import refused
from tests.tree import ROOT, Tree

pytestmark = pytest.mark.xdist_group("launch")  # shares the verified toy
LEAST = {"O": 480, "O, pages": 80, "P": 180, "Q": 250, "R": 60}  # inputs of a kind


@pytest.fixture(scope="module")
def mine(shared_tree, tmp_path_factory):
    """A verified toy of one's own, the newest run of which is of the laptop preset."""
    root = tmp_path_factory.mktemp("doors") / "tree"
    shutil.copytree(shared_tree.root, root, symlinks=True)
    for name in ("smoke", "mine"):
        shutil.rmtree(root / "results/runs/toy" / name, ignore_errors=True)
    return Tree(root)


@pytest.mark.parametrize("kind", LEAST)
def test_every_input_of_a_kind_ends_in_one_line(mine, kind):
    env = mine.environment(REPRISE_CACHE=str(mine.root / "cache"))
    command = [sys.executable, "-P", str(ROOT / "tests/doors.py"), kind]
    done = subprocess.run(command, env=env, cwd=mine.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)[kind]
    assert found["wrong"] == []
    assert found["count"]["well"] >= LEAST[kind]


# --- surroundings ---------------------------------------------------------------------------------

SHELL = 'exec "$0" -P -m launch "$@"'


def around(mine, *words, how="", **env):
    """A verb in a process of its own; how: redirections of its streams."""
    command = ["bash", "-c", f"{SHELL} {how}", sys.executable, *words]
    here = mine.environment(**env)
    return subprocess.run(command, env=here, cwd=mine.root, capture_output=True, check=False)


@pytest.mark.parametrize("how", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_lead_nowhere(mine, how):
    done = around(mine, "list", how=how)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_locale_that_lacks_letters_shows_escapes(mine, env):
    done = around(mine, "list", **env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"toy" in done.stdout


def test_a_lab_behind_a_link_is_where_it_points(mine, tmp_path):
    (tmp_path / "lab").symlink_to(mine.root / "lab")
    command = [
        sys.executable,
        "-c",
        f"import runpy; print(runpy.run_path({str(tmp_path / 'lab')!r})['ROOT'])",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(mine.root)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"JAX_PLATFORMS": "cuda"}, "JAX_PLATFORMS=cuda: no device"),
        ({"JAX_PLATFORMS": "nonsense"}, "JAX_PLATFORMS=nonsense: Unable to initialize"),
        ({"XLA_FLAGS": "--xla_nonsense=1"}, "XLA_FLAGS: XLA does not know --xla_nonsense=1"),
    ],
)
def test_devices_that_are_not_there_are_named_with_their_variable(mine, monkeypatch, env, said):
    """By a run, and by doctor, whose advice is about them."""
    refused(mine.lab("run", "toy:smoke", "lr=0.9", **env), said)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    row = doctor._jax()
    assert row["state"] == "broken"
    assert said.split(":")[0] in row["found"]
    assert "rm -r" not in row["do"]
    assert next(iter(env)) in row["do"]


def test_no_home_and_an_unknown_user(monkeypatch):
    def unknown(_):
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "REPRISE_DATA"):
        monkeypatch.delenv(name, raising=False)
    assert data.load("digits").x_train.shape == (1347, 8, 8), "what is bundled needs no home"
    with pytest.raises(data.DataError, match="no home folder is known: set REPRISE_DATA"):
        data.room()
    assert not surroundings.home()
    assert surroundings.home(), "one in .cache takes its place"
    monkeypatch.setenv("HOME", "")
    assert not surroundings.home()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_that_cannot_lock(tmp_path, monkeypatch, number):
    def lack(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", lack)
    with store.lock(tmp_path):
        pass  # as it does for other machines
    monkeypatch.setattr(fcntl, "lockf", lack)
    with pytest.raises(files.FileError, match=r"cannot be locked, its disk does not do that"):
        store.lock(tmp_path)
    monkeypatch.setenv("REPRISE_RESULTS", str(tmp_path))
    row = doctor._disk()
    assert (row["state"], "another disk" in row["do"]) == ("broken", True)


def test_a_run_of_another_user_is_another_run(tmp_path, monkeypatch):
    def forbidden(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(store.os, "open", forbidden)
    with pytest.raises(store.Busy, match="of another user"):
        store.lock(tmp_path)


def test_what_doctor_says_of_the_network(monkeypatch, tmp_path):
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert doctor._network()["state"] == "good"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert doctor._network()["do"] == "unset REQUESTS_CA_BUNDLE"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert "XDG_CACHE_HOME" in doctor._network()["do"]
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:9")
    assert "SOCKS" in doctor._network()["found"]


def test_doctor_tells_of_every_variable_and_goes_on(mine):
    wrong = {
        "REPRISE_RESULTS": "gs://b/x",
        "XDG_CACHE_HOME": "/proc/1",
        "REPRISE_CHECKPOINT_SECONDS": "x",
    }
    rows = json.loads(around(mine, "doctor", "--json", **wrong).stdout)
    told = [r["found"] for r in rows if (r["what"], r["state"]) == ("variables", "broken")]
    assert [name for name in wrong if any(t.startswith(name) for t in told)] == list(wrong)
    assert {"disk", "home", "letters", "terminal", "downloads", "toy"} <= {r["what"] for r in rows}


@pytest.mark.parametrize(("error", "said"), [
    (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "has reached your quota"),
    (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "is full"),
    (ValueError("RESOURCE_EXHAUSTED: writing [OS error 122: Disk quota exceeded]"), "quota"),
    (ExceptionGroup("two", [KeyError("x"), OSError(errno.EDQUOT, "Disk quota exceeded")]), "quota"),
    (MemoryError(), "ran out of memory"),
    (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"), "ran out of memory"),
    (ValueError("another"), ""),
])  # fmt: skip
def test_what_a_machine_lacks_is_told_by_its_name(tmp_path, error, said):
    found = computing._lacking(error, tmp_path)
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_new_files_have_the_mode_that_the_umask_gives(tmp_path, mask):
    old = os.umask(mask)
    try:
        handle, file = files.fresh(tmp_path, "a")
        os.close(handle)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask


def test_figures_are_drawn_as_the_repository_says(mine, tmp_path):
    """Whatever matplotlibrc stands in the current folder, and a notebook's backend."""
    folder = mine.root / "results/toy/laptop"
    before = (folder / "fig1.png").read_bytes()
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 9\n")
    env = mine.environment(MPLBACKEND="module://nothing", MATPLOTLIBRC=str(tmp_path))
    command = [sys.executable, "-P", "-m", "launch", "report", str(folder)]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "fig1.png").read_bytes() == before


def test_the_current_folder_is_gone(mine, tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path / "x")
    (tmp_path / "x").rmdir()
    refused(mine.lab("list"), "the current folder is gone")


def test_a_claim_with_a_control_character_is_told(tmp_path, monkeypatch):
    (tmp_path / "toy").mkdir()
    text = (ROOT / "tests/toy/claims.toml").read_text()
    (tmp_path / "toy/claims.toml").write_text(text.replace('title = "', 'title = "\\u001b[2J', 1))
    monkeypatch.setattr(report, "experiment_folder", lambda slug: tmp_path / slug)
    with pytest.raises(UserError, match=r"claims.toml: .*control character"):
        report.load_claims("toy")
