"""What a checkpoint holds beside a state, so that another is not taken for it; what damage is."""

import hashlib
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from common import files

# what orbax and TensorStore raise for files whose content is not what was written
DAMAGE = (
    ValueError, LookupError, TypeError, AttributeError, EOFError, RecursionError,
    *files.CONTENT_ERRORS,
)  # fmt: skip


def record(step: int, state: Any, belongs: str) -> dict[str, Any]:
    """What is saved: a state, the step and the loop it is of, and sums that tell damage."""
    leaves = jax.tree.leaves(state)
    return {
        "step": np.asarray(step),
        "of": np.frombuffer(hashlib.sha256(belongs.encode()).digest(), np.uint8),
        "sums": np.array([_sum(x) for x in leaves], np.uint32),
        "state": state,
    }


def _sum(x: Any) -> int:
    """A checksum of a leaf's bytes; 0 for one that is not whole on this process."""
    if isinstance(x, jax.ShapeDtypeStruct) or not getattr(x, "is_fully_addressable", True):
        return 0
    return zlib.crc32(np.ascontiguousarray(x).reshape(-1).view(np.uint8).data) or 1


def mismatch(step: int, wanted: dict, found: dict) -> str:
    """Why a checkpoint that was read is not used; empty where it is."""
    pairs = zip(jax.tree.leaves(wanted["state"]), jax.tree.leaves(found["state"]), strict=True)
    for mine, other in pairs:
        if mine.shape != np.shape(other):
            return (
                f"is not used: it holds {np.shape(other)}, not {mine.shape}, as on another number "
                "of devices; this part begins anew"
            )
    if int(found["step"]) != step:
        return f"is not used: it holds step {int(found['step'])}; taking the one before it"
    if not np.array_equal(found["of"], wanted["of"]):
        return "is not used: it is of another run or loop; taking the one before it"
    now = [_sum(x) for x in jax.tree.leaves(found["state"])]
    if any(a and b and a != b for a, b in zip(now, found["sums"], strict=True)):
        return "is damaged (other bytes than were saved); taking the one before it"
    return ""


def out_of_reach(folder: Path, error: Exception) -> str:
    """Why a checkpoint cannot be read now; empty where its damage is proven."""
    if isinstance(error, files.Damaged):
        return ""
    if why := files.out_of_reach(error):
        return why
    if not isinstance(first(error), DAMAGE):
        return files.said(first(error))
    try:
        if not files.exists(folder):
            return "its disk has gone"
        files.read_through(folder)
    except OSError as unread:
        return files.out_of_reach(unread)
    return ""


def first(error: BaseException) -> BaseException:
    """What led to an error, where that is what it was raised from."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
