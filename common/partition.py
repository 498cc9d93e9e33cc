"""How one model and its batches are split over a mesh: rules as data, FSDP.

A rule is (regex on the path of a leaf, names of mesh axes for its dimensions); the first that
matches wins, as in

    RULES = (
        ("embedding", ("model", None)),
        ("attention/(query|key|value)", (None, None, "model")),
        ("", ()),  # everything else whole on every device
    )

Axes that a mesh lacks are dropped, so that the same rules hold on one device and on a pod.
"""

import re
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

ENSEMBLE, DATA, MODEL = "ensemble", "data", "model"

Rules = tuple[tuple[str, tuple[str | None, ...]], ...]


def make_mesh(data: int = -1, model: int = 1, ensemble: int = 1, *, devices: Any = None) -> Mesh:
    """An (ensemble, data, model) mesh; data=-1 takes the devices that the others leave.

    `model` varies fastest: its neighbours are the closest devices. Errors: ValueError if the axes
    do not cover the devices.
    """
    n = jax.device_count() if devices is None else len(devices)
    if data == -1 and n % (model * ensemble) == 0:
        data = n // (model * ensemble)
    shape, names = (ensemble, data, model), (ENSEMBLE, DATA, MODEL)
    if ensemble * data * model != n:
        sizes = " x ".join(f"{k}={v}" for k, v in zip(names, shape, strict=True))
        raise ValueError(f"a mesh of {sizes} does not cover {n} devices")
    return jax.make_mesh(shape, names, axis_types=(AxisType.Auto,) * 3, devices=devices)


def flat_mesh(devices: Any) -> Mesh:
    """The (data, model) mesh of sharding.make_mesh over given devices, all of them on `data`."""
    shape, names = (len(devices), 1), (DATA, MODEL)
    return jax.make_mesh(shape, names, axis_types=(AxisType.Auto,) * 2, devices=devices)


def shardings(tree: Any, mesh: Mesh, rules: Rules) -> Any:
    """The sharding of every leaf of `tree` (arrays or shapes) by the first rule that matches.

    Errors: ValueError naming the leaf that no rule matches, that has fewer dimensions than its
    rule, or whose dimension the axis does not divide.
    """

    def of(path, leaf):
        name = path_of(path)
        for pattern, spec in rules:
            if re.search(pattern, name):
                return NamedSharding(mesh, P(*_checked(name, leaf, mesh, spec)))
        raise ValueError(f"no rule for {name}; end the rules with ('', ())")

    return jax.tree_util.tree_map_with_path(of, tree)


def fsdp(tree: Any, mesh: Mesh, rules: Rules = (), *, axis: str = DATA, least: int = 2**14) -> Any:
    """Shardings by `rules`, and every leaf of `least` elements or more also split over `axis`.

    The largest dimension that is still whole and that `axis` divides is split (ZeRO, stage 3:
    parameters, gradients and optimiser state live once in all; Rajbhandari et al. 2020).
    """
    size = mesh.shape.get(axis, 1)

    def of(leaf, sharding):
        spec = [*sharding.spec, *[None] * (leaf.ndim - len(sharding.spec))]
        if axis in spec or size == 1 or np.prod(leaf.shape, dtype=float) < least:
            return sharding
        free = [i for i in range(leaf.ndim) if spec[i] is None and leaf.shape[i] % size == 0]
        if free:
            spec[max(free, key=lambda i: leaf.shape[i])] = axis
        return NamedSharding(mesh, P(*spec))

    return jax.tree.map(of, tree, shardings(tree, mesh, (*rules, ("", ()))))


def constrain(x: Any, mesh: Mesh, *spec: str | None) -> Any:
    """Inside jit: ask that every leaf of `x` be split by `spec` (axes the mesh lacks dropped)."""
    known = P(*(a if a in mesh.shape else None for a in spec))
    return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, known))


def path_of(path: Any) -> str:
    """'blocks/attention/query' of a leaf's key path."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _checked(name: str, leaf: Any, mesh: Mesh, spec: tuple) -> tuple:
    if len(spec) > leaf.ndim:
        raise ValueError(f"{name} has {leaf.ndim} dimensions, its rule {spec} more")
    for i, axis in enumerate(spec):
        if axis in mesh.shape and leaf.shape[i] % mesh.shape[axis]:
            raise ValueError(
                f"{name}: {axis}={mesh.shape[axis]} does not divide dimension {i} of {leaf.shape}"
            )
    return tuple(axis if axis in mesh.shape else None for axis in spec)
