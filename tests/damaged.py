"""Every record damaged in every way, and what the verbs that read it say: run inside a tree.

    python -P tests/damaged.py RECORDS.json     {name: {"file", "verbs", "line"?}}

A record is a file that a verb wrote. What is wrong with what the verbs do is printed as JSON.
"""

import contextlib
import io
import itertools
import json
import os
import signal
import sys
import traceback
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1]))  # after the tree, whose launch/ this is about
from tests.damages import VALUES, Damage, of_keys, of_text, places

TOLD = 1  # damages of each key, beside its absence, that a verb is run on; the reader gets all


class Said(NamedTuple):
    """What a verb did."""

    status: int | str
    out: str
    err: list[str]


def verb(arguments: list[str], seconds: int = 30) -> Said:
    """A verb in this process, as in one of its own."""
    from launch.__main__ import main
    from launch.record import fingerprint, ledger, reader

    reader._said.clear()
    ledger._parsed.cache_clear()
    fingerprint.CACHE._old.clear()
    fingerprint.CACHE._new.clear()
    out, err = io.StringIO(), io.StringIO()
    status: int | str
    signal.alarm(seconds)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(arguments)
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
        status = f"{type(error).__name__}: {str(error)[:200]} at {where}"
    signal.alarm(0)
    fingerprint.CACHE.write()
    return Said(status, out.getvalue(), err.getvalue().splitlines())


class Trial:
    """A record, the verbs that read it, and what they say while it is whole."""

    def __init__(self, name: str, about: dict) -> None:
        self.name, self.file, self.verbs = name, Path(about["file"]), about["verbs"]
        self.line, self.free = about.get("line"), about.get("free", [])
        self.remade, self.intact = about.get("remade", False), [Path(p) for p in about["intact"]]
        self.good = self.file.read_bytes()
        self.before = {}
        for arguments in self.verbs:
            said = verb(arguments)
            self.before[" ".join(arguments)] = (said, self._rest(said))
        self.file.write_bytes(self.good)
        self.wrong: list[str] = []
        self.count: Counter[str] = Counter()
        for what, (said, _) in self.before.items():
            if said.status not in (0, 1) or said.err:
                self.wrong.append(f"{name}: {what} of what is whole: {said}")

    def _rest(self, said: Said) -> list:
        """What is shown of the other paper: its row of the list, its page."""
        rows = json.loads(said.out) if said.out.startswith("[") else []
        return [[r for r in rows if r["name"] == "toy"], *(p.read_bytes() for p in self.intact)]

    def all(self) -> None:
        """Every damage: the reader on all, the verbs on some of every key and all of the rest."""
        text, indent = (self.good, 1) if self.line is None else (self._lines()[self.line - 1], None)
        some = itertools.cycle(range(len(VALUES)))
        turns = itertools.cycle(self.verbs[i : i + 1] for i in range(len(self.verbs) or 1))
        for found in of_keys(json.loads(text), indent, self.free):
            for damage in found:
                self._read(damage)
            absent = [d for d in found if d.how == "missing"]
            for damage in [found[next(some)] for _ in range(TOLD)] + absent:
                self._verbs(damage, next(turns))
        blank = () if self.line is None else ("empty", "blank", "nuls")  # of no line are they wrong
        for damage in (d for d in of_text(text) if d.how not in blank):
            self._read(damage)
            self._verbs(damage, self.verbs)
        for how, put in places(self.file).items():
            self.file.unlink()
            put()
            self._told(Damage(how, (), b"", True), self.verbs)
            self.file.rmdir() if how == "folder" else self.file.unlink()
            self.file.write_bytes(self.good)

    def _lines(self) -> list[bytes]:
        return self.good.split(b"\n")

    def _text(self, damage: Damage) -> bytes:
        if self.line is None:
            return damage.data
        lines = self._lines()
        lines[self.line - 1] = damage.data
        return b"\n".join(lines)

    def _read(self, damage: Damage) -> None:
        """The reader alone: it must refuse what no record can hold, with the key."""
        from launch.record import checks, reader, typed

        self.count["read"] += 1
        kind_of = reader._kind(self.file)
        try:
            if self.line is None:
                typed.read(damage.data, kind_of)
                refused = None
            else:
                bad = typed.read_lines(self._text(damage), kind_of)[1]
                refused = bad[0] if bad else None
        except checks.Wrong as wrong:
            refused = wrong
        except Exception as error:
            return self._note(damage, f"the reader raises {type(error).__name__}: {error}")
        self.count["refused" if refused else "taken"] += 1
        if damage.wrong and not refused:
            self._note(damage, "is taken")
        if refused and damage.path and damage.how in VALUES and not self._named(damage, refused):
            self._note(damage, f"is refused without its key: {refused}")
        return None

    def _named(self, damage: Damage, refused: Any) -> bool:
        syntax = damage.how in ("deep", "huger", "nan", "infinity")  # no parser knows the key
        return syntax or str(damage.path[0]) in str(refused)

    def _verbs(self, damage: Damage, verbs: list) -> None:
        self.file.write_bytes(self._text(damage))
        self._told(damage, verbs)
        self.file.write_bytes(self.good)

    def _told(self, damage: Damage, verbs: list) -> None:
        """What verbs say of the damage: one line, and the rest as it was."""
        from launch.record import reader

        taken = self._taken()
        for arguments in verbs:
            if self.file.is_file() and damage.data:
                self.file.write_bytes(self._text(damage))  # a verb may have renewed it
            self.count["verbs"] += 1
            what = " ".join(arguments)
            said = verb(arguments)
            if said.status not in (0, 1, 2):
                self._note(damage, f"{what}: {said.status}")
            other = said.status == 0 and self._rest(said) != self.before[what][1]
            if other and not (self.remade and taken):
                self._note(damage, f"{what}: the rest is not as it was")
            lines = [x for x in said.err if x.strip()]
            if arguments[0] == "status":
                lines += [x for x in said.out.splitlines() if str(self.file) in x]
            if self.remade:
                if said != self.before[what][0] and not taken:
                    self._note(damage, f"{what} of what is made again: {said}")
            elif not taken and (len(lines) != 1 or not self._names(damage, lines[0])):
                self._note(damage, f"{what}: {lines}")
            elif len(lines) > 1:
                self._note(damage, f"{what} of what is taken: {lines}")
        reader._said.clear()

    def _taken(self) -> bool:
        from launch.record import reader

        reader._said.clear()
        with contextlib.redirect_stderr(io.StringIO()) as said:
            found = reader.peek(self.file) if self.line is None else reader.lines(self.file)
        return not said.getvalue() and bool(found or not self.remade)

    def _names(self, damage: Damage, line: str) -> bool:
        at = self.line is None or not self.file.is_file() or f"line {self.line}" in line
        key = not damage.path or damage.how in ("deep", "huger", "nan", "infinity")
        key = key or (damage.how == "missing" and damage.path == ("kind",))  # of another kind then
        return str(self.file) in line and at and (key or str(damage.path[0]) in line)

    def _note(self, damage: Damage, what: str) -> None:
        place = ".".join(map(str, damage.path))
        self.wrong.append(f"{self.name} {place} {damage.how}: {what}"[:400])


def main() -> None:
    from common import plot
    from launch import __main__ as lab

    os.fsync = lambda _: None  # nothing here outlives the test
    lab._parser = cache(lab._parser)
    plot.save = lambda *_, **__: None
    trials = [
        Trial(name, about) for name, about in json.loads(Path(sys.argv[1]).read_text()).items()
    ]
    count: dict[str, dict] = {}
    wrong: list[str] = []
    for trial in trials:
        trial.all()
        count[trial.name] = dict(trial.count)
        wrong += trial.wrong
    sys.stdout.write(json.dumps({"count": count, "wrong": wrong}))


if __name__ == "__main__":
    main()
