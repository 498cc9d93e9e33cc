"""JSON checked against a stated type as it is read: what is wrong is said, with its place."""

import json
import re
from collections.abc import Iterator
from typing import Any

from launch.record.checks import Wrong, check_of

BLANK = "\0 \t\r\ufeff"  # what a crash or an editor leaves around a line


def read(data: bytes, kind: Any) -> Any:
    """The value of a JSON text, checked.  Errors: Wrong."""
    text = _text(data)
    try:
        value = _parsed(text.strip() and text, 0, whole=True)[0]
        check_of(kind)(value)
    except Wrong as wrong:
        wrong.line = wrong.line or _line(text, wrong.path)
        raise
    return value


def read_lines(data: bytes, kind: Any) -> tuple[list, list[Wrong]]:
    """(the good values of JSON lines, what is wrong with the others).

    A line may hold more than one, where an editor or a merge took a line break.
    """
    good, bad, check = [], [], check_of(kind)
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            for value in _values(_text(line).strip(BLANK)):
                try:
                    check(value)
                    good.append(value)
                except Wrong as wrong:
                    bad.append(wrong)
                    wrong.line = number
        except Wrong as wrong:
            bad.append(wrong)
            wrong.line = number
    return good, bad


def _values(rest: str) -> Iterator[Any]:
    while rest:
        value, end = _parsed(rest, 0)
        yield value
        rest = rest[end:].lstrip(BLANK)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Wrong(f"it is no UTF-8 text (byte {error.start})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict:
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [k for k, _ in pairs]
        raise Wrong("stands twice", next(k for k in keys if keys.count(k) > 1))
    return table


def _no_number(name: str) -> None:
    raise Wrong(f"it has {name}, which is no JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _parsed(text: str, start: int, *, whole: bool = False) -> tuple[Any, int]:
    try:
        return (DECODER.decode(text), len(text)) if whole else DECODER.raw_decode(text, start)
    except Wrong:
        raise
    except json.JSONDecodeError as error:
        what = "it is cut short" if error.pos >= len(text) or "Unterminated" in error.msg else (
            f"it is no JSON ({error.msg}, column {error.colno})")  # fmt: skip
        raise Wrong(what if text else "it is empty", line=error.lineno) from None
    except RecursionError:
        raise Wrong("it is nested too deeply") from None
    except ValueError:
        raise Wrong("it has a number of thousands of digits") from None


def _line(text: str, path: list) -> int | None:
    """Where a key stands in a text as json.dumps(indent=1) writes it; None in others."""
    at = 0
    for depth, key in enumerate(path, 1):
        if isinstance(key, str):
            found = re.compile(f"^ {{{depth}}}{re.escape(json.dumps(key))}:", re.M).search(text, at)
            if found is None:
                break
            at = found.end()
    return text.count("\n", 0, at) + 1 if at else None
