"""Several real processes over loopback: the same arrays, one voice when one fails, no waiting."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from launch.compute import cluster, stop
from launch.record import store
from tests.tree import waited, workers

pytestmark = pytest.mark.xdist_group("processes")
LONG = ("run", "toy:smoke", "pause=0.4", "steps=900")


def progressed(folder, least=2):
    log = folder / "scratch/log.jsonl"
    return log.exists() and len(log.read_text().splitlines()) >= least


def one_error(text):
    lines = [x for x in text.splitlines() if x.startswith("error:")]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


@pytest.mark.dear
def test_four_processes_give_the_arrays_of_one(tree):
    one, four = tree.root / "one", tree.root / "four"
    assert tree.lab("run", "toy:smoke", "--workdir", str(one)).status == 0
    done = tree.lab("run", "toy:smoke", "--processes", "4", "--workdir", str(four))
    assert done.status == 0, done.err
    assert "figures and arrays" in done.out
    np.testing.assert_array_equal(store.arrays(one)["error"], store.arrays(four)["error"])
    a, b = (store.read_json(f / "run.json") for f in (one, four))
    assert a["identity"] == b["identity"]
    assert b["devices"] == {"platform": "cpu", "kind": "cpu", "count": 4, "processes": 4}
    assert not (four / "scratch").exists()


@pytest.mark.dear
def test_a_killed_process_ends_all_at_once_and_the_run_continues_on_another_number(tree):
    folder = tree.root / "run"
    process = tree.start(*LONG, "--processes", "2", "--workdir", str(folder))
    waited(lambda: progressed(folder))
    start = time.monotonic()
    pids = workers(folder)
    os.kill(pids[1], signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert time.monotonic() - start < 20
    assert process.returncode == 1
    line = one_error(err)
    assert "process 1 of 2 was killed by SIGKILL" in line
    assert "--processes 2" in line, "the command that continues"
    assert not any(os.path.exists(f"/proc/{p}") for p in pids.values())
    # SIGTERM to one of three: all save the same step; finished by one process
    before = len((folder / "scratch/log.jsonl").read_text().splitlines())
    process = tree.start(*LONG, "--processes", "3", "--workdir", str(folder))
    waited(lambda: len(workers(folder)) == 3 and progressed(folder, before + 3))
    os.kill(workers(folder)[2], signal.SIGTERM)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 85, err
    assert "to continue" in err
    done = tree.lab("run", "toy:smoke", "pause=0.4", "steps=900", "--workdir", str(folder))
    assert done.status == 0, done.err
    whole = tree.root / "whole"
    assert tree.lab("run", "toy:smoke", "pause=0", "steps=900", "--workdir", str(whole)).status == 0
    np.testing.assert_array_equal(store.arrays(folder)["error"], store.arrays(whole)["error"])


@pytest.mark.dear
def test_a_request_to_stop_that_is_repeated_to_all_still_saves(tree):
    """As schedulers do: watcher and processes are signalled, again and again, to the very end."""
    folder = tree.root / "run"
    process = tree.start(*LONG, "--processes", "2", "--workdir", str(folder))
    waited(lambda: progressed(folder))
    pids, end = [process.pid, *workers(folder).values()], time.monotonic() + 2.5
    while process.poll() is None and time.monotonic() < end:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        time.sleep(0.001)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 85, err
    assert store.read_json(folder / "run.json")["status"] == "stopped"


@pytest.mark.parametrize("more", [(), ("--processes", "2")])
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.dear)]
)
def test_a_request_to_stop_is_heard_while_a_run_starts(tree, more, number):
    folder = tree.root / "run"
    command = [sys.executable, "-P", "-m", "launch", *LONG, "--workdir", str(folder), *more]
    pipe, env = subprocess.PIPE, tree.environment()
    stop.hold()  # as ./lab does, until it can be heard; a child inherits it
    process = subprocess.Popen(command, env=env, stderr=pipe, text=True)
    process.send_signal(number)
    stop.release()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 85, err
    assert "to continue" in err
    assert store.read_json(folder / "run.json")["status"] == "stopped"


def test_a_steady_stream_of_requests_is_one(monkeypatch):
    now, left, request = [0.0], [], stop.Request("toy")
    monkeypatch.setattr(stop, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(stop.os, "_exit", left.append)
    for now[0] in range(0, 20, 2):
        request.hear(signal.SIGTERM, None)
    assert (request.asked, left) == (True, [])
    now[0] += 4
    request.hear(signal.SIGTERM, None)
    assert left == [128 + signal.SIGTERM], "asked again, by a person"


@pytest.mark.dear
@pytest.mark.parametrize(("number", "how"), [(1, signal.SIGSTOP), (0, signal.SIGKILL)])
def test_a_process_lost_with_its_machine_is_named_within_a_minute(tree, number, how):
    """Two watchers, as on two machines: one and its process go silent or away."""
    from launch.compute.processes import free_port

    folder = tree.root / "run"
    address = f"127.0.0.1:{free_port()}"
    both = [
        tree.start(*LONG, "--workdir", str(folder), JAX_COORDINATOR_ADDRESS=address,
                   JAX_NUM_PROCESSES="2", JAX_PROCESS_ID=str(i))
        for i in range(2)
    ]  # fmt: skip
    waited(lambda: progressed(folder))
    lost = [workers(folder)[number], both[number].pid]
    for pid in lost:
        os.kill(pid, how)
    start = time.monotonic()
    other = both[1 - number]
    _, err = other.communicate(timeout=300)
    assert time.monotonic() - start < 60
    assert other.returncode == 1
    assert f"process {number} of 2 was lost" in one_error(err)
    for pid in lost:
        if os.path.exists(f"/proc/{pid}"):
            os.kill(pid, signal.SIGKILL)
    both[number].communicate()


def test_processes_of_different_settings_do_not_compute(tree):
    from launch.compute.processes import free_port

    more = {
        "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{free_port()}",
        "JAX_NUM_PROCESSES": "2",
    }
    folder = str(tree.root / "run")
    both = [
        tree.start("run", "toy:smoke", f"lr={0.1 * (1 + i)}", "--workdir", folder,
                   **more, JAX_PROCESS_ID=str(i))
        for i in range(2)
    ]  # fmt: skip
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 2
        assert "has other settings" in one_error(err)
    assert not (tree.root / "run/scratch").exists()


def test_what_a_later_process_compiles_is_kept(monkeypatch):
    """JAX writes its cache from process 0 alone; if it renames how, this says so."""
    from jax._src import compilation_cache, compiler

    put = []
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    monkeypatch.setattr(compiler, "_cache_write", compiler._cache_write)
    monkeypatch.setattr(compilation_cache, "put_executable_and_time", lambda *a: put.append(a))
    for number in "01":
        monkeypatch.setenv("JAX_PROCESS_ID", number)
        cluster.keep_compiled()
        compiler._cache_write("quick", 0.0, "module", "cpu", "code", ())
        compiler._cache_write("calls back", 9.0, "module", "cpu", "code", ("callback",))
        if number == "1":
            compiler._cache_write("slow", 9.5, "module", "cpu", "code", ())
    assert put == [("slow", "module", "code", "cpu", 9)]


def test_mistakes(shared_tree):
    done = shared_tree.lab("run", "toy:smoke", JAX_NUM_PROCESSES="two")
    assert "must be a number" in one_error(done.err)
    done = shared_tree.lab("run", "toy:smoke", JAX_NUM_PROCESSES="2")
    assert "give --workdir" in one_error(done.err)
    done = shared_tree.lab(
        "run", "toy:smoke", "--processes", "2", JAX_NUM_PROCESSES="2", JAX_PROCESS_ID="0"
    )
    assert "--processes is for one machine" in one_error(done.err)
