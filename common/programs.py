"""What a run compiles, described without data or devices: for `./lab plan` and the tests."""

from typing import Any, NamedTuple


class Program(NamedTuple):
    """One compiled function of a run and how often a whole run calls it.

    Made by `sharding.Placed.program`, from the function that `run` itself calls.
    """

    name: str  # what it does, in the paper's words
    fn: Any  # jitted
    args: tuple  # jax.ShapeDtypeStruct, placed on the mesh
    calls: int
    trips: float = 1.0  # turns of a loop whose length the program is told when it runs
