"""results/PLANS.md is renewed paper by paper."""

from launch.scale import page


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
