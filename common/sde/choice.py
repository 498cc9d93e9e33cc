"""One program for several SDEs: which of them is told when it runs."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from common.sde.processes import SDE


def chosen(which: Any, sdes: Sequence[SDE]) -> SDE:
    """The SDE of number `which`, an integer [] that may be traced.

    Its functions compute what all of them have and take one; a number that all share stays itself.
    Where one of the SDEs refuses a chain, so does the choice.  Errors: ValueError for no SDEs.
    """
    if not sdes:
        raise ValueError("sdes must be one SDE or more")

    def pick(*values):
        found = values[-1]
        for i, value in enumerate(values[:-1]):
            found = jnp.where(which == i, value, found)
        return found

    def of(name):
        each = [getattr(sde, name) for sde in sdes]
        if callable(each[0]):
            return lambda *args: jax.tree.map(pick, *(one(*args) for one in each))
        return each[0] if len(set(each)) == 1 else pick(*each)

    return SDE(*map(of, SDE._fields))
