"""Meshes and placement: the only module that names axis types and shardings.

Scale is a mesh, never a branch: the same code runs on one CPU device, on forced host devices,
on several processes and on a pod.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from common.programs import Program

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


class Placed:
    """A jitted function and the places of its arguments on a mesh.

    A run calls it with arrays, `program` describes the same call by shapes: what is planned is
    what runs. `specs`: of every argument of `fn`, a PartitionSpec for all its leaves, or a tree of
    shardings. `arrange` makes the arguments of `fn` from those of a call, and says what `restore`
    needs to undo it in the result.
    """

    def __init__(
        self,
        fn: Callable,
        mesh: Mesh,
        specs: tuple,
        *,
        arrange: Callable = lambda *args: (args, None),
        restore: Callable = lambda out, _: out,
        **options: Any,
    ) -> None:
        self.jitted, self.name = jax.jit(fn, **options), _name(fn)
        self._arrange, self._restore = arrange, restore
        self._shardings = [NamedSharding(mesh, s) if isinstance(s, P) else s for s in specs]

    def __call__(self, *args: Any) -> Any:
        args, undo = self._arrange(*args)
        return self._restore(self.jitted(*self._each(_place, args)), undo)

    def program(self, name: str, *args: Any, calls: int, trips: float = 1.0) -> Program:
        """This function, called `calls` times in a whole run on arguments of these shapes.

        args: as in a call, arrays or jax.ShapeDtypeStructs. trips: see Program.
        """
        shapes = jax.eval_shape(lambda *a: self._arrange(*a)[0], *args)
        return Program(name, self.jitted, self._each(_abstract, shapes), calls, trips)

    def _each(self, place: Callable, args: tuple) -> tuple:
        def of(arg, sharding):
            if isinstance(sharding, NamedSharding):
                return jax.tree.map(lambda x: place(x, sharding), arg)
            return jax.tree.map(place, arg, sharding)

        return tuple(of(*pair) for pair in zip(args, self._shardings, strict=True))


def vmap_over(
    mesh: Mesh,
    fn: Callable,
    *,
    axis: str = DATA,
    shared: tuple[int, ...] = (),
    at_once: int | None = None,
) -> Placed:
    """`fn` on every element of a leading axis, the elements split over `axis` of the mesh.

    The result takes pytrees of arrays [S, …] and returns pytrees [S, …]; a length that the mesh
    does not divide is padded with copies of the last element, dropped again. `shared`: positions
    of the arguments that all elements get whole (what never changes is closed over instead).
    at_once: how many elements a device computes side by side, the rest take turns; by default all.
    The elements never communicate, so each has the result it has alone (to rounding: the local
    batch size may choose another kernel).
    """

    def arrange(*args):
        elements = tuple(a for i, a in enumerate(args) if i not in shared)
        size = jax.tree.leaves(elements)[0].shape[0]
        padded = _padded(elements, mesh.shape[axis] * (at_once or 1))
        return (padded, tuple(args[i] for i in shared)), size

    def restore(out, size):
        return jax.tree.map(lambda y: y[:size] if y.shape[0] > size else y, out)

    spread, specs = _spread(mesh, fn, axis, shared, at_once), (P(axis), P())
    return Placed(spread, mesh, specs, arrange=arrange, restore=restore)


def grid(mesh: Mesh, fn: Callable, *, axis: str = DATA, at_once: int | None = None) -> Placed:
    """`fn` on every combination of its arguments' elements, split over `axis` of the mesh.

    The result takes pytrees of arrays [A, …], [B, …], … and returns pytrees [A, B, …]; as
    `vmap_over` for the rest.
    """

    @jax.jit
    def combined(args):
        places = np.indices(_sizes(args)).reshape(len(args), -1)
        each = zip(args, places, strict=True)
        members = tuple(jax.tree.map(lambda x, at=at: x[at], a) for a, at in each)
        return _padded(members, mesh.shape[axis] * (at_once or 1))

    def arrange(*args):
        return (combined(args), ()), _sizes(args)

    @partial(jax.jit, static_argnums=1)
    def restore(out, sizes):
        many = math.prod(sizes)
        return jax.tree.map(lambda y: y[:many].reshape(*sizes, *y.shape[1:]), out)

    spread, specs = _spread(mesh, fn, axis, (), at_once), (P(axis), P())
    return Placed(spread, mesh, specs, arrange=arrange, restore=restore)


def _spread(mesh: Mesh, fn: Callable, axis: str, shared: tuple, at_once: int | None) -> Callable:
    """(elements, shared arguments) -> results, every device its own elements."""

    def local(elements, whole):
        def one(element):
            args = list(element)
            for position, arg in zip(shared, whole, strict=True):
                args.insert(position, arg)
            return fn(*args)

        if at_once is None:
            return jax.vmap(one)(elements)
        return jax.lax.map(one, elements, batch_size=at_once if at_once > 1 else None)

    local.__name__ = _name(fn)
    # check_vma=False: scans whose carry starts as a constant would need a cast in every experiment
    return jax.shard_map(
        local, mesh=mesh, in_specs=(P(axis), P()), out_specs=P(axis), check_vma=False
    )


def _sizes(args: tuple) -> tuple[int, ...]:
    """The leading length of every argument."""
    return tuple(jax.tree.leaves(a)[0].shape[0] for a in args)


def _padded(tree: Any, multiple: int) -> Any:
    def pad(x):
        short = -x.shape[0] % multiple
        return jnp.concatenate([x, jnp.repeat(x[-1:], short, axis=0)]) if short else x

    return jax.tree.map(pad, tree)


def _place(x: Any, sharding: NamedSharding) -> Any:
    """On its place before the call: else a loop's first call, from the host, compiles apart."""
    if isinstance(x, jax.core.Tracer) or not isinstance(x, jax.Array | np.ndarray):
        return x
    if jax.process_count() > 1:  # left to jit, which takes the same host array on every process
        return x
    return jax.device_put(x, sharding)


def _abstract(x: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding, weak_type=x.weak_type)


def _name(fn: Any) -> str:
    while isinstance(fn, partial):
        fn = fn.func
    return getattr(fn, "__name__", type(fn).__name__)
