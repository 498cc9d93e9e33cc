"""The drill finds what resumes, and what does not."""

import json

import pytest

pytestmark = [pytest.mark.xdist_group("drill"), pytest.mark.dear]


def drilled(tree, *arguments):
    done = tree.lab("drill", "toy", *arguments, "--json", TMPDIR=str(tree.root))
    return done, json.loads(done.out)


def test_the_toy_resumes(tree):
    run = tree.root / "experiments/toy/run.py"  # and says more than a pipe holds
    loud = "    with (\n"
    assert loud in run.read_text()
    said = f"    __import__('sys').stderr.write(200_000 * 'x')\n{loud}"
    run.write_text(run.read_text().replace(loud, said, 1))
    done, value = drilled(tree, "pause=0.1")
    assert done.status == 0, done.out
    assert value["holds"]
    found = {r["what"]: r["found"] for r in value["rows"]}
    assert "it saves checkpoints" in found["uninterrupted"]
    killed = found["killed in the middle of a save"]
    assert "half written; then the same bits" in killed
    assert "both saved and stopped" in found["SIGTERM to one of two processes"]
    robbed = found["SIGKILL to one of two processes"]
    assert "named; step" in robbed
    assert "half written" in robbed
    assert value["folder"] is None


@pytest.mark.parametrize(
    ("old", "new", "stage"),
    [
        # a loop that starts anew after a kill, on the state of its end: other bits
        ("range(done, chunks)", "range(0, chunks)", "killed in the middle of a save"),
        # the place in the loop enters the numbers, and is forgotten by the checkpoint
        ("lr=cfg.lr, steps", "lr=cfg.lr * (1 + 0.1 * mesh.size), steps", "4 dev"),
    ],
)
def test_an_experiment_that_does_not_is_found_out(tree, old, new, stage):
    run = tree.root / "experiments/toy/run.py"
    text = run.read_text().replace("time.sleep(cfg.pause)", "time.sleep(0.1)")
    assert old in text
    run.write_text(text.replace(old, new, 1))
    done, value = drilled(tree)
    assert done.status == 1, value
    failed = [r["what"] for r in value["rows"] if not r["ok"]]
    assert any(stage in what for what in failed), failed
    assert value["folder"], "what was computed is kept to look at"
