"""The dear part of the contract: what needs fresh processes, for the papers whose turn it is.

A smoke run in a fresh process with an empty cache, within its time; its figures twice, without JAX,
the same bytes; a fork in a copy of the repository, with the same bits; two processes of four
devices, with the same numbers. Whose turn it is: tests/rotation.py.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from launch import paths
from launch.record import store
from launch.record.fingerprint import fingerprint
from tests import rotation
from tests.test_contract import ONLY, grouped, is_fork, same
from tests.tree import ROOT, Tree, children_cpu, copy_tree, pace

SLUGS = [ONLY] if ONLY else [s for s in paths.slugs() if not is_fork(s)]
KEYS = {s: rotation.key(ROOT, s, fingerprint(s)) for s in SLUGS}
TURN = rotation.turn(
    KEYS,
    store.peek(rotation.RECORD),
    rotation.today(),
    everything=bool(os.environ.get("REPRISE_ALL")),
    share=0 if ONLY else rotation.SHARE,
)
SMOKE_CPU_SECONDS = 10
BUSY = 2.0  # two tests at once share caches and cores: CPU seconds count up to twice
REPORT_SECONDS = 5  # of CPU: other tests run at the same time
SCRIPT = """
import sys, time; from launch.__main__ import main; t = time.process_time()
assert main(['report', sys.argv[1]]) == 0
print(time.process_time() - t)
assert not {'jax', 'scipy.stats', 'tensorstore'} & set(sys.modules)
"""


def passed_over() -> list[str]:
    """Lines for the end of a call."""
    forks = [] if ONLY else [s for s in paths.slugs() if s not in SLUGS]
    said = [f"forks, without dear tests and verdicts: {', '.join(forks)}"] if forks else []
    return said + [TURN.line] * bool(TURN.line)


@pytest.mark.parametrize("slug", [grouped(s) for s in TURN.due])
def test_in_processes_of_its_own(slug, tmp_path, record_property):
    start, run, cache = children_cpu(), tmp_path / "run", str(tmp_path / "cache")
    cold = Tree(ROOT).lab("run", f"{slug}:smoke", "--workdir", str(run), REPRISE_CACHE=cache)
    assert cold.status == 0, cold.err
    limit = SMOKE_CPU_SECONDS * BUSY
    if cold.cpu > limit:
        assert cold.cpu <= limit * pace(tmp_path / "smoke_pace")
    report_twice(run, tmp_path / "report_pace")
    fork(slug, run, tmp_path / "fork", cache)
    two_processes(slug, run, tmp_path / "two")
    record_property("dear cpu", [slug, children_cpu() - start])
    record_property("checked", [slug, KEYS[slug]])


def report_twice(run, pace_folder):
    """Without JAX or anything slow, the same bytes in every process, within its time."""
    contents, seconds = [], []
    for _ in range(2):
        command = [sys.executable, "-P", "-c", SCRIPT, str(run)]
        env = Tree(ROOT).environment()
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made = [p for p in sorted(run.iterdir()) if p.name not in ("run.json", "lock")]
        contents.append({p.name: p.read_bytes() for p in made})
        seconds.append(float(done.stdout.split()[-1]))
    assert contents[0] == contents[1]
    assert any(name.endswith(".png") for name in contents[0])
    if min(seconds) > REPORT_SECONDS:
        assert min(seconds) <= REPORT_SECONDS * pace(pace_folder)


def fork(slug, run, folder, cache):
    """Two things at once: a fork works, and the same seeds give the same bits."""
    made = copy_tree(folder, slug)
    assert made.lab("fork", slug, "a_fork").status == 0
    where = str(folder / "run")
    done = made.lab("run", "a_fork:smoke", "--workdir", where, REPRISE_CACHE=cache)
    assert done.status == 0, done.err
    one, two = store.arrays(run), store.arrays(folder / "run")
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def two_processes(slug, run, folder):
    """Over loopback, with four devices each."""
    command = ("run", f"{slug}:smoke", "--processes", "2", "--workdir", str(folder))
    done = Tree(ROOT).lab(*command, JAX_NUM_CPU_DEVICES="4", seconds=600)
    assert done.status == 0, done.err
    devices = store.read_json(folder / "run.json")["devices"]
    assert (devices["count"], devices["processes"]) == (8, 2)
    same(slug, run, folder)
