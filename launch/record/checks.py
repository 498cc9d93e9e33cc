"""What a type of a record demands of JSON, and the words for what is wrong.

A type is str, int, float, bool, None, Any (JSON that is not deep), X | Y, Literal, list[X],
tuple[X, Y] (a list of that length), dict[str, X], a TypedDict (further keys are Any), a `Tagged`,
or any of these with what more must hold: Annotated[float, "a number, 0 or more", predicate].
"""

import json
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Union

DEEPEST = 16  # tables and lists within each other, in what is not stated
LARGEST = 1e300  # of numbers: two of them can be added, and NumPy takes them
MOST = 40  # characters of a value or a key in a line
NO_TEXT = re.compile("[\0\ud800-\udfff]").search  # no path has the one, no stream the others
WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Any: "JSON",
         types.NoneType: "null", list: "a list", tuple: "a list", dict: "a table"}  # fmt: skip

Check = Callable[[Any], None]


class Wrong(ValueError):
    """What is wrong with a record, where in it, and on which line if that is known."""

    def __init__(self, what: str, *path: str | int, line: int | None = None) -> None:
        super().__init__(what)
        self.what, self.path, self.line = what, list(path), line

    def within(self, key: str | int) -> "Wrong":
        """The same, of what holds it under `key`."""
        self.path.insert(0, key)
        return self

    def __str__(self) -> str:
        place = ".".join(cut(str(k)) for k in self.path)
        return f"{place} {self.what}" if place else self.what


def matches(pattern: str) -> Callable[[str], Any]:
    """A predicate: the whole text is of a pattern."""
    return re.compile(pattern).fullmatch


class Tagged:
    """A TypedDict for every value of a key; None: for where it is absent."""

    def __init__(self, key: str, of: Mapping[str | None, Any]) -> None:
        self.key, self.of = key, of


@cache
def check_of(kind: Any) -> Check:
    """What raises Wrong unless a value is of a type."""
    if isinstance(kind, Tagged):
        return _tagged(kind)
    if typing.is_typeddict(kind):
        return _typed_table(kind)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    makers: dict[Any, Callable[..., Check]] = {
        Annotated: _annotated, Literal: _literal, Union: _union, types.UnionType: _union,
        list: _list, tuple: _tuple, dict: _table,
    }  # fmt: skip
    if origin in makers:
        return makers[origin](*inner)
    return {str: _is_text, int: _is_whole, float: _is_number, Any: _is_json}.get(
        kind, lambda value: _demand(type(value) is kind, WORDS[kind], value)
    )


def _wrong(words: str, value: Any) -> Wrong:
    return Wrong(f"must be {words}, not {_said(value)}")


def _demand(holds: object, words: str, value: Any) -> None:
    if not holds:
        raise _wrong(words, value)


def _is_text(value: Any) -> None:
    if type(value) is not str:
        raise _wrong(WORDS[str], value)
    if (not value.isascii() or "\0" in value) and NO_TEXT(value):
        raise Wrong("holds characters that are no text")


def texts(value: str) -> str:
    """A text that `_is_text` takes: what is none as escapes."""
    return value.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def every_text(value: Any) -> Iterator[str]:
    """The texts in tables and lists of any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from every_text(item)


def _is_whole(value: Any) -> None:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise _wrong(WORDS[int], value)


def _is_number(value: Any) -> None:
    if type(value) not in (float, int) or not -LARGEST < value < LARGEST:
        raise _wrong(WORDS[float], value)


def _is_json(value: Any, depth: int = DEEPEST) -> None:
    if type(value) is str:
        _is_text(value)
    elif type(value) in (int, float):
        _is_number(value)
    elif type(value) in (list, dict):
        if not depth:
            raise Wrong(f"is nested more than {DEEPEST} deep")
        for key, item in value.items() if type(value) is dict else enumerate(value):
            _inside(lambda v: _is_json(v, depth - 1), key, item)


def _inside(check: Check, key: str | int, item: Any) -> None:
    if type(key) is str:
        _is_text(key)
    try:
        check(item)
    except Wrong as wrong:
        raise wrong.within(key) from None


def _annotated(kind: Any, words: str, predicate: Callable[[Any], Any]) -> Check:
    base = check_of(kind)

    def check(value: Any) -> None:
        base(value)
        if not predicate(value):
            raise _wrong(words, value)

    return check


def _literal(*options: Any) -> Check:
    words, kinds = " or ".join(map(str, options)), {type(o) for o in options}

    def check(value: Any) -> None:
        if type(value) not in kinds or value not in options:
            raise _wrong(words, value)

    return check


def _union(*kinds: Any) -> Check:
    words = " or ".join(_words(k) for k in kinds)
    checks = {_json_type(k): check_of(k) for k in kinds}

    def check(value: Any) -> None:
        one = checks.get(type(value)) or (checks.get(float) if type(value) is int else None)
        if one is None:
            raise _wrong(words, value)
        one(value)

    return check


def _list(kind: Any) -> Check:
    inner = check_of(kind)

    def check(value: Any) -> None:
        _demand(type(value) is list, WORDS[list], value)
        place = 0
        try:
            for item in value:
                inner(item)
                place += 1
        except Wrong as wrong:
            raise wrong.within(place) from None

    return check


def _tuple(*kinds: Any) -> Check:
    checks = [check_of(k) for k in kinds]

    def check(value: Any) -> None:
        right = type(value) is list and len(value) == len(checks)
        _demand(right, f"a list of {len(checks)}", value)
        for place, (inner, item) in enumerate(zip(checks, value, strict=True)):
            _inside(inner, place, item)

    return check


def _table(_: Any, kind: Any) -> Check:
    inner = check_of(kind)

    def check(value: Any) -> None:
        _demand(type(value) is dict, WORDS[dict], value)
        for key, item in value.items():
            try:
                inner(item)
            except Wrong as wrong:
                raise wrong.within(key) from None
        _is_text("".join(value))

    return check


def _typed_table(kind: Any) -> Check:
    hints = typing.get_type_hints(kind, include_extras=True)
    checks = {k: check_of(_stated(v)) for k, v in hints.items()}
    required = kind.__required_keys__

    def check(value: Any) -> None:
        _demand(type(value) is dict, WORDS[dict], value)
        for key in sorted(required - value.keys()):
            raise Wrong("is missing", key)
        for key, item in value.items():
            if inner := checks.get(key):
                try:
                    inner(item)
                except Wrong as wrong:
                    raise wrong.within(key) from None
            else:
                _inside(_is_json, key, item)

    return check


def _tagged(kind: Tagged) -> Check:
    checks = {tag: check_of(of) for tag, of in kind.of.items()}
    words = " or ".join(str(tag) for tag in checks if tag)

    def check(value: Any) -> None:
        _demand(type(value) is dict, WORDS[dict], value)
        if kind.key not in value and None not in checks:
            raise Wrong("is missing", kind.key)
        tag = value.get(kind.key)
        if kind.key in value and (type(tag) is not str or tag not in checks):
            raise _wrong(words, tag).within(kind.key)
        checks[tag](value)

    return check


# --- words ----------------------------------------------------------------------------------------


def _stated(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is NotRequired else hint


def _json_type(kind: Any) -> type:
    """The Python type that JSON of a stated type is read as."""
    if typing.get_origin(kind) is Annotated:
        return _json_type(typing.get_args(kind)[0])
    origin = typing.get_origin(kind) or (dict if typing.is_typeddict(kind) else kind)
    return list if origin is tuple else origin


def _words(kind: Any) -> str:
    if typing.get_origin(kind) is Annotated:
        return typing.get_args(kind)[1]
    return WORDS[_json_type(kind)]


def _said(value: Any) -> str:
    """A value that is wrong, for a line."""
    if isinstance(value, (list, dict)):
        return WORDS[type(value)] if value else f"an empty {WORDS[type(value)][2:]}"
    text = json.dumps(value)
    if isinstance(value, int) and len(text) > MOST:
        return f"a number of {len(text.strip('-'))} digits"
    return cut(text)


def cut(text: str) -> str:
    text = text if text.isprintable() else json.dumps(text)[1:-1]
    return text if len(text) <= MOST else text[: MOST - 1] + "…"
