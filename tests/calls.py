"""How often a run calls what it declares: every placed function is called through one door."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jax

from common.programs import Program
from common.sharding import Placed


@contextlib.contextmanager
def counted() -> Iterator[Counter]:
    """Calls of placed functions from outside any trace, by name and shapes, while this is open."""
    calls: Counter = Counter()
    door = Placed.__call__

    def through(self: Placed, *args: Any) -> Any:
        if not any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves(args)):
            shapes = jax.eval_shape(lambda *a: self._arrange(*a)[0], *args)
            calls[signature(self.jitted, shapes)] += 1
        return door(self, *args)

    Placed.__call__ = through  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        Placed.__call__ = door  # type: ignore[method-assign]


def signature(jitted: Any, args: Any) -> str:
    """What tells the programs of a run apart: the function's name, types and shapes."""
    shapes = ", ".join(f"{x.dtype}{list(x.shape)}" for x in jax.tree.leaves(args))
    return f"{jitted.__name__}({shapes})"


def differing(programs: list[Program], calls: Counter) -> list[str]:
    """The programs that are not called as often as they say; [] if a run keeps its word."""
    said: Counter = Counter()
    for p in programs:
        said[signature(p.fn, p.args)] += p.calls
    names = {signature(p.fn, p.args): p.name for p in programs}
    return [
        f"{names[s]} is called {calls[s]} times, declared are {n}: {s[:200]}"
        for s, n in said.items()
        if calls[s] != n
    ]
