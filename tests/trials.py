"""Five trials of a function of arrays: scale, dtype, size, what is not finite, in a program.

It gives the right numbers, those of an independent reference, or a ValueError that names one of its
arguments.  A table of cases is tried by `parametrised`, `untried` finds functions that lack one.
"""

import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

DTYPES = (np.float16, jnp.bfloat16, np.float32, np.float64, np.int8, int, np.complex64)
SCALES = {np.float32: (1e-30, 1e30), np.float64: (1e-150, 1e150)}


class Arg(NamedTuple):
    """A value, exact in every dtype; in other units it is value * unit^power.

    dims: a letter an axis, the same letter the same size.  refused: kinds of dtype beside "c" that
    it may refuse.
    """

    value: Any
    dims: str = ""
    power: int = 0
    refused: str = ""


class Case(NamedTuple):
    """call(*arrays) -> array or tuple of them, as want(*arrays of float64) has them.

    args by the word that names them in a ValueError (what follows it tells them apart).
    degree: want in other units is want * unit^degree; None: it takes numbers of any size.
    most: the largest unit, and 1 / the smallest, in which numbers must come out.
    """

    call: Callable
    want: Callable
    args: dict[str, Arg]
    degree: int | None = None
    rtol: float = 2e-5
    sixteen: float = 0.0  # rtol of 16 bits, where the dtype is what was asked for
    most: float = np.inf
    names: str = "dtype"  # further words in a ValueError
    model: str = ""  # letters that a function given as an argument wants alike


def scale(case: Case) -> None:
    """In other units: the same numbers, as far as the dtype holds them."""
    for kind, units in SCALES.items():
        with jax.enable_x64(kind is np.float64):
            for unit in dict.fromkeys(np.clip([*units], 1 / case.most, case.most)):
                _in_units(case, kind, unit)


def _in_units(case: Case, kind: type, unit: float) -> None:
    arrays = [np.asarray(a.value * unit**a.power, kind) for a in case.args.values()]
    if case.degree is None:
        wanted = _wanted(case, arrays)
    else:
        factor = np.longdouble(unit) ** case.degree
        wanted = [w * factor for w in _wanted(case, [a.value for a in case.args.values()])]
    found, info = _found(case, [jnp.asarray(a) for a in arrays]), np.finfo(kind)
    held = all(((np.abs(w) >= info.tiny) | (w == 0)).all() for w in wanted)
    held &= all((np.abs(w) <= info.max).all() for w in wanted)
    assert found is not None or not held, f"refused in units of {unit}"
    if found is not None:
        _compare(found, wanted, case.rtol, 2 * float(info.tiny))


def dtype(case: Case) -> None:
    """Of every argument in turn: real numbers are real numbers."""
    for (name, arg), kind in itertools.product(case.args.items(), DTYPES):
        wide, code = kind is np.float64, np.dtype(kind).kind
        with jax.enable_x64(wide):
            values = {n: np.asarray(a.value, float if wide else np.float32)
                      for n, a in case.args.items()}  # fmt: skip
            values[name] = values[name].astype(kind)
            values[name] = values[name] * (1 + 2j) if code == "c" else values[name]
            found = _found(case, list(values.values()))
            assert found is not None or code in "c" + arg.refused, f"{name} of {kind} is refused"
            if found is not None:
                rtol = max(case.rtol, case.sixteen) if code in "fV" else case.rtol
                _compare(found, _wanted(case, values.values()), rtol)


def size(case: Case) -> None:
    """Of every axis 0 and 1, of all arguments together and of one of them."""
    letters = {letter for arg in case.args.values() for letter in arg.dims.split()}
    for letter, length in itertools.product(sorted(letters), (0, 1)):
        cut = {n: _cut(a, letter, length) for n, a in case.args.items()}
        _right_or_refused(case, cut)
        for name in cut if letter not in case.model.split() else ():
            whole = {n: np.asarray(a.value, np.float32) for n, a in case.args.items()}
            _right_or_refused(case, whole | {name: cut[name]})


def _cut(arg: Arg, letter: str, length: int) -> np.ndarray:
    at = tuple(slice(length if d == letter else None) for d in arg.dims.split())
    return np.asarray(arg.value, np.float32)[at]


def finite(case: Case) -> None:
    """A number of every argument in turn: what looks like a number is right."""
    for name, bad in itertools.product(case.args, (np.nan, np.inf)):
        values = {n: np.array(a.value, np.float32) for n, a in case.args.items()}
        values[name].flat[0] = bad
        _right_or_refused(case, values, lost=True)


def compiled(case: Case) -> None:
    """Called in a program whose constants the arguments are: what is known there is no tracer."""
    arrays = [jnp.asarray(np.asarray(a.value, np.float32)) for a in case.args.values()]
    found = _found(case._replace(call=jax.jit(lambda: case.call(*arrays))), [])
    assert found is not None, "refused"
    _compare(found, _wanted(case, [a.value for a in case.args.values()]), case.rtol)


TRIALS = (scale, dtype, size, finite, compiled)


def parametrised(cases: dict[str, Case]):
    """The decorator of a test of a case and a trial."""
    every = [(case, trial) for case in cases.values() for trial in TRIALS]
    names = [f"{name}-{trial.__name__}" for name in cases for trial in TRIALS]
    return pytest.mark.parametrize(("case", "trial"), every, ids=names)


def untried(modules: Iterable[ModuleType], tried: Iterable[str]) -> list[str]:
    """Public functions of modules, and of those in packages, that are not tried by name."""
    found = []
    for module in modules:
        inner = [m.name for m in pkgutil.iter_modules(getattr(module, "__path__", []))]
        files = [importlib.import_module(f"{module.__name__}.{n}") for n in inner
                 if not n.startswith("test_")]  # fmt: skip
        for file in files or [module]:
            public = [f for n, f in inspect.getmembers(file, inspect.isfunction) if n[0] != "_"]
            found += [f"{f.__module__}.{f.__name__}" for f in public
                      if f.__module__ == file.__name__]  # fmt: skip
    kept = {name.split()[0] for name in tried}
    return [f for f in found if not any(f.endswith(f".{name}") for name in kept)]


def _right_or_refused(case: Case, values: dict[str, np.ndarray], lost: bool = False) -> None:
    found = _found(case, [jnp.asarray(a) for a in values.values()])
    if found is not None:
        _compare(found, _wanted(case, values.values()), case.rtol, lost=lost)


def _found(case: Case, arrays: list) -> list[np.ndarray] | None:
    """What a call returns; None for a ValueError that names an argument."""
    try:
        found = case.call(*arrays)
    except ValueError as error:
        names = "|".join([*(n.split()[0] for n in case.args), *case.names.split()])
        assert re.search(rf"\b({names})\b", str(error)), error  # noqa: PT017
        return None
    return [np.asarray(a) for a in (found if isinstance(found, tuple) else (found,))]


def _wanted(case: Case, arrays: Iterable) -> list[np.ndarray]:
    wide = [a if np.iscomplexobj(a) else np.asarray(a, float) for a in arrays]
    with np.errstate(all="ignore"):
        found = case.want(*wide)
    return [np.asarray(a) for a in (found if isinstance(found, tuple) else (found,))]


def _compare(found: list, wanted: list, rtol: float, tiny=0.0, lost: bool = False) -> None:
    """lost: numbers may come out as nan."""
    assert len(found) == len(wanted)
    for got, want in zip(found, wanted, strict=True):
        got = got if np.iscomplexobj(got) else got.astype(float)
        assert got.shape == want.shape, (got.shape, want.shape)
        known = np.isfinite(got)
        assert lost or (known == np.isfinite(want)).all(), (got, want)
        size = np.abs(want[known & np.isfinite(want)]).max(initial=0)
        atol = max(rtol * size / 10, tiny)
        np.testing.assert_allclose(got[known], want[known], rtol=rtol, atol=atol)
