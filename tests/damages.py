"""Every way in which a record is damaged: keys, values, the text, what stands in its place."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

RAW = "@raw@"  # stands in a record where text goes that json.dumps would not write
VALUES = {  # what a key may hold in place of what it should
    "null": "null", "true": "true", "text": '"x"', "empty text": '""', "whole": "3",
    "minus": "-1", "half": "2.5", "large": "1e308", "huge": "1" * 400, "huger": "1" * 5000,
    "list": "[]", "list of null": "[null]", "table": "{}", "table of tables": '{"a": {"b": {}}}',
    "deep": "[" * 100_000 + "]" * 100_000, "rather deep": "[" * 400 + "]" * 400,
    "nan": "NaN", "infinity": "-Infinity", "overflow": "1e999", "surrogate": '"\\ud800"',
    "nul": '"a\\u0000b"', "path": '"../../../x"', "break": '"a\\nerror: b"',
}  # fmt: skip
TYPES = {"null": None, "true": True, "text": "", "whole": 0, "half": 0.0, "list": [], "table": {},
         "list of null": [], "table of tables": {}, "empty text": "", "minus": 0}  # fmt: skip
NEVER = ("huger", "deep", "rather deep", "nan", "infinity", "overflow", "surrogate", "nul", "huge")
NULL = ("estimate", "low", "high", "per_seed", "region", "needed", "repeats", "control_value",
        "control_seconds", "device_peak_mb", "definitions", "versions", "key", "stamp",
        "files", "fits", "predicted", "seconds")  # fmt: skip  # keys that may hold null
OWN = (
    "newest",
    "of",
    "defs",
    "imports",
    "files",
    "definitions",
)  # tables whose keys are names of their own
FEW = 2  # of such a table: how many are damaged


class Damage(NamedTuple):
    """One damaged record: how, at which key, the bytes, whether no reader may take it."""

    how: str
    path: tuple
    data: bytes
    wrong: bool


def keys(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    """(path, value) of everything in a record."""
    if isinstance(value, dict):
        items = list(value.items())
        for key, item in items[:FEW] if path and path[-1] in OWN else items:
            yield (*path, key), item
            yield from keys(item, (*path, key))
    elif isinstance(value, list):
        for place, item in list(enumerate(value))[:1]:
            yield (*path, place), item
            yield from keys(item, (*path, place))


def changed(value: Any, path: tuple, new: Any) -> Any:
    """A copy with something else at `path`; new is `changed`: without it."""
    copy = json.loads(json.dumps(value))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    if new is changed:
        del inside[path[-1]]
    else:
        inside[path[-1]] = new
    return copy


def of_keys(value: dict, indent: int | None, free: list[str]) -> Iterator[list[Damage]]:
    """Of every key the damages to it.  free: beginnings of paths below which anything goes."""
    for path, good in keys(value):
        place = ".".join(map(str, path))
        anything = any(place.startswith(f) for f in free)
        found = []
        before, after = json.dumps(changed(value, path, RAW), indent=indent).split(f'"{RAW}"')
        for how, raw in VALUES.items():
            text = before + raw + after
            other = how in TYPES and kind(TYPES[how]) != kind(good) and not anything
            either = good is None or (how == "null" and not {*NULL}.isdisjoint(path))
            wrong = how in NEVER or (other and not either)
            found.append(Damage(how, path, text.encode(), wrong))
        if isinstance(path[-1], str) and path[-2:-1] not in [(name,) for name in OWN]:
            missing = json.dumps(changed(value, path, changed), indent=indent)
            found.append(Damage("missing", path, missing.encode(), False))
            twice = f"{before}{json.dumps(good)}, {json.dumps(path[-1])}: 7{after}"
            found.append(Damage("twice", path, twice.encode(), True))
        yield found


def kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def of_text(text: bytes) -> list[Damage]:
    """Damages to the whole of a record's text."""
    said = text.decode()
    whole = {
        "empty": b"", "blank": b" ", "half": text[: len(text) // 2], "cut": text.rstrip()[:-1],
        "utf-16": said.encode("utf-16"), "utf-16 without mark": said.encode("utf-16-le"),
        "latin-1": text.rstrip()[:-1] + b', "\xe9": 1}', "nuls": b"\0" * len(text),
        "not UTF-8": b"\xff\xfe" + text, "two brackets": b"{" + text, "script": b"<html>\n</html>",
        "a list": b"[]", "null": b"null", "a number": b"3", "a text": b'"x"', "huge": b"1" * 400,
        "huger": b"1" * 5000, "deep": b"[" * 100_000, "deep tables": b'{"a":' * 100_000,
    }  # fmt: skip
    return [Damage(how, (), data, True) for how, data in whole.items()]


def places(file: Path) -> dict[str, Any]:
    """What may stand in the place of a file: {how: a call that puts it there}."""
    return {
        "folder": file.mkdir,
        "pipe": lambda: os.mkfifo(file),
        "link to itself": lambda: file.symlink_to(file),
        "link to nothing": lambda: file.symlink_to(file.with_name("nothing")),
        "link to a device": lambda: file.symlink_to("/dev/zero"),
    }
