"""Being asked to stop, and what several processes agree on."""

import jax
import numpy as np


class Stopped(Exception):
    """The run was asked to stop (SIGTERM, Ctrl-C) and its state is saved."""


class Stop:
    """Set `asked` from a signal handler; a run looks at it where everything done is saved."""

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Errors: Stopped if any process was asked; all processes must call."""
        if agreed(self.asked):
            self.asked = True
            raise Stopped


def primary() -> bool:
    """Whether this process writes (process 0 of several)."""
    return jax.process_index() == 0


def agreed(mine: bool) -> bool:
    """Whether `mine` is true on any process; all processes must call."""
    return bool(votes(mine).any())


def votes(*mine: bool) -> np.ndarray:
    """What every process says.  bools -> [process, len(mine)]"""
    if jax.process_count() == 1:
        return np.array([mine])
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.array(mine))
