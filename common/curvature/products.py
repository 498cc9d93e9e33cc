"""Curvature-vector products of a loss, as linear maps on the parameter pytree.

Hessian              H = G + R
Gauss-Newton         G = J^T (d2 criterion / d outputs2) J,  J = d outputs / d params
empirical Fisher     F = (1/B) sum_i g_i g_i^T,  g_i the gradient of the loss of example i
gradient covariance  C = (1/B) sum_i (g_i - g)(g_i - g)^T,  g their mean
R carries the criterion's slope and the model's curvature.  The Monte-Carlo Fisher is F with targets
drawn from the model; its mean is G where criterion is the log-likelihood of an exponential family.

Shapes: P parameters in all, B examples of the batch (leading axis of every leaf of `batch`).
`chunk` visits so many examples at a time: memory of one chunk, but each call repeats the forward
pass.  The loss is then a mean over the batch (`summed`: a sum over it).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as Spec

from common import shapes
from common.curvature.estimate import dot
from common.reals import at_least, reals

Tree = Any
Matvec = Callable[[Tree], Tree]


def hvp(
    loss: Callable[[Tree, Tree], jax.Array],
    params: Tree,
    batch: Tree,
    *,
    chunk: int | None = None,
    summed: bool = False,
) -> Matvec:
    """The map v -> H v, H the Hessian of loss(., batch) at params.

    v and H v are pytrees like params; exact up to rounding.  The gradient is linearised once, here,
    and every call reuses it: build the map inside the jitted function that loops over calls.
    Pearlmutter 1994.
    """
    refuse_unreal(params)
    grad = jax.grad(loss)
    if chunk is None:
        return jax.linearize(lambda p: grad(p, batch), params)[1]
    return lambda v: over_chunks(
        lambda part: jax.jvp(lambda p: grad(p, part), (params,), (v,))[1], batch, chunk, summed
    )


def ggn_vp(
    model: Callable[[Tree, Tree], Tree],
    criterion: Callable[[Tree, Tree], jax.Array],
    params: Tree,
    batch: Tree,
    *,
    chunk: int | None = None,
    summed: bool = False,
) -> Matvec:
    """The map v -> G v, G the generalised Gauss-Newton matrix of criterion(model(., batch), batch).

    model(params, batch) -> outputs (any pytree), criterion(outputs, batch) -> scalar; v and G v are
    pytrees like params.  G is positive semidefinite where criterion is convex in the outputs.
    Schraudolph 2002, eq. 7.
    """
    refuse_unreal(params)
    build = partial(_ggn, model, criterion, params)
    if chunk is None:
        return build(batch)
    return lambda v: over_chunks(lambda part: build(part)(v), batch, chunk, summed)


def fisher_vp(
    losses: Callable[[Tree, Tree], jax.Array],
    params: Tree,
    batch: Tree,
    *,
    chunk: int | None = None,
    centred: bool = False,
) -> Matvec:
    """The map v -> F v (centred: C v) of losses(params, batch) -> [B], one an example, no mean.

    One product with J and one with J^T, J = d losses / d params [B, P], which is never formed.
    Kunstner, Hennig & Balles 2019, eq. 3 (and on what F is not).  Errors: ValueError for losses of
    another shape.
    """
    refuse_unreal(params)
    found, size = jax.eval_shape(losses, params, batch).shape, examples(batch)
    if found != (size,):
        raise ValueError(f"losses(params, batch) must have shape ({size},), not {found}")
    return _fisher(losses, params, batch, chunk, centred)


def _fisher(losses, params: Tree, batch: Tree, chunk: int | None, centred: bool) -> Matvec:
    """`fisher_vp` of losses [B, ...], each with its own gradient."""

    def build(part):
        values, jvp = jax.linearize(lambda p: losses(p, part), params)
        vjp = jax.linear_transpose(jvp, params)

        def product(v, offset):
            slopes = jvp(v) - offset
            return vjp(slopes / values.size)[0], slopes.mean()

        return product

    def slope(part):
        return jax.grad(lambda p: losses(p, part).mean())(params)

    whole = build(batch) if chunk is None else None
    mean = over_chunks(slope, batch, chunk) if centred else None

    def product(v):
        offset = 0.0 if mean is None else _inner(mean, v)
        if whole is not None:
            image, left = whole(v, offset)
        else:
            image, left = over_chunks(lambda part: build(part)(v, offset), batch, chunk)
        if mean is None:
            return image
        # sum_i g_i ((g_i - g)^T v) / B = C v, but for the rounding of g: `left`, not quite zero
        return jax.tree.map(lambda i, m: i - left * m, image, mean)

    return product


def mc_fisher_vp(
    key: jax.Array,
    model: Callable[[Tree, Tree], Tree],
    sample: Callable[[jax.Array, Tree], Tree],
    losses: Callable[[Tree, Tree], jax.Array],
    params: Tree,
    batch: Tree,
    *,
    draws: int = 1,
    chunk: int | None = None,
) -> Matvec:
    """The map v -> F v with `draws` targets an example drawn from the model.

    sample(key, outputs) -> targets with axis [B], losses(outputs, targets) -> [B] negative
    log-likelihoods.  The draws are made here, once, from one pass over the whole batch: every call
    is a product with the same matrix.
    """
    refuse_unreal(params)
    at_least(1, draws=draws)
    outputs = model(params, batch)
    keys = jax.random.split(key, draws)
    targets = jax.vmap(lambda k: sample(k, outputs), out_axes=1)(keys)  # [B, draws, ...]

    def of(p, part):
        batch, targets = part
        return jax.vmap(losses, (None, 1), 1)(model(p, batch), targets)

    return _fisher(of, params, (batch, targets), chunk, False)


def _ggn(model, criterion, params: Tree, batch: Tree) -> Matvec:
    outputs, jvp = jax.linearize(lambda p: model(p, batch), params)
    vjp = jax.linear_transpose(jvp, params)
    curvature = jax.linearize(jax.grad(lambda out: criterion(out, batch)), outputs)[1]
    return lambda v: vjp(curvature(jvp(v)))[0]


def flat(matvec: Matvec, params: Tree, *, dtype=None) -> tuple[Callable, int, Callable]:
    """A map on pytrees as a map on vectors: (matvec [P] -> [P], P, unravel [P] -> pytree).

    With `dtype` the vectors have it while the product is computed in the precision of params:
    float64 Krylov methods on float32 products.
    """
    refuse_unreal(params)
    vector, unravel = ravel_pytree(params)

    def product(v):
        shapes.check("v", v, "P", {"P": vector.size})
        if not jnp.issubdtype(v.dtype, jnp.floating):
            raise ValueError(f"v must hold real floating-point numbers, not {v.dtype}")
        return ravel_pytree(matvec(unravel(v.astype(vector.dtype))))[0].astype(dtype or v.dtype)

    return product, vector.size, unravel


def select(params: Tree, keep: Callable[[str], bool]) -> tuple[dict[str, Any], Callable]:
    """The leaves of params whose path satisfies `keep`, and the map from such leaves to params.

    Restricts curvature to a layer: part, whole = select(params, lambda path: "dense1" in path),
    then hvp(lambda p, batch: loss(whole(p), batch), part, batch).  Paths read like
    "params/dense1/bias".
    Errors: ValueError where nothing is kept.
    """
    leaves, treedef = jax.tree_util.tree_flatten_with_path(params)
    named = {jax.tree_util.keystr(path, simple=True, separator="/"): x for path, x in leaves}
    if len(named) < len(leaves):
        raise ValueError(f"two leaves of params share a path: {', '.join(named)}")
    part = {name: x for name, x in named.items() if keep(name)}
    if not part:
        raise ValueError(f"no leaf of params is selected; their paths are {', '.join(named)}")
    return part, lambda p: jax.tree.unflatten(treedef, [p.get(n, x) for n, x in named.items()])


def restrict(matvec: Callable, basis: jax.Array) -> Callable:
    """The map c -> U A U^T c on the span of the rows of U = basis [k, P]: [k] -> [k]."""
    basis = jnp.asarray(reals("basis", basis))
    sizes = shapes.check("basis", basis, "k P")

    def product(c):
        shapes.check("c", c, "k", sizes)
        return dot(basis, matvec(dot(c, basis)))

    return product


def over_mesh(
    mesh: Mesh, product: Callable, params: Tree, batch: Tree, *, axis: str = "data"
) -> Matvec:
    """The map v -> mean over devices of product(params, part)(v), the examples split over `axis`.

    product(params, part) -> matvec is a mean over its examples, such as
    lambda p, part: hvp(loss, p, part, chunk=64).  Without chunks this is not needed: under jit
    the compiler splits hvp(loss, params, batch) where the batch is placed split.  params and v are
    replicated.  Errors: ValueError where the devices do not divide the examples (their means would
    differ).
    """
    if axis not in mesh.shape:
        raise ValueError(f"axis must be one of the mesh, {tuple(mesh.shape)}, not {axis!r}")
    size, shards = examples(batch), mesh.shape[axis]
    if size % shards:
        raise ValueError(f"{size} examples do not split over {shards} devices")

    def part_of(params, part, v):
        return jax.lax.pmean(product(params, part)(v), axis)

    spread = jax.shard_map(
        part_of, mesh=mesh, in_specs=(Spec(), Spec(axis), Spec()), out_specs=Spec(), check_vma=False
    )
    return lambda v: spread(params, batch, v)


def refuse_unreal(params: Tree) -> None:
    """Errors: ValueError for parameters that are not real floating-point numbers.

    The curvature of a real loss in complex parameters is no complex-linear map.
    """
    for path, x in jax.tree_util.tree_leaves_with_path(params):
        dtype = jnp.result_type(x)
        if not jnp.issubdtype(dtype, jnp.floating):
            name = "params" + jax.tree_util.keystr(path)
            raise ValueError(f"{name} must hold real floating-point numbers, not {dtype}")


def examples(batch: Tree) -> int:
    """The number of examples.  Errors: ValueError where leaves disagree on it, or it is 0."""
    sizes = {jnp.shape(a)[:1] for a in jax.tree.leaves(batch)}
    if len(sizes) != 1 or sizes == {()}:
        raise ValueError(
            "every leaf of the batch needs the same leading axis, of examples, not "
            f"{sorted(sizes) or 'nothing'}: close over what is no example"
        )
    size = sizes.pop()[0]
    if not size:
        raise ValueError("the batch has no examples")
    return size


def _inner(a: Tree, b: Tree) -> jax.Array:
    return jax.tree.reduce(jnp.add, jax.tree.map(partial(jnp.vdot, precision="highest"), a, b))


def over_chunks(
    fn: Callable[[Tree], Tree], batch: Tree, chunk: int | None, summed: bool = False
) -> Tree:
    """fn over the examples, `chunk` at a time: the mean of its means, or the sum of its sums."""
    if chunk is None:
        return fn(batch)
    at_least(1, chunk=chunk)
    size = examples(batch)
    whole = size - size % chunk
    total = None
    if whole:
        parts = jax.tree.map(lambda a: a[:whole].reshape(-1, chunk, *a.shape[1:]), batch)
        shape = jax.eval_shape(fn, jax.tree.map(lambda a: a[0], parts))
        # many parts of 16-bit numbers are added up in 32
        zero = jax.tree.map(
            lambda s: jnp.zeros(s.shape, jnp.promote_types(s.dtype, jnp.float32)), shape
        )
        total, _ = jax.lax.scan(
            lambda acc, part: (jax.tree.map(lambda a, b: a + b, acc, fn(part)), None), zero, parts
        )
        weight = 1 if summed else chunk / size
        total = jax.tree.map(lambda a, s: (a * weight).astype(s.dtype), total, shape)
    if whole < size:  # the last, shorter part counts by its length
        weight = 1 if summed else (size - whole) / size
        rest = jax.tree.map(lambda a: a * weight, fn(jax.tree.map(lambda a: a[whole:], batch)))
        total = rest if total is None else jax.tree.map(jnp.add, total, rest)
    return total
