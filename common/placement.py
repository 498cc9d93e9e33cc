"""How an ensemble of trainings lies on a mesh, so that small and large members have one loop.

    members    whole members side by side, split over the data axis
    batch      one member after the other: batches split over the data axis, weights and moments
               by rules on their paths and, unless `fully` is False, over the data axis too

Functions are written for one member and called for a round of them, with pytrees [M, …]:

    ensemble = Ensemble(mesh, "batch", RULES)
    begin, train = ensemble.begin(init, state), ensemble.train(step, state, P("data"), P())
    for part in ensemble.rounds(len(seeds)):
        now = begin(seeds[part])
        now, seen = train(now, batches[part], rates[part])
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from common import partition, sharding
from common.sharding import Placed

MEMBERS, BATCH = FORMS = "members", "batch"


@dataclass(frozen=True)
class Ensemble:
    """Members on a mesh, in one of FORMS; `rules` and `fully` (see partition) are of "batch".

    `state`: shapes of one member's. Errors: ValueError for another form.
    """

    mesh: Mesh
    form: str
    rules: partition.Rules = ()
    fully: bool = True

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"an ensemble lies by {' or '.join(FORMS)}, not by {self.form!r}")

    def rounds(self, count: int) -> list[slice]:
        """Which of `count` members are computed together, one round after the other."""
        width = count if self.form == MEMBERS else 1
        return [slice(i, i + width) for i in range(0, count, width)]

    def over(
        self, fn: Callable, *specs: Any, shared: tuple[int, ...] = (), **options: Any
    ) -> Placed:
        """`fn` for the members of a round: arguments and result are pytrees [M, …].

        specs: how every argument of one member lies in the form "batch", a PartitionSpec or, of
        weights and whatever holds them, `weights(shapes)`. shared: positions of arguments that all
        members get whole. options: of jax.jit, in the form "batch".
        """
        if self.form == MEMBERS:
            return sharding.vmap_over(self.mesh, fn, shared=shared)

        def alone(*args):
            own = [a if i in shared else _first(a) for i, a in enumerate(args)]
            return jax.tree.map(lambda x: x[None], fn(*own))

        def of_round(i, spec):
            return P(None, *spec) if isinstance(spec, P) and i not in shared else spec

        alone.__name__ = getattr(fn, "func", fn).__name__  # of a partial, what it is of
        places = tuple(of_round(*pair) for pair in enumerate(specs))
        return Placed(alone, self.mesh, places, **options)

    def begin(self, init: Callable, state: Any) -> Placed:
        """init(seed) -> state, made in place: no device ever holds more than its part."""
        return self.over(init, P(), out_shardings=self.weights(state))

    def train(self, fn: Callable, state: Any, *specs: P, shared: tuple[int, ...] = ()) -> Placed:
        """fn(state, …) -> (state, seen); the state that goes in is given up."""
        where = self.weights(state)
        out = (where, sharding.sharded(self.mesh))
        return self.over(fn, where, *specs, shared=shared, donate_argnums=0, out_shardings=out)

    def weights(self, shapes: Any) -> Any:
        """How the weights of a round lie in the form "batch"; shapes: of one member's."""
        if self.form == MEMBERS:
            return None
        where = self._split(shapes)
        return jax.tree.map(lambda one: NamedSharding(self.mesh, P(None, *one.spec)), where)

    def place(self, x: Any, *axes: str | None) -> Any:
        """In a function of one member: an activation, split over a mesh axis for each dimension."""
        return x if self.form == MEMBERS else partition.constrain(x, self.mesh, *axes)

    def place_weights(self, tree: Any) -> Any:
        """In a function of one member: gradients, where their weights lie."""
        if self.form == MEMBERS:
            return tree
        return jax.lax.with_sharding_constraint(tree, self._split(tree))

    def _split(self, tree: Any) -> Any:
        if self.fully:
            return partition.fsdp(tree, self.mesh, self.rules)
        return partition.shardings(tree, self.mesh, (*self.rules, ("", ())))


def _first(tree: Any) -> Any:
    return jax.tree.map(lambda x: x[0], tree)
