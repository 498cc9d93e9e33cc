"""The contract, over every experiment folder found: nothing is registered, nothing is exempt.

The cheap part, for all, in shared processes; what needs processes of its own is in test_dear.py.
"""

import importlib
import os
import re
import shutil
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import sharding
from launch import paths, settings
from launch.make import check
from launch.read import report
from launch.record import ledger, store
from tests import calls
from tests.core import Core
from tests.tree import ROOT, Tree

ONLY = os.environ.get("REPRISE_ONLY")  # one paper: ./lab test NAME
SLUGS = [ONLY] if ONLY else paths.slugs()
SAME_ON_8 = {True: 1e-7, False: 2e-3}  # by x64: largest difference relative to the array's scale


def per_slug(fn):
    """Parametrise over experiments; the tests of one share a worker, so its smoke run is shared."""
    return pytest.mark.parametrize("slug", [grouped(s) for s in SLUGS])(fn)


def grouped(slug: str):
    return pytest.param(slug, marks=pytest.mark.xdist_group(slug))


def is_fork(slug: str) -> bool:
    return (paths.EXPERIMENTS / slug / "lineage.json").exists()


@pytest.fixture(autouse=True)
def spent(request, record_property):
    """CPU-seconds of a paper's test, told in the summary; those of the core come on top."""
    slug = getattr(request.node, "callspec", None) and request.node.callspec.params.get("slug")
    start = time.process_time()
    yield
    if slug:
        record_property("cpu", [slug, time.process_time() - start])


@pytest.fixture(scope="session")
def core(tmp_path_factory):
    """core(slug) -> (folder with the runs `one` and `eight`, the answer), once a worker."""
    process, done = Core(Tree(ROOT).environment()), {}

    def get(slug: str) -> tuple[Path, dict]:
        if slug not in done:
            folder = tmp_path_factory.mktemp(slug)
            done[slug] = folder, process.ask(slug, folder)
        return done[slug]

    yield get
    process.end()


@per_slug
def test_nothing_is_found(slug):
    """Files, README, presets, claims, imports, purity, lint: `./lab check`."""
    assert [str(x) for x in check.findings(slug, verdicts=False)] == []


@per_slug
def test_same_numbers_on_1_and_8_devices_and_the_paper_preset_lowers(slug, core, record_property):
    folder, took = core(slug)
    record_property("cpu", [slug, took["one"] + took["eight"] + took["lower"]])
    doc = importlib.import_module(f"experiments.{slug}.run").run.__doc__
    for name, array in store.arrays(folder / "one").items():
        assert np.isfinite(array).all(), f"{name} is not finite"
        assert re.search(rf"\b{name}\b", doc), f"run's docstring does not name {name}"
    same(slug, folder / "one", folder / "eight")


@per_slug
def test_a_run_calls_what_it_declares(slug, core):
    """On one device and on eight: what `plan` adds up is what `run` does."""
    answer = core(slug)[1]
    assert answer["calls one"] == answer["calls eight"] == []


def same(slug, first, second):
    """Two runs on different devices have the same arrays, but for rounding, of float32 in such."""
    one, other = store.arrays(first), store.arrays(second)
    assert one.keys() == other.keys()
    x64 = bool(settings.get(slug, "smoke").x64)
    for name in one:
        tolerance = SAME_ON_8[x64 and one[name].dtype != np.float32]
        scale = np.abs(one[name]).max(initial=0) or 1.0
        worst = np.abs(np.subtract(one[name], other[name], dtype=float)).max(initial=0) / scale
        assert worst <= tolerance, f"{name} differs by {worst:.1e} of its scale"


@per_slug
def test_figures_are_drawn_from_arrays(slug, core, tmp_path):
    """From smoke's; into files once, from the committed ones where there are any."""
    smoke, committed = core(slug)[0] / "one", store.reference(slug)
    if committed is not None:
        assert report.drawings(store.read_json(smoke / "run.json"), store.arrays(smoke))
    shutil.copytree(committed or smoke, tmp_path / "run", ignore=shutil.ignore_patterns("fig*"))
    drawn = report.draw(tmp_path / "run", store.read_json(tmp_path / "run/run.json"))
    assert drawn
    assert all((tmp_path / "run" / f"{name}.png").stat().st_size for name in drawn)


@per_slug
def test_committed_reference_gives_the_ledgers_verdicts(slug):
    """Anybody can recompute the committed verdicts from the committed arrays."""
    folder = store.reference(slug)
    if folder is None and (ONLY or is_fork(slug)):
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


def times(factor, x):
    return factor * x


def test_calls_are_counted_at_the_door_of_placed_functions():
    """Twice on five rows, once on three; what is traced, and another function, do not count."""
    mesh = sharding.make_mesh()
    halved = sharding.vmap_over(mesh, partial(times, 0.5))
    sine = sharding.vmap_over(mesh, jnp.sin)
    five, three = jnp.ones((5, 2)), jnp.ones((3, 2))
    with calls.counted() as made:
        halved(five)
        sharding.vmap_over(mesh, partial(times, 0.5))(five)  # made anew: the same program
        halved(three)
        sine(five)
        jax.eval_shape(halved, three)

    def programs(many, few):
        pair = halved.program("halving", five, calls=many), halved.program("rest", three, calls=few)
        return [*pair, sine.program("waves", five, calls=1)]

    assert calls.differing(programs(2, 1), made) == []
    (said,) = calls.differing(programs(2, 4), made)
    assert said.startswith("rest is called 1 times, declared are 4")


def test_there_are_experiments():
    assert SLUGS


@pytest.mark.parametrize("x64", [True, False])
def test_more_than_rounding_is_a_difference(tmp_path, monkeypatch, x64):
    monkeypatch.setattr(settings, "get", lambda *_: SimpleNamespace(x64=x64))
    rounded, other = 1 + 0.5 * SAME_ON_8[x64], 1 + 2 * SAME_ON_8[x64]
    for name, factor in (("one", 1.0), ("rounded", rounded), ("other", other)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "arrays.npz", loss=factor * np.array([3.0, 0.1]))
    same("", tmp_path / "one", tmp_path / "rounded")
    with pytest.raises(AssertionError, match="loss differs"):
        same("", tmp_path / "one", tmp_path / "other")
