"""What of a run's arrays its measures and figures read, and an npz that holds no more than that.

Numbers that nobody reads are NaN in a committed reference: the shapes stay those of `run`.
"""

import io
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from common.claims import Claim
from launch import report

ORDER_GAIN = 0.9  # another order of the axes in the file must save a tenth


class Watched(NDArrayOperatorsMixin):
    """An array that notes which of its elements are read; what it cannot follow counts whole."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.read = np.zeros(values.shape, bool)
        self.touched = False

    def __getitem__(self, key: Any) -> Any:
        key = _plain(key)
        self.touched = True
        self.read[key] = True
        return self.values[key]

    def whole(self) -> np.ndarray:
        self.touched = True
        self.read[...] = True
        return self.values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.whole(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*_plain(inputs), **_plain(options))

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> Any:
        return function(*_plain(inputs), **_plain(options))

    def __getattr__(self, name: str) -> Any:
        if name in ("shape", "ndim", "size", "dtype"):
            return getattr(self.values, name)
        return getattr(self.whole(), name)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Any:
        return iter(self.whole())

    def __bool__(self) -> bool:
        return bool(self.whole())

    def __int__(self) -> int:
        return int(self.whole())

    def __index__(self) -> int:
        return self.whole().__index__()

    def __float__(self) -> float:
        return float(self.whole())

    def __format__(self, how: str) -> str:
        return format(self.whole(), how)


def _plain(value: Any) -> Any:
    """The same with arrays in place of watched ones, through tuples, lists and dicts."""
    if isinstance(value, Watched):
        return value.whole()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    return value


def thinned(
    info: dict, claims: list[Claim], arrays: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Arrays with what no measure and no figure reads left out.

    Whole arrays are dropped, elements of floats become NaN. The verdicts are those of all arrays,
    or all arrays are kept.
    """
    watched = {k: Watched(np.asarray(v)) for k, v in arrays.items()}
    before = verdicts(info, claims, watched)
    drawn = report.drawings(info, watched)
    few = {k: _read(w) for k, w in watched.items() if w.touched}
    same = before == verdicts(info, claims, arrays) == verdicts(info, claims, few)
    return few if same and report.drawings(info, few).keys() == drawn.keys() else dict(arrays)


def verdicts(info: dict, claims: list[Claim], arrays: dict) -> list:
    """What is decided on these arrays."""
    slug, preset, seeds = info["experiment"], info["preset"], len(info["config"]["seeds"])
    return [report.judge(slug, c, preset, arrays, seeds=seeds) for c in claims]


def _read(watched: Watched) -> np.ndarray:
    kept = watched.values
    if watched.read.all() or not np.issubdtype(kept.dtype, np.inexact):
        return kept
    return np.where(watched.read, kept, np.array(np.nan, kept.dtype))


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    """Whether two runs have the same arrays, bit for bit."""
    return one.keys() == two.keys() and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in ((one[k], two[k]) for k in one)
    )


def write(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """A small npz that numpy.load reads, the same bytes every time; replaces the file at once."""
    part = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # its date is that of the format, 1980
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, _ordered(array), allow_pickle=False)
            out.writestr(member, content.getvalue(), compresslevel=9)
    part.replace(file)


def _ordered(array: np.ndarray) -> np.ndarray:
    """The array in C or in Fortran order, whichever is smaller in a file."""
    if array.ndim < 2:
        return array
    rows, columns = (len(zlib.compress(array.tobytes(order), 9)) for order in ("C", "F"))
    return np.asfortranarray(array) if columns < ORDER_GAIN * rows else array
