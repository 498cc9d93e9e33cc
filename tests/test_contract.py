"""The contract, over every experiment folder found: nothing is registered, nothing is exempt."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from launch import check, ledger, paths, report, settings, store
from tests.tree import ROOT, Tree, copy_tree, pace

ONLY = os.environ.get("REPRISE_ONLY")  # one paper: ./lab test NAME
FORKS = {s for s in paths.slugs() if (paths.EXPERIMENTS / s / "lineage.json").exists()}
SLUGS = [ONLY] if ONLY else [s for s in paths.slugs() if s not in FORKS]
SMOKE_CPU_SECONDS = 10
BUSY = 2.0  # two tests at once share caches and cores: CPU seconds count up to twice
REPORT_SECONDS = 5  # of CPU: other tests run at the same time
SAME_ON_8 = {True: 1e-7, False: 2e-3}  # by x64: largest difference relative to the array's scale


def per_slug(fn):
    """Parametrise over experiments; the tests of one share a worker, so its smoke run is shared."""
    marks = [pytest.param(s, marks=pytest.mark.xdist_group(s)) for s in SLUGS]
    return pytest.mark.parametrize("slug", marks)(fn)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """smoke(slug) -> the folder of its smoke run, computed once a worker."""
    done: dict[str, Path] = {}

    def get(slug: str) -> Path:
        if slug not in done:
            folder = tmp_path_factory.mktemp(slug) / "run"
            result = Tree(ROOT).lab("run", f"{slug}:smoke", "--workdir", str(folder))
            assert result.status == 0, result.err
            (folder / "cpu").write_text(str(result.cpu))
            done[slug] = folder
        return done[slug]

    return get


@per_slug
def test_nothing_is_found(slug):
    """Files, README, presets, claims, imports, purity, lint: `./lab check`."""
    assert [str(x) for x in check.findings(slug, verdicts=False)] == []


@per_slug
def test_smoke_is_cheap_finite_and_documented(slug, smoke, tmp_path):
    arrays = store.arrays(smoke(slug))
    doc = importlib.import_module(f"experiments.{slug}.run").run.__doc__
    for name, array in arrays.items():
        assert np.isfinite(array).all(), f"{name} is not finite"
        assert re.search(rf"\b{name}\b", doc), f"run's docstring does not name {name}"
    spent = float((smoke(slug) / "cpu").read_text())
    limit = SMOKE_CPU_SECONDS * BUSY
    if spent > limit:  # once more, from an empty cache, beside the toy as a measure of the machine
        where, cold = str(tmp_path / "run"), str(tmp_path / "cache")
        again = Tree(ROOT).lab("run", f"{slug}:smoke", "--workdir", where, REPRISE_CACHE=cold)
        assert again.status == 0, again.err
        spent, limit = min(spent, again.cpu), limit * pace(tmp_path / "toy")
    assert spent <= limit


@per_slug
def test_figures_come_from_arrays_without_jax_twice_the_same(slug, smoke, tmp_path):
    script = (
        "import sys, time; from launch.__main__ import main; t = time.process_time()\n"
        f"assert main(['report', {str(smoke(slug))!r}]) == 0\n"
        "print(time.process_time() - t)\n"
        "assert not {'jax', 'scipy.stats', 'tensorstore'} & set(sys.modules)"
    )
    contents, seconds = [], []
    for _ in range(2):
        env = Tree(ROOT).environment()
        command = [sys.executable, "-P", "-c", script]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made = [p for p in sorted(smoke(slug).iterdir()) if p.name not in ("run.json", "lock")]
        contents.append({p.name: p.read_bytes() for p in made})
        seconds.append(float(done.stdout.split()[-1]))
    assert contents[0] == contents[1]
    if min(seconds) > REPORT_SECONDS:
        assert min(seconds) <= REPORT_SECONDS * pace(tmp_path / "toy")
    assert any(name.endswith(".png") for name in contents[0])


@per_slug
def test_same_numbers_on_8_devices_and_paper_preset_lowers(slug, smoke, tmp_path):
    command = [sys.executable, str(ROOT / "tests/eight.py"), slug, str(tmp_path / "run")]
    env = Tree(ROOT).environment()
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    same(slug, smoke(slug), tmp_path / "run")


@per_slug
def test_same_numbers_on_2_processes_of_4_devices(slug, smoke, tmp_path):
    folder = str(tmp_path / "run")
    more = {"JAX_NUM_CPU_DEVICES": "4"}
    done = Tree(ROOT).lab(
        "run", f"{slug}:smoke", "--processes", "2", "--workdir", folder, **more, seconds=600
    )
    assert done.status == 0, done.err
    devices = store.read_json(tmp_path / "run/run.json")["devices"]
    assert (devices["count"], devices["processes"]) == (8, 2)
    same(slug, smoke(slug), tmp_path / "run")


def same(slug, first, second):
    """Two runs on different devices have the same arrays, but for rounding."""
    one, other = store.arrays(first), store.arrays(second)
    assert one.keys() == other.keys()
    tolerance = SAME_ON_8[bool(settings.get(slug, "smoke").x64)]
    for name in one:
        scale = np.abs(one[name]).max(initial=0) or 1.0
        worst = np.abs(np.subtract(one[name], other[name], dtype=float)).max(initial=0) / scale
        assert worst <= tolerance, f"{name} differs by {worst:.1e} of its scale"


@per_slug
def test_a_copied_folder_runs_and_gives_the_same_arrays(slug, smoke, tmp_path):
    """Two things at once: a fork works, and the same seeds give the same bits."""
    made = copy_tree(tmp_path, slug)
    assert made.lab("fork", slug, "a_fork").status == 0
    result = made.lab("run", "a_fork:smoke", "--workdir", str(tmp_path / "run"))
    assert result.status == 0, result.err
    one, two = store.arrays(smoke(slug)), store.arrays(tmp_path / "run")
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


@per_slug
def test_committed_reference_gives_the_ledgers_verdicts(slug):
    """Anybody can recompute the committed verdicts from the committed arrays."""
    folder = store.reference(slug)
    if folder is None and ONLY:
        pytest.skip(f"not verified yet: ./lab verify {slug}")
    assert folder is not None, f"no reference run: ./lab verify {slug}"
    assert os.path.getsize(folder / "arrays.npz") <= 2**20
    arrays = store.arrays(folder)
    newest, compared = ledger.newest(slug), 0
    for claim in report.load_claims(slug)[1]:
        line = newest[claim.id]
        if line["thresholds"] != claim.thresholds:
            continue  # shown as INVALID until verified again
        verdict = report.judge(slug, claim, "laptop", arrays, seeds=len(line["seeds"]))
        broken = line["control"] == "passes" and verdict.state == "pass"
        assert line["state"] == ("invalid" if broken else verdict.state)
        compared += 1
        if verdict.estimate is not None:
            assert line["estimate"] == pytest.approx(verdict.estimate, rel=1e-9)
    assert compared, "every threshold changed since it was verified"


def test_there_are_experiments():
    assert SLUGS
