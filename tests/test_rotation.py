"""Whose turn it is: every paper within ten days, changed ones at once, never too many."""

import datetime

from launch.record import store
from tests import rotation
from tests.rotation import CAP, SHARE, passed, turn

DAY = datetime.date(2026, 11, 29)
KEYS = {f"paper{i:03}": f"{i:016x}" for i in range(128)}
RECORD = passed({}, KEYS, list(KEYS), DAY)


def days(n):
    return [DAY + datetime.timedelta(i) for i in range(n)]


def test_unchanged_papers_have_their_turn_once_in_ten_days():
    turns = [turn(KEYS, RECORD, day).due for day in days(SHARE)]
    assert sorted(s for t in turns for s in t) == sorted(KEYS)
    assert {len(t) for t in turns} == {12, 13}
    assert turn(KEYS, RECORD, DAY) == turn(dict(reversed(KEYS.items())), RECORD, DAY)


def test_a_changed_paper_is_due_at_once_and_until_it_passed():
    keys = KEYS | {"paper005": "new"}
    for day in days(SHARE):
        found = turn(keys, RECORD, day)
        assert found.due[0] == "paper005"
        assert len(found.due) <= 14
    assert turn(keys, RECORD, DAY, share=0).due == ["paper005"]
    again = passed(RECORD, {"paper005": "new"}, list(KEYS), DAY)
    assert turn(keys, again, DAY, share=0).due == []


def test_at_most_sixteen_and_the_rest_is_named():
    found = turn(KEYS, {}, DAY)
    assert len(found.due) == CAP
    assert sorted(found.due + found.waiting) == sorted(KEYS)
    assert "112 over the 16 of a call" in found.line
    assert found.waiting[0] in found.line
    record, calls = {}, 0
    while waiting := turn(KEYS, record, DAY, share=0).due:
        record, calls = passed(record, {s: KEYS[s] for s in waiting}, list(KEYS), DAY), calls + 1
    assert calls == 128 / CAP, "who passed makes room for the next"
    unrecorded = [s for day in days(8) for s in turn(KEYS, {}, day).due]
    assert sorted(unrecorded) == sorted(KEYS), "other ones tomorrow where no record is kept"


def test_all_is_all_and_passes_nothing_over():
    found = turn(KEYS, RECORD, DAY, everything=True)
    assert found.due == sorted(KEYS)
    assert found.line == ""


def test_a_damaged_record_costs_time_and_nothing_else(tmp_path):
    file = tmp_path / "checked.json"
    assert store.peek(file) == {}
    for text in ("", "[]", "{", '{"paper001": 3, "gone": {"key": "x"}}', "\x00"):
        file.write_text(text)
        assert len(turn(KEYS, store.peek(file), DAY).due) == CAP
        kept = passed(store.peek(file), {"paper002": "k"}, list(KEYS), DAY)
        assert kept == {"paper002": {"key": "k", "date": "2026-11-29"}}
    file.write_bytes(b"\xff\xfe")
    assert store.peek(file) == {}


def test_a_record_is_read_as_it_was_written_and_stays_where_nothing_changed(tmp_path):
    file = tmp_path / "checked.json"
    rotation.write(file, RECORD)
    assert store.peek(file) == RECORD
    assert len(file.read_text().splitlines()) == 130, "one line a paper: merges are easy"
    later = DAY + datetime.timedelta(3)
    assert passed(RECORD, {"paper001": KEYS["paper001"]}, list(KEYS), later) == RECORD


def test_the_key_depends_on_what_computes_draws_and_starts(tmp_path):
    code = {"compute": "a", "measure": "b", "rule": "c"}
    (tmp_path / "launch/compute").mkdir(parents=True)
    found = [rotation.key(tmp_path, "toy", code)]
    found.append(rotation.key(tmp_path, "toy", code | {"compute": "x"}))
    (tmp_path / "launch/compute/processes.py").write_text("1")
    found.append(rotation.key(tmp_path, "toy", code))
    (tmp_path / "experiments/toy").mkdir(parents=True)
    (tmp_path / "experiments/toy/figures.py").write_text("1")
    found.append(rotation.key(tmp_path, "toy", code))
    assert len(set(found)) == 4
    assert found[-1] == rotation.key(tmp_path, "toy", code | {"rule": "other"})


def test_one_day_for_a_whole_call(monkeypatch):
    monkeypatch.setenv(rotation.DAY, "2026-01-02")
    assert rotation.today() == datetime.date(2026, 1, 2)
    monkeypatch.delenv(rotation.DAY)
    now = rotation.today()
    assert rotation.os.environ[rotation.DAY] == now.isoformat()


def test_the_tests_of_launch_are_due_when_launch_changed(tmp_path):
    for room in ("launch/compute", "launch/scale/targets"):
        (tmp_path / room).mkdir(parents=True)
    (tmp_path / "launch/compute/stop.py").write_text("1")
    one = rotation.launch_key(tmp_path)
    (tmp_path / "launch/scale/targets/slurm.py").write_text("1")
    two = rotation.launch_key(tmp_path)
    assert one != two
    record = passed({}, {rotation.LAUNCH: two}, [*KEYS, rotation.LAUNCH], DAY)
    assert passed(record, {"paper001": "k"}, [*KEYS, rotation.LAUNCH], DAY).keys() == {
        rotation.LAUNCH,
        "paper001",
    }
