"""results/PLANS.md is renewed paper by paper."""

import sys

import pytest

from launch.errors import UserError
from launch.scale import page, survey


def test_the_page_renews_the_rows_of_what_was_planned_and_keeps_the_others():
    cores = {"on": "cpu", "core_hours": 3.0, "from": "measured"}
    rows = "| [matrix_sensing](x) | 1 s | v5e-8 | old |\n|  |  | h100-8 | old |\n"
    rows += "| score_sde `a=1` |  | v5e-8 | kept |\n|  |  | h100-8 | kept |\n| [gone](x) | old |\n"
    before = page.HEAD + "\n" + rows
    found = [{"experiment": "matrix_sensing", "overrides": [], "topologies": [cores]}]
    made = page.overview(found, before).removeprefix(page.HEAD).strip().splitlines()
    assert len(made) == 3
    assert "matrix_sensing" in made[0]
    assert "3 core-hours" in made[0]
    assert made[1:] == ["| score_sde `a=1` |  | v5e-8 | kept |", "|  |  | h100-8 | kept |"]


def test_a_compiler_that_dies_takes_no_other_plan_with_it(monkeypatch, tmp_path):
    """One process for all targets, then one for each; what it says is JSON, else one line."""
    stand_in = tmp_path / "python"
    stand_in.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "on = sys.argv[-1]\n"
        "if 'tpu' in on: os.abort()\n"
        "if on == 'none': sys.exit('error: no such hardware')\n"
        "print(json.dumps({'topologies': [{'on': n, 'fits': False} for n in on.split(',')]}))\n"
        "sys.exit(1)\n"
    )
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    both = survey.planned("toy", ["a=1"], ["gpu", "cpu"])
    assert [r["on"] for r in both] == ["gpu", "cpu"]
    died, alive = survey.planned("toy", [], ["tpu", "gpu"])
    assert (died["on"], died["fits"]) == ("tpu", None)
    assert "SIGABRT" in died["error"]
    assert alive == {"on": "gpu", "fits": False}
    with pytest.raises(UserError, match="toy: no such hardware"):
        survey.planned("toy", [], ["none"])
