"""A residual network on a whole mesh: its start, its training, and looks at its H, G and F.

The network is that of `resnet`, the matrices are those of `spectra`; examples are split over the
mesh, parameters are everywhere.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common.programs import Program
from common.sharding import DATA, Placed, sharded

from . import resnet, spectra

MATRICES = ("H", "G", "F")  # in the order of `spectra.matrices`


class Residual(NamedTuple):
    begin: Placed  # key -> resnet.State
    train: Placed  # key, State, (images, labels), first step -> (State, loss [1])
    probe: list[Placed]  # of each of MATRICES: key, params, (images, labels) -> nodes, weights
    largest: list[Placed]  # the same -> top, residual
    products: int  # at most, for those

    def programs(self, images, seeds, probes, records) -> list[Program]:
        """Of all seeds, each with so many probes a look and calls of `train`.  images: shape"""
        shape, key = jax.ShapeDtypeStruct, jax.eval_shape(lambda: jax.random.key(0))
        data = shape(images, jnp.float32), shape(images[:1], jnp.int32)
        state, looks = jax.eval_shape(self.begin, key), 2 * seeds
        args, trips = (key, state.params, data), self.products**0.5  # two loops, one in the other
        found = []
        for name, probe in zip(MATRICES, self.probe, strict=True):
            found += [probe.program(f"probe of {name}", *args, calls=looks * probes)]
        for name, largest in zip(MATRICES, self.largest, strict=True):
            found += [largest.program(f"largest of {name}", *args, calls=looks, trips=trips)]
        train = self.train.program("training", key, state, data, 0, calls=seeds * records)
        return [*found, train]


def on_mesh(mesh: Mesh, *, start, descent, chunk, lanczos, largest) -> Residual:
    """Options: `start` of resnet.begin, `descent` of resnet.descend, `chunk` examples at once for
    products, `lanczos` steps from a probe, `largest` of spectra.largest."""

    def placed(fn, *specs, **how):
        return Placed(partial(fn, **how), mesh, specs, out_shardings=sharded(mesh))

    def each(fn, **how):
        how |= {"mesh": mesh, "chunk": chunk}
        matrices = range(len(MATRICES))
        return [placed(fn, P(), P(), P(DATA), matrix=matrix, **how) for matrix in matrices]

    place = partial(jax.lax.with_sharding_constraint, shardings=sharded(mesh, DATA))
    return Residual(
        begin=placed(resnet.begin, P(), **start),
        train=placed(resnet.descend, P(), P(), P(), P(), place=place, **descent),
        probe=each(spectra.quadrature, steps=lanczos),
        largest=each(spectra.largest, **largest),
        products=largest["steps"],
    )
