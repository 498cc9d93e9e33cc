"""What is committed of a paper: which files, how many bytes, and that they are what was decided."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from common import drawn, png
from launch import paths
from launch.compute import thin, verify
from launch.read import compare, index, listing, report
from launch.record import ledger, store
from tests.tree import ROOT, read

BYTES = 500_000  # of a paper; 128 of them are 64 MB
PAPERS = [s for s in paths.slugs() if not (paths.EXPERIMENTS / s / "lineage.json").exists()]


def committed(slug):
    """Files of a paper that git keeps."""
    command = ["git", "ls-files", "-co", "--exclude-standard", f"results/{slug}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).exists()]


@pytest.mark.parametrize("slug", PAPERS)
def test_a_paper_commits_little_and_nothing_that_report_makes_again(slug):
    files = committed(slug)
    home = ROOT / "results" / slug
    figures = [p for p in files if p.parent.parent == home and p.match("fig*.png")]
    names = {str(p.relative_to(home)) for p in files if p not in figures}
    assert names == {"README.md", "ledger.jsonl", "laptop/arrays.npz", "laptop/run.json"}
    assert 1 <= len(figures) <= verify.FIGURES
    assert sum(p.stat().st_size for p in files) <= BYTES


@pytest.mark.parametrize("slug", PAPERS)
def test_committed_figures_say_what_they_show(slug):
    found = store.figures(store.reference(slug))
    assert len(found) == len(list(store.reference(slug).glob("fig*.png")))
    for words in found.values():
        assert words["caption"]
        assert 0 < len(words["alt"]) <= 300


def test_the_committed_pages_are_up_to_date(monkeypatch, tmp_path):
    """results/INDEX.md and every results/NAME/README.md are what ./lab gallery makes now."""
    monkeypatch.setenv(
        "REPRISE_CACHE", str(tmp_path)
    )  # a wrong cache would agree with its own page
    rows = [r for r in listing.rows() if not r["parent"]]
    text = (ROOT / "results/INDEX.md").read_text()
    assert text == index.table(rows)
    assert max(len(x.encode()) for x in text.splitlines() if x.startswith("| ")) <= 220
    for row in rows:
        assert (ROOT / "results" / row["name"] / "README.md").read_text() == index.page(row)


# --- thinning ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference():
    """run.json, claims and arrays of a committed paper."""
    slug = "transformer_instability"
    folder = store.reference(slug)
    claims = report.load_claims(slug)[1]
    return store.read_json(folder / "run.json"), claims, store.arrays(folder)


def test_what_is_read_is_kept_whole_and_nothing_else(reference):
    info, claims, arrays = reference
    few = thin.thinned(info, claims, arrays | {"unread": np.zeros(9)})
    assert thin.same(few, arrays)
    for name in arrays:  # none of them can be missed
        without = {k: v for k, v in arrays.items() if k != name}
        assert decided(info, claims, without) != decided(info, claims, arrays), name


def decided(info, claims, arrays):
    """Verdicts, and what the figures draw."""
    verdicts = [report.judge(info["experiment"], c, "laptop", arrays, seeds=5) for c in claims]
    try:
        figures = report.drawings(info, arrays)
    except KeyError:
        return verdicts, None
    return verdicts, {k: drawn.table(list(drawn.drawn(f))) for k, f in figures.items()}


def test_arrays_that_cannot_be_drawn_are_kept_whole(reference, monkeypatch):
    info, claims, arrays = reference

    def no_figures(*_):
        raise ValueError("nothing to draw")

    monkeypatch.setattr(report, "drawings", no_figures)
    with pytest.raises(ValueError, match="nothing to draw"):
        thin.thinned(info, claims, arrays)
    broken = arrays | {"unread": np.array([np.nan])}
    assert thin.same(thin.thinned(info, claims, broken), broken)


def test_an_npz_is_small_plain_and_the_same_every_time(tmp_path):
    rng = np.random.default_rng(0)
    one = rng.standard_normal((2000, 4))
    arrays = {"pair": np.stack([one, one]), "scalar": np.array(2.5), "flag": np.array([1, 0])}
    arrays["pair"][0, 0, 0] = np.nan
    for name in ("a", "b"):
        thin.write(tmp_path / f"{name}.npz", arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        assert thin.same(dict(stored), arrays)
    np.savez_compressed(tmp_path / "c.npz", **arrays)
    sizes = {n: (tmp_path / f"{n}.npz").stat().st_size for n in "ac"}
    assert sizes["a"] < 0.6 * sizes["c"]  # twins far apart in the file are seen
    shutil.copy(tmp_path / "a.npz", tmp_path / "arrays.npz")
    again = store.arrays(tmp_path)
    assert all(a.flags.c_contiguous for a in again.values())
    assert not thin.same(again, arrays | {"scalar": np.array(2.5, np.float32)})


# --- publishing ----------------------------------------------------------------------------------


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_verifying_identical_numbers_again_changes_the_ledger_alone(tree):
    figures = tree.root / "experiments/toy/figures.py"
    whole = figures.read_text()
    assert tree.lab("verify", "toy").status == 0
    home = tree.root / "results/toy"
    assert sorted(contents(home)) == [
        "laptop/arrays.npz", "laptop/fig1.png", "laptop/run.json", "ledger.jsonl",
    ]  # fmt: skip
    (home / "laptop/fig1_edited.svg").write_text("mine")
    shutil.copy(home / "laptop/fig1.png", home / "laptop/fig_mine.png")
    (home / "ledger.jsonl").write_bytes((home / "ledger.jsonl").read_bytes()[:-40])  # a crash
    before = contents(home)
    shutil.rmtree(tree.root / "results/runs")
    assert tree.lab("verify", "toy").status == 0
    after = contents(home)
    changed = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
    assert changed == {"ledger.jsonl"}
    line = after["ledger.jsonl"].decode().splitlines()[-1]
    assert after["ledger.jsonl"].startswith(before["ledger.jsonl"] + b"\n")
    assert json.loads(line)["id"] == "t1"
    # another name of the figure: ours goes, what somebody else put there stays
    figures.write_text(whole.replace('"fig1"', '"fig2"'))
    assert tree.lab("report", str(home / "laptop")).status == 0
    names = {p.name for p in (home / "laptop").glob("fig*")}
    assert names == {"fig1_edited.svg", "fig_mine.png", "fig2.png", "fig2.svg", "fig2.csv"}
    assert png.words(home / "laptop/fig_mine.png")["name"] == "fig1"
    seven = '{f"fig{i}": fig for i in range(7)}'
    figures.write_text(whole.replace('{"fig1": fig}', seven))
    before = contents(home)
    done = tree.lab("verify", "toy")
    assert (done.status, done.traceback) == (2, False)
    assert "toy draws 7 figures; at most 6" in done.err
    assert contents(home) == before


def test_the_page_of_a_paper(shared_tree):
    found = read(shared_tree.lab("gallery", "--json"))
    page = (shared_tree.root / "results/toy/README.md").read_text()
    for piece in (
        "# A toy\n",
        "`./lab run toy`",
        "](laptop/fig1.png)\n\nError of descent on a quadratic.\n",
        "| ✓ t1*: Descent on a quadratic is linear",
        "| CONFIRMED NUMERICALLY | 0.1054 | 0.1054 at lr = 0.1 | control fails, as it must |",
    ):
        assert piece in page
    assert str(shared_tree.root) not in page
    table = (shared_tree.root / "results/INDEX.md").read_text()
    assert found["index"] == str(shared_tree.root / "results/INDEX.md")
    assert "| optimization | [toy](toy/README.md) | A toy | ✓ 1 | 1 of 1 |" in table


def test_the_page_tells_what_was_carried_over_and_how_often_it_repeats(monkeypatch):
    slug = PAPERS[0]
    row = next(
        r for r in listing.rows() if r["name"] == slug
    )  # its cache is not to see what follows
    lines = list(ledger.newest(slug).values())
    lines[0] |= {"repeats": 0.934, "carried": {"from": "0123456789", "to": "", "date": ""}}
    monkeypatch.setattr(ledger, "newest", lambda *_: {x["id"]: x for x in lines})
    text = index.page(row)
    assert "| control | repeats |" in text
    told = [x for x in text.splitlines() if f" {lines[0]['id']}" in x and x.startswith("|")]
    assert "carried over from 0123456" in told[0]
    assert told[0].endswith("| 0.93 |")


def test_what_a_reference_does_not_keep_is_not_compared():
    mine = {"loss": np.ones(3), "unread": np.zeros(2), "new": np.zeros(1)}
    kept = {"loss": np.ones(3)}
    reference = {"arrays": {"loss": [], "unread": []}}
    found = compare._arrays(({"arrays": dict.fromkeys(mine)}, mine), (reference, kept))
    assert (found["equal"], found["all"], found["not_kept"]) == (
        ["loss"],
        ["loss", "new"],
        ["unread"],
    )
    assert found["differ"] == {"new": "only in one"}
