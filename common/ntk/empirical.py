"""Empirical neural tangent kernel of any model, Theta(x, x') = J(x) J(x')^T, J = d f / d params.

Theta sums over all parameters (Jacot et al. 2018, eq. 4).  Three ways to the same numbers: the
Jacobians and one matrix product; the same with the rank-one Jacobians of dense layers left
unformed; products of the kernel with unit vectors.

Shapes: n, n' examples, O outputs, P parameters, K inputs and M outputs of a dense layer.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import shapes
from common.reals import reals
from common.sharding import DATA

from . import structure
from .jacobians import Factors, by_products, contract, jacobians, real_model, real_outputs

Tree = Any
STRIPS = 2048
METHODS = ("structured", "jacobian", "products")


class Cost(NamedTuple):
    """Operations of a whole kernel, and bytes held for one example (its Jacobian, or factors)."""

    flops: float
    bytes: int


def ntk(
    apply: Callable[[Tree, jax.Array], jax.Array],
    params: Tree,
    x1: jax.Array,
    x2: jax.Array | None = None,
    *,
    full: bool = False,
    method: str | None = None,
    memory: int = 2**30,
    mesh: Mesh | None = None,
) -> jax.Array:
    """Theta(x1, x2), x2 = x1 when None: the mean over outputs of its trace, or all of it.

    apply(params, x [n, …]) -> [n, …] treats the examples apart (no batch statistics).
    x1 [n, …], x2 [n', …] -> [n, n'], the trace over outputs divided by their number, which has the
    limit of `analytic`; full=True -> [n, n', O, O].
    method: one of METHODS; None takes the one with the fewest operations (`costs`) that fits.
    memory: bytes that the Jacobians held at one time may take; visited in blocks where they
    do not fit, the symmetric ones once.  With `mesh` the rows are split over its data axis and each
    device visits all columns of its own rows.
    Complex parameters count as two real ones each; 16-bit Jacobians are multiplied in float32.
    Errors: ValueError for an unknown method, for a memory below two examples', where there are no
    examples, outputs or parameters, or not real ones, and, outside of jit, for a kernel that is
    not finite.
    """
    if method not in (None, *METHODS):
        raise ValueError(f"method {method!r} is none of {', '.join(METHODS)}")
    _examples(x1, x2)
    apply, params = real_model(apply, params)
    table = costs(apply, params, x1, x2, full=full)
    fits = {name: c for name, c in table.items() if 2 * c.bytes <= memory} or table
    method = method or min(fits, key=lambda name: fits[name].flops)
    method = method if method in table else "jacobian"  # no dense layers: the same
    block = memory // (2 * table[method].bytes)
    if block < 1:
        need = 2 * table[method].bytes
        raise ValueError(f"two examples take {need} bytes with {method}, memory allows {memory}")
    pair = _Pair(apply, full, method)
    if mesh is None:
        kernel = _kernel(pair, block, params, x1, x2)
    else:
        kernel = _spread(pair, block, mesh, params, x1, x1 if x2 is None else x2)
    return _finite(kernel)


def ntk_vp(
    apply: Callable, params: Tree, x1: jax.Array, x2: jax.Array | None = None
) -> Callable[[jax.Array], jax.Array]:
    """The map v -> Theta(x1, x2) v, v shaped like apply(params, x2), the image like (params, x1).

    Two passes a product and no Jacobian; the model is linearised once, here.
    Errors: ValueError for outputs or a v that are not real, and for a v of another shape.
    """
    _examples(x1, x2)
    apply, params = real_model(apply, params)
    jvp = jax.linearize(lambda p: apply(p, x1), params)[1]
    other = jvp if x2 is None else jax.linearize(lambda p: apply(p, x2), params)[1]
    vjp, outputs = jax.linear_transpose(other, params), jax.eval_shape(other, params)
    for of in (outputs, jax.eval_shape(jvp, params)):
        real_outputs(of)

    def product(v):
        shapes.like("v", v, "apply(params, x2)", outputs)
        return jvp(vjp(jnp.asarray(reals("v", v), outputs.dtype))[0])

    return product


def costs(
    apply: Callable, params: Tree, x1: jax.Array, x2: jax.Array | None = None, *, full: bool = False
) -> dict[str, Cost]:
    """Operations and bytes of every method, counted from shapes: nothing is computed.

    A forward pass of one example costs F; its Jacobian F + O (F for the signals + F for the
    parameters met), a product with the Jacobians of another example 2 F a tangent.
    """
    _examples(x1, x2)
    apply, params = real_model(apply, params)
    one = jax.ShapeDtypeStruct((1, *x1.shape[1:]), x1.dtype)
    shapes.check("apply(params, x) of one example", jax.eval_shape(apply, params, one), "1 ...")
    layers = structure.dense_layers(apply, params, one)
    program = jax.make_jaxpr(apply)(params, one)
    forward, outputs = structure.flops(program.jaxpr), program.out_avals[0].size
    real_outputs(program.out_avals[0])
    leaves = jax.tree.leaves(params)
    itemsize = max(a.dtype.itemsize for a in leaves)
    n = len(x1)
    pairs = n * (n + 1) / 2 if x2 is None else n * len(x2)
    visits = n if x2 is None else n + len(x2)
    times = outputs**2 if full else outputs

    def counted(dense):
        held = {layer.leaf for layer in dense}
        rest = sum(a.size for i, a in enumerate(leaves) if i not in held)
        sizes = [(layer.inputs, leaves[layer.leaf].size // layer.inputs) for layer in dense]
        product = 2 * times * (rest + sum(m for _, m in sizes)) + 2 * sum(k for k, _ in sizes)
        jacobian = forward + outputs * (2 * forward - 2 * sum(k * m for k, m in sizes))
        stored = outputs * (rest + sum(m for _, m in sizes)) + sum(k for k, _ in sizes)
        return Cost(visits * jacobian + pairs * product, stored * itemsize)

    plain = counted([])
    columns = n if x2 is None else len(x2)
    products = columns * (forward + 2 * outputs * forward) + pairs * outputs * 2 * forward
    table = {"structured": counted(layers)} if layers else {}
    return table | {"jacobian": plain, "products": Cost(products, plain.bytes)}


def _examples(x1, x2) -> None:
    """Examples lead, and are alike.  Errors: ValueError."""
    shapes.check("x1", x1, "n ...")
    for name, x in (("x1", x1), ("x2", x2)):
        if x is not None and np.ndim(x) and not len(x):
            raise ValueError(f"{name} has no examples")
    if x2 is not None:
        shapes.check("x2", x2, " ".join(["m", *map(str, x1.shape[1:])]))


class _Pair(NamedTuple):
    """The kernel of two blocks of examples from what `held` keeps of each."""

    apply: Callable
    full: bool
    method: str

    def held(self, params, x) -> tuple[Factors, jax.Array]:
        dense = self.method == "structured"
        return jacobians(self.apply, params, x, dense=dense), x

    def cross(self, params, rows, columns) -> jax.Array:
        if self.method == "products":
            return by_products(self.apply, params, rows[1], columns[0], self.full)
        return contract(rows[0], columns[0], full=self.full)


def _kernel(pair: _Pair, block: int, params, x1, x2) -> jax.Array:
    """The whole kernel: all Jacobians at once where they fit, else blocks of rows and columns."""
    n, columns = len(x1), len(x1) if x2 is None else len(x2)
    if n + columns <= 2 * block or (x2 is None and n <= 2 * block):
        rows = pair.held(params, x1)
        if x2 is not None:
            return pair.cross(params, rows, pair.held(params, x2))
        return _upper(pair, params, rows, n)
    block = min(block, max(n, columns))
    row_blocks = _blocks(x1, min(block, n))
    column_blocks = row_blocks if x2 is None else _blocks(x2, min(block, columns))
    shapes = jax.eval_shape(pair.held, params, row_blocks[0])
    others = jax.eval_shape(pair.held, params, column_blocks[0])
    empty = jax.eval_shape(pair.cross, params, shapes, others)

    def visit_row(i):
        rows = pair.held(params, row_blocks[i])

        def compute(j):
            return pair.cross(params, rows, pair.held(params, column_blocks[j]))

        def visit(j):
            if x2 is not None:
                return compute(j)
            skip = lambda j: jnp.zeros(empty.shape, empty.dtype)  # noqa: E731
            return jax.lax.cond(j >= i, compute, skip, j)

        return jax.lax.map(visit, jnp.arange(len(column_blocks)))

    parts = jax.lax.map(visit_row, jnp.arange(len(row_blocks)))
    kernel = jnp.swapaxes(parts, 1, 2)
    kernel = kernel.reshape(
        kernel.shape[0] * kernel.shape[1], kernel.shape[2] * kernel.shape[3], *kernel.shape[4:]
    )[:n, :columns]
    return kernel if x2 is not None else _mirrored(kernel)


def _upper(pair: _Pair, params, held, n: int) -> jax.Array:
    """The symmetric kernel of examples held at once: strips of rows, each from its diagonal on."""
    outputs = (held[0].signals + held[0].rest)[0].shape[1]
    uses = n * (outputs if pair.full else 1)  # of every number held: few do not repay the copies
    step = -(-n // (4 if uses >= STRIPS else 1))
    strips = []
    for start in range(0, n, step):
        part = jax.tree.map(lambda a, s=start: a[s : s + step], held)
        strip = pair.cross(params, part, jax.tree.map(lambda a, s=start: a[s:], held))
        strips.append(jnp.pad(strip, [(0, 0), (start, 0)] + [(0, 0)] * (strip.ndim - 2)))
    return _mirrored(jnp.concatenate(strips))


def _mirrored(kernel: jax.Array) -> jax.Array:
    """The upper triangle, reflected: Theta(x', x) = Theta(x, x')^T."""
    turned = kernel.swapaxes(0, 1)
    turned = turned if kernel.ndim == 2 else turned.swapaxes(2, 3)
    i = jnp.arange(len(kernel))
    upper = (i[:, None] <= i).reshape(len(i), len(i), *[1] * (kernel.ndim - 2))
    return jnp.where(upper, kernel, turned)


def _blocks(x: jax.Array, size: int) -> jax.Array:
    """[n, …] -> [blocks, size, …], filled up with copies of the last example."""
    return _padded(x, size).reshape(-1, size, *x.shape[1:])


def _padded(x: jax.Array, multiple: int) -> jax.Array:
    short = -len(x) % multiple
    return jnp.concatenate([x, jnp.repeat(x[-1:], short, axis=0)]) if short else x


def _spread(pair: _Pair, block: int, mesh: Mesh, params, x1, x2) -> jax.Array:
    """Rows split over the data axis; every device holds the params and all columns."""
    local = partial(_kernel, pair, block)
    split = jax.shard_map(
        local, mesh=mesh, in_specs=(P(), P(DATA), P()), out_specs=P(DATA), check_vma=False
    )
    return split(params, _padded(x1, mesh.shape[DATA]), x2)[: len(x1)]


def _finite(kernel: jax.Array) -> jax.Array:
    """The kernel, if it is finite or not known yet.  Errors: ValueError naming an example."""
    if isinstance(kernel, jax.core.Tracer):
        return kernel
    bad = ~jnp.isfinite(kernel)
    if bad.any():
        rows, columns = (bad.sum(tuple(i for i in range(bad.ndim) if i != k)) for k in (0, 1))
        where = f"most of all in row {rows.argmax()} and column {columns.argmax()}"
        why = "x1, x2 or params are not finite, the outputs overflow or have no derivative there"
        raise ValueError(f"the kernel is not finite, {where}: {why}")
    return kernel
