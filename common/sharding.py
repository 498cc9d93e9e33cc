"""Meshes and placement: the only module that names axis types and shardings.

Scale is a mesh, never a branch: the same code runs on one CPU device, on forced host devices,
on several processes and on a pod.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

DATA, MODEL = "data", "model"


def make_mesh(data: int = -1, model: int = 1) -> Mesh:
    """A (data, model) mesh over all devices; data=-1 takes what `model` leaves.

    Errors: ValueError if data * model is not the number of devices.
    """
    n = jax.device_count()
    if data == -1 and n % model == 0:
        data = n // model
    if data * model != n:
        raise ValueError(f"a mesh of data={data} x model={model} does not cover {n} devices")
    return jax.make_mesh((data, model), (DATA, MODEL), axis_types=(AxisType.Auto,) * 2)


def sharded(mesh: Mesh, *spec: str | None) -> NamedSharding:
    """The sharding that splits axis i of an array over mesh axis spec[i] (none: replicated)."""
    return NamedSharding(mesh, P(*spec))


def put(tree: Any, mesh: Mesh, *spec: str | None) -> Any:
    """Place host arrays, each leaf split by `spec`; every process gives the whole array."""
    sharding = sharded(mesh, *spec)

    def place(x):
        x = np.asarray(x)
        return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])

    return jax.tree.map(place, tree)


def gather(tree: Any) -> Any:
    """Device arrays -> NumPy arrays, whole on every process."""

    def fetch(x):
        if isinstance(x, jax.Array) and not x.is_fully_addressable:
            from jax.experimental import multihost_utils

            return np.asarray(multihost_utils.process_allgather(x, tiled=True))
        return np.asarray(x)

    return jax.tree.map(fetch, tree)


def vmap_over(mesh: Mesh, fn: Callable, *, axis: str = DATA) -> Callable:
    """`fn` on every element of a leading axis, the elements split over `axis` of the mesh.

    The returned function takes pytrees of arrays [S, …] and returns pytrees [S, …], jitted; a
    length that the mesh does not divide is padded with copies of the last element, dropped again.
    Close over what all elements share. The elements never communicate, so each has the result
    it has alone (to rounding: the local batch size may choose another kernel).
    """
    shards = mesh.shape[axis]
    # check_vma=False: scans whose carry starts as a constant would need a cast in every experiment
    spread = partial(jax.shard_map, mesh=mesh, in_specs=P(axis), out_specs=P(axis), check_vma=False)
    mapped = jax.jit(spread(jax.vmap(fn)))

    def pad(x):
        short = -x.shape[0] % shards
        return jnp.concatenate([x, jnp.repeat(x[-1:], short, axis=0)]) if short else x

    def call(*args):
        size = jax.tree.leaves(args)[0].shape[0]
        return jax.tree.map(lambda y: y[:size], mapped(*jax.tree.map(pad, args)))

    call.jitted = mapped  # type: ignore[attr-defined]  # for `lower` on arrays already padded
    return call
