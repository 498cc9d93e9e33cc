"""The values of settings: text that is typed, and what no preset, control or CHOICES could mean."""

import ast
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from common.files import FileError
from launch import paths
from launch.errors import UserError, clip, nearest

LONG = 100_000  # characters of a setting
LINE = 120  # of a value in a message
LARGEST = 2**48


def parse(key: str, text: str, old: Any) -> Any:
    """Text of the command line as a value of the type of the old one.  Errors: UserError."""
    wanted = type(old).__name__
    if len(text) > LONG:
        raise UserError(f"{key} has {len(text):,} characters; at most {LONG:,} are taken")
    try:
        if isinstance(old, bool):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if isinstance(old, int):
            number = float(text)
            if number != int(number):
                raise ValueError
            return int(text) if text.lstrip("+-").isdigit() else int(number)
        if isinstance(old, float):
            return float(text)
        if isinstance(old, (tuple, list)):
            value = ast.literal_eval(text if text[:1] in "([" else f"({text},)")
            items = tuple(value) if isinstance(value, (tuple, list)) else (value,)
            return tuple(parse(key, str(v), old[0]) if old else v for v in items)
        return text.strip("'\"")
    except (
        ValueError,
        TypeError,
        KeyError,
        SyntaxError,
        OverflowError,
        RecursionError,
        MemoryError,
    ):
        raise UserError(
            f"{key}={clip(text)} is not a {wanted} (now {key}={clip(repr(old), LINE)})"
        ) from None


class Known:
    """What a paper gives its settings: names in its presets and in CHOICES of config.py, numbers in
    its presets and in the controls of its claims."""

    def __init__(self, config: Mapping[str, Any], controls: Iterable[str] = ()) -> None:
        presets = [config["PAPER"], *config["PRESETS"].values()]
        self._values = {key: [p[key] for p in presets if key in p] for key in config["PAPER"]}
        self._names = {key: {*_items(values)} for key, values in self._values.items()}
        for key, names in config.get("CHOICES", {}).items():
            self._names[key].update(names)
        for key, _, text in (item.partition("=") for item in controls):
            if key in self._values:
                self._values[key].append(parse(key, text, self._values[key][0]))

    def refuse(self, settings: Mapping[str, Any]) -> None:
        """Names that the paper does not know; no items, and counts below 1, where it has none such;
        nan and inf.  Errors: UserError."""
        for key, value in settings.items():
            if key != "seeds" and key in self._values:
                self._refuse(key, value)

    def _refuse(self, key: str, value: Any) -> None:
        known = [*_items(self._values[key])]
        if value == () and () not in self._values[key]:
            raise UserError(f"{key} is empty; it has one item or more")
        for x in _items(value):
            if isinstance(x, str):
                if x not in self._names[key]:
                    known_names = (name or "''" for name in self._names[key])
                    raise UserError(f"{key} has no {clip(x)!r}; {nearest(x, known_names)}")
            elif type(x) is int and abs(x) >= LARGEST:  # beyond, XLA ends the process
                raise UserError(f"{key} is a number of more than 48 bits; give a smaller one")
            elif not math.isfinite(x) and all(map(math.isfinite, known)):
                raise UserError(f"{key}={x} is not finite")
            elif type(x) is int and x < min(1, *known):
                raise UserError(f"{key}={x}; {key} is {min(1, *known)} or more")


def _items(value: Any) -> Iterator[Any]:
    """The numbers, bools and names of a setting, which may be a tuple of tuples."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _items(item)
    else:
        yield value


def controls(slug: str) -> list[str]:
    """The key=value items of a paper's falsifiers; none where claims.toml cannot be read."""
    try:
        tables = paths.claims(slug).get("claim", [])
        return [str(i) for t in tables for i in t.get("falsifier", {}).get("override", [])]
    except (FileError, ValueError, AttributeError, TypeError):
        return []  # told where claims are read
