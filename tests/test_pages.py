"""The pages, the list and the comparison of runs: what they show, and what they never load."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from launch import paths
from launch.errors import UserError
from launch.read import compare, listing, overview, pages, report
from launch.record import store

pytestmark = pytest.mark.xdist_group("launch")  # shares the verified toy with test_launch

PAPERS = [s for s in paths.slugs() if store.reference(s)]


@pytest.fixture(scope="module")
def gallery(shared_tree):
    """The folder of the toy's pages, written by a process that loads nothing heavy."""
    script = (
        "import sys; from launch.__main__ import main; "
        "assert main(['gallery']) == 0 == main(['list', 'toy'])\n"
        "bad = {'jax', 'scipy.stats', 'matplotlib'} & set(sys.modules); assert not bad, bad"
    )
    env = shared_tree.environment()
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return shared_tree.root / "results/gallery"


def test_pages_are_static_and_complete(gallery, shared_tree):
    page, index = ((gallery / f"{n}.html").read_text() for n in ("toy", "index"))
    for piece in (
        "CONFIRMED NUMERICALLY",
        "0.1054 at lr = 0.1",
        "./lab verify toy",
        "refused mutants: ",
        "Your run",
        "Figures of your newest run",
    ):
        assert piece in page
    assert "<script" not in page
    assert index.count("<script") == 1
    for text in (page, index):
        assert "http" not in text.replace("https://arxiv.org", "")
        sources = re.findall(r'(?:src|href)="([^"#]+)', text)
        assert sources
        assert all((gallery / source).exists() for source in sources)


def test_the_page_takes_fresh_verdicts_as_they_are_stored(gallery, shared_tree):
    """A stored estimate that was changed is on show until the code that judges changes."""
    folder = next(
        f
        for f in reversed(shared_tree.runs("toy"))
        if not store.read_json(f / "run.json")["overrides"]
    )
    file = folder / "verdicts.json"
    kept = file.read_text()
    table = json.loads(kept)
    table["verdicts"][0] |= {"estimate": 7.25, "low": 7.25, "high": 7.25}
    try:
        shown = []
        for judges in (table["by"], {"measure": "another", "rule": "another"}):
            store.write_json(file, table | {"by": judges})
            assert shared_tree.lab("gallery").status == 0
            shown.append("7.25" in (gallery / "toy.html").read_text())
        assert shown == [True, False]
    finally:
        file.write_text(kept)


@pytest.mark.parametrize("slug", PAPERS)
def test_a_page_shows_figures_then_headlines_then_the_others(slug):
    row = next(r for r in listing.rows([slug]) if r["name"] == slug)
    page = pages.page(slug, row, paths.results() / "gallery")
    claims = report.load_claims(slug)[1]
    figures = list(store.figures(store.reference(slug)))
    at = [page.index(f'<figure id="{name}">') for name in figures]
    cards = [page.index(f'<article class="card {s}" id="{c.id}">') for c in claims
             for s in re.findall(rf'<article class="card (\w+)" id="{c.id}">', page)]  # fmt: skip
    rows = [m.start() for m in re.finditer("<details", page)]
    assert at == sorted(at)
    assert max(at) < min(cards)
    assert max(cards) < min(rows, default=len(page))
    assert len(cards) == sum(c.headline for c in claims)
    assert len(rows) == sum(not c.headline for c in claims)
    ends = [*at[1:], min(cards)]
    parts = dict(zip(figures, (page[a:b] for a, b in zip(at, ends, strict=True)), strict=True))
    for claim in claims:
        drawn = [n for n in figures if pages.shows(n, claim)]
        assert len(drawn) == bool(claim.figure), f"{claim.id}: no one figure {claim.figure!r}"
        assert [n for n in figures if f'href="#{claim.id}"' in parts[n]] == drawn


def test_the_index_can_be_asked_for_every_theme_and_verdict():
    rows = listing.rows()
    index = overview.overview(rows, paths.results() / "gallery")
    assert index.count("<article") == len(rows)
    options = re.findall(r'<option value="(\w+)"', index)
    assert {r["theme"] for r in rows} <= set(options)
    offered = {v for x in re.findall(r'data-verdict="([^"]*)"', index) for v in x.split()}
    known = {"pass", "error", "fresh", "thresholds", "changed"}  # not asked for
    assert offered - known <= set(options)
    script = index.split("<script>")[1]
    assert not re.search(r"http|fetch|import|src|XMLHttp", script)


def record(i: int, theme: str) -> dict:
    states = {"pass": 12, "fail": 3, "inconclusive": 4, "untested": 2}
    return {
        "name": f"a_name_as_long_as_any_{i:03d}",
        "title": f"Title of the paper {i}: " + "long words " * (i % 9),
        "authors": f"Author {i}",
        "theme": theme,
        "claims": dict(list(states.items())[: 1 + i % 4]),
        "headlines": [i % 5, 12],
        "repeats": 0.93,
        "laptop_seconds": 200.0 if i % 7 else None,
        "hardware": "8 accelerators of 16 GB or more",
        "standing": "stale",
        "error": "",
        "changed": ["common/a_module.py:a_function_with_a_long_name", "./run.py:run"] * (i % 2),
    }


@pytest.mark.parametrize("width", [80, 120, 200])
def test_list_fits_the_terminal_and_groups_by_theme(width):
    themes = ("statmech", "approximation", "pde")
    rows = [record(i, themes[i % 3]) for i in range(128)]
    lines = listing.text(rows, width).splitlines()
    assert max(map(len, lines)) <= width
    heads = [x for x in lines if x in themes]
    assert heads == sorted(themes)
    assert sum("changed since: common/a_module" in x for x in lines) == 64
    for row in rows:
        (place,) = (i for i, x in enumerate(lines) if x.strip().startswith(row["name"]))
        assert [h for h in heads if lines.index(h) < place][-1] == row["theme"]
    assert ("Title of the paper 1" in "\n".join(lines)) == (width > 80)


def test_words_and_themes_narrow_the_list(monkeypatch):
    papers = {f"p{i}": record(i, t) for i, t in enumerate(("pde", "pde", "physics", ""))}
    monkeypatch.setattr(listing, "_summaries", lambda: {k: {"paper": v} for k, v in papers.items()})
    assert listing.select([]) == list(papers)
    assert listing.select(["theme:pde"]) == ["p0", "p1"]
    assert listing.select(["theme:pde", "theme:physics"]) == ["p0", "p1", "p2"]
    assert listing.select(["AUTHOR", "paper 1"]) == ["p1"]
    assert listing.select(["theme:pde", "p1"]) == ["p1"]
    with pytest.raises(UserError, match="did you mean 'physics'"):
        listing.select(["theme:phisics"])
    with pytest.raises(UserError, match="no paper matches 'p1 p2'"):
        listing.select(["p1", "p2"])


def test_arrays_are_compared_on_their_own_scale():
    x = np.array([1.0, -4.0, np.nan, np.inf])
    assert compare.difference(x, x + np.array([0.0, -1.0, 0.0, 0.0])) == pytest.approx(1 / 5)
    assert compare.difference(1e-30 * x[:2], 2e-30 * x[:2]) == pytest.approx(1 / 2)
    assert "1 places" in compare.difference(x, np.array([1.0, -4.0, 0.0, np.inf]))
    assert "sign" in compare.difference(x, np.array([1.0, -4.0, np.nan, -np.inf]))
    assert compare.difference(x[:2], x[:3]) == "shapes [2] and [3]"
    assert compare.difference(x, x.astype("float32")) == "float64 and float32"
    assert compare.difference(None, x) == "only in two"


def test_settings_belong_to_the_run_before_them(monkeypatch):
    monkeypatch.setattr(store, "locate", lambda name, settings: (name, *settings))
    monkeypatch.setattr(store, "reference_of", lambda one: "committed")
    assert compare.two_runs(["a", "lr=1", "b"]) == (("a", "lr=1"), ("b",))
    assert compare.two_runs(["a:smoke", "lr=1", "k=2"]) == (("a:smoke", "lr=1", "k=2"), "committed")
    with pytest.raises(UserError, match="two runs, not 3"):
        compare.two_runs(["a", "b", "c"])
