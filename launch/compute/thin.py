"""Which of a run's arrays its measures and figures read, and a small npz of them."""

import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from common.claims import Claim
from launch.read import report

ORDER_GAIN = 0.9  # another order of the axes in the file must save a tenth


def thinned(
    info: dict, claims: list[Claim], arrays: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The arrays that some measure or figure reads; all where one of them fails on them."""
    decided = [c for c in claims if c.level.get(info["preset"], "none") != "none"]
    measured = report.reads(info["experiment"], decided, arrays)
    noted = report.Noted(arrays)
    if measured is None or report.drawings_if_finite(info, noted) is None:
        return dict(arrays)
    return {k: v for k, v in arrays.items() if k in measured | noted.asked}


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
