"""Records damaged in every way: one line that names file, line and key, and the rest as it was."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from launch.record import reader, records, store
from tests import examples, rotation
from tests.damages import places
from tests.tree import ROOT, Tree, program

pytestmark = pytest.mark.xdist_group("launch")  # shares the verified toy


@pytest.fixture(scope="module")
def papers(shared_tree, tmp_path_factory):
    """A tree of its own with two verified papers, the second a fork, and a submitted job."""
    root = tmp_path_factory.mktemp("records") / "tree"
    shutil.copytree(shared_tree.root, root, symlinks=True)
    made = Tree(root)
    cache = {"REPRISE_CACHE": str(root / "cache")}
    assert made.lab("fork", "toy", "other", **cache).status == 0
    results, own = root / "results", root / "results/runs/other/laptop"
    shutil.copytree(results / "toy", results / "other")
    shutil.copytree(made.runs("toy")[0], own / "20260101T000000Z-000000")
    for file in (results / "other/laptop/run.json", *own.glob("*/run.json")):
        info = json.loads(file.read_text()) | {"experiment": "other"}
        file.write_text(json.dumps(info, indent=1))
    ledger = results / "other/ledger.jsonl"
    line = json.loads(ledger.read_text().splitlines()[0])
    carried = examples.CARRIED | {"claims": ["t1"], "fingerprint": line["fingerprint"]}
    ledger.write_text("\n".join(map(json.dumps, (line, carried, line))) + "\n")
    for name, body in (
        ("sbatch", "echo 101"),
        ("squeue", "echo 101 101 RUNNING"),
        ("scancel", "true"),
    ):
        program(root / "bin" / name, body)
    path = {"PATH": f"{root}/bin:{os.environ['PATH']}"} | cache
    done = made.lab("submit", "other:smoke", "--on", "slurm", **path)
    assert done.status == 0, done.err
    rotation.write(results / "checked.json", {"toy": {"key": "0" * 16, "date": "2026-01-01"}})
    yield made, path
    made.end()


def trials(root):
    """{name: about}: each record, the verbs that read it, what is shown beside it."""
    results = root / "results"
    (own,) = results.glob("runs/other/laptop/*")
    (job,) = results.glob("runs/other/smoke/*/job/job.json")
    reference, ledger = results / "other/laptop/run.json", results / "other/ledger.jsonl"
    settings = json.loads(reference.read_text())["config"].keys() - {"seeds"}
    free = [
        "predicted.",
        "overrides",
        "machine.",
        "jax.fixed",
        "jax.xla_flags",
        *(f"config.{k}" for k in settings),
    ]
    run, shown = str(own), [["list", "--json"], ["gallery"]]
    found = {
        "reference": {"file": reference, "verbs": [*shown, ["compare", run]], "free": free},
        "run": {"file": own / "run.json", "free": free,
                "verbs": [["gallery"], ["report", run], ["compare", run, "toy"]]},
        "verdict": {"file": ledger, "line": 3, "verbs": [*shown, ["cite", "other"]],
                    "free": ["overrides"]},
        "carried": {"file": ledger, "line": 2, "verbs": shown, "free": ["definitions"]},
        "verdicts": {"file": own / "verdicts.json", "verbs": [["gallery"]]},
        "lineage": {"file": root / "experiments/other/lineage.json", "verbs": shown},
        "job": {"file": job, "free": ["target.", "cells", "finished", "dry_run"],
                "verbs": [["status"], ["fetch", str(job.parents[1])],
                          ["cancel", str(job.parents[1])]]},
        "checked": {"file": results / "checked.json", "remade": True, "verbs": []},
    }  # fmt: skip
    for name in ("claims", "fingerprints", "definitions"):
        papers = [f.parent.name for f in root.glob("experiments/*/claims.toml")]  # other tests' too
        free = [f"{slug}.paper.verdict_seeds" for slug in papers]
        found[name] = {
            "free": free,
            "file": root / f"cache/{name}.json",
            "remade": True,
            "verbs": shown[:1],
        }
    (plan,) = (root / "cache/plans").glob("*.json")
    found["plan"] = {"file": plan, "remade": True, "verbs": []}
    pages = [str(results / "gallery/toy.html"), str(results / "toy/README.md")]
    return {k: v | {"file": str(v["file"]), "intact": pages} for k, v in found.items()}


def test_every_record_in_every_damage(papers):
    made, env = papers
    assert made.lab("plan", "toy:smoke", "--on", "cpu-1", **env).status == 0
    assert made.lab("gallery", **env).status == 0
    asked = trials(made.root)
    files = {records.kind(made.root / about["file"]) for about in asked.values()}
    assert files >= set(records.KINDS), "a record that is not damaged here"
    table = made.root / "records.json"
    table.write_text(json.dumps(asked))
    command = [sys.executable, "-P", str(ROOT / "tests/damaged.py"), str(table)]
    environment = made.environment(**env)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout)
    assert said["wrong"] == []
    total = {k: sum(c.get(k, 0) for c in said["count"].values()) for k in ("read", "verbs")}
    assert total["read"] > 12_000, total
    assert total["verbs"] > 1000, total


def picture(good):
    """{how: bytes} of a damaged figure."""
    texts = good.index(b"iTXt")
    cuts = {f"cut at {n}": good[:n] for n in (0, 4, 30, texts + 2, texts + 20, len(good) - 6)}
    long = {"long": good[: texts - 4] + b"\xff\xff\xff\xff" + good[texts:]}
    bare = {"no text": good.replace(b"Figure\0\0\0", b"Figure\0XX", 1)}
    empty = {"empty chunk": good[: texts - 4] + b"\0\0\0\0iTXt\0\0\0\0" + good[texts - 4 :]}
    packed = {"no zip": good.replace(b"Figure\0\0\0", b"Figure\0\1\0", 1)}
    return cuts | long | bare | empty | packed | {"other name": good.replace(b"fig1", b"fig7")}


def test_every_figure_in_every_damage(papers, capfd):
    folder = papers[0].root / "results/toy/laptop"
    file, good = folder / "fig1.png", (folder / "fig1.png").read_bytes()
    others = {how: lambda d=data: file.write_bytes(d) for how, data in picture(good).items()}
    others |= places(file) | {"nothing": lambda: None}
    assert list(store.figures(folder)) == ["fig1"]
    for how, put in others.items():
        file.unlink()
        put()
        reader._said.clear()
        assert store.figures(folder) == store.figures(folder) == {}, how
        (line,) = capfd.readouterr().err.splitlines()
        assert f"passed over: {file} is" in line
        assert "./lab report" in line
        file.rmdir() if how == "folder" else file.unlink(missing_ok=True)
        file.write_bytes(good)
    assert len(others) == 17
