"""H = G + R at a point: columns of H, leading eigenspaces of H, of G and of R, large networks.

G = 1/N sum_i J_i^T (d2 l / d f2) J_i, R = 1/N sum_i sum_c (d l / d f_c) d2 f_c (section 3).

F = 1/N sum_i g_i g_i^T, g_i the gradient of example i, to which the outliers are compared.

Shapes: B points, M parameters, k eigenvalues.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from common import loops
from common.curvature.lanczos import eigsh
from common.curvature.products import fisher_vp, flat, ggn_vp, hvp, over_mesh
from common.curvature.slq import density, slq
from common.sharding import DATA, Placed, sharded, vmap_over

from . import model, resnet

GRID = 801  # where densities are drawn
SPLITS = 64  # the length of a large network's vectors is a multiple: that many devices divide it


def hessian_column(params, batch, i):
    """Column i of H at B points, one after the other: the columns at work stay in the cache.

    params, batch [B] -> [B, M]
    """

    def column(at):
        matvec, size, _ = flat(hvp(model.loss, *at), at[0])
        return matvec(jnp.zeros(size).at[i].set(1))

    return jax.lax.map(column, (params, batch))


def eigenvalues(matrix):
    """Ascending, of the symmetric part.  [M, M] -> [M]"""
    return jnp.linalg.eigvalsh((matrix + matrix.T) / 2)


def exact(mesh, chunk):
    """Placed: (params, batch), each [B] -> eigenvalues of H [B, M], its columns split over mesh."""
    columns = vmap_over(mesh, hessian_column, shared=(0, 1), at_once=chunk)
    each = vmap_over(mesh, eigenvalues)

    def spectra(params, batch):
        size = sum(a[0].size for a in jax.tree.leaves(params))
        return each(columns(params, batch, jnp.arange(size)).swapaxes(0, 1))

    return Placed(spectra, mesh, (PartitionSpec(), PartitionSpec()))


def both_ends(looks, names):
    """Arrays of every width, of the start and the end in turn, as arrays of all.

    looks: dicts of arrays [S, …] -> those of names: parameters [W], eigenvalues
    [S, 2, sum of M], others [W, S, 2, …]
    """
    pairs = [loops.stack(looks[i : i + 2], axis=1) for i in range(0, len(looks), 2)]
    values = [pair.pop("eigenvalues") for pair in pairs]
    found = loops.stack(pairs) | {
        "parameters": np.array([value.shape[-1] for value in values]),
        "eigenvalues": coarse(np.concatenate(values, axis=-1)),
    }
    return {name: found[name] for name in names}


def coarse(values):
    """To 8 significant bits, 0.4 %, as float32: what is drawn and counted takes a third of the
    bytes."""
    digits, exponent = np.frexp(values)
    return np.ldexp(np.round(digits * 256) / 256, exponent).astype(np.float32)


def outer(values, most):
    """Eigenvalues that decide how many are outliers, for up to `most` classes.

    The 3 K largest, and of the rest both ends: the 95th percentile of |bulk| lies there.
    values [..., M], ascending -> [..., n]
    """
    size = values.shape[-1]
    low = size // 20 + 2  # a twentieth, and one more for the interpolation
    middle = slice(low, max(low, size - low - 3 * most))
    return np.delete(values, middle, axis=-1)


def drawn(nodes, weights):
    """The density of a spectrum seen by probes.  [probe, step] -> dict of at, density [GRID]"""
    grid = np.linspace(min(nodes.min(), 0), nodes.max(), GRID)
    return {"at": grid, "density": np.asarray(density(nodes, weights, grid=grid).estimate)}


def leading(key, params, batch, *, k, space, steps):
    """How far H and G agree, by Lanczos.  -> dict of arrays

    top_h, top_g [k]: largest eigenvalues; overlap []: |U_H^T U_G|_F^2 / space of the top `space`
    eigenvectors of each, 1 when they span the same space and about space / M when unrelated;
    rest []: largest |eigenvalue| of R; residual []: worst residual of those `space` over lambda_1.
    """
    hessian, size, _ = flat(hvp(model.loss, params, batch), params)
    gauss, _, _ = flat(ggn_vp(model.outputs, model.cross_entropy, params, batch), params)

    def top(weights):
        a, b = weights
        return eigsh(key, lambda v: a * hessian(v) + b * gauss(v), size, steps=steps, k=k)

    # H, G, R and -R in one loop: four programs would take longer to compile than to run
    found = jax.lax.map(top, jnp.array([[1, 0], [0, 1], [1, -1], [-1, 1.0]]))
    values, vectors, residuals = found.values, found.vectors, found.residuals
    return {
        "top_h": values[0],
        "top_g": values[1],
        "overlap": jnp.sum((vectors[0, :space] @ vectors[1, :space].T) ** 2) / space,
        "rest": values[2:, 0].max(),
        "residual": residuals[:2, :space].max() / values[0, 0],
    }


def matrices(outputs, *, chunk):
    """(params, batch) -> v -> product, for each of H, G and F of the cross-entropy of `outputs`."""

    def losses(params, batch):
        return model.cross_entropies(outputs(params, batch), batch)

    def loss(params, batch):
        return losses(params, batch).mean()

    return (
        lambda params, batch: hvp(loss, params, batch, chunk=chunk),
        lambda params, batch: ggn_vp(outputs, model.cross_entropy, params, batch, chunk=chunk),
        lambda params, batch: fisher_vp(losses, params, batch, chunk=chunk),
    )


def quadrature(key, params, batch, *, mesh, matrix, chunk, steps):
    """The spectrum that one random vector sees.  -> dict of nodes, weights [step]"""
    matvec, size, how = spread(mesh, matrix, params, batch, chunk=chunk)
    found = slq(key, matvec, size, steps=steps, probes=1, **how)
    return {"nodes": found.nodes[0], "weights": found.weights[0]}


def largest(key, params, batch, *, mesh, matrix, chunk, **options):
    """Largest eigenvalues, by `eigsh` with its options.  -> dict of top, residual [k]"""
    matvec, size, how = spread(mesh, matrix, params, batch, chunk=chunk)
    found = eigsh(key, matvec, size, **options, **how)
    return {"top": found.values, "residual": found.residuals}


def spread(mesh, matrix, params, batch, *, chunk):
    """H (0), G (1) or F (2) of a residual network, the examples of `batch` split over the mesh.

    -> (v -> product, length of v, where vectors lie and their dtype).  Vectors are longer than M by
    less than SPLITS, whatever the mesh: so many zeros join the spectrum, the numbers do not depend
    on the devices, and a basis can be split along its vectors.
    """
    build = matrices(resnet.outputs, chunk=chunk)[matrix]
    matvec, size, _ = flat(over_mesh(mesh, build, params, batch), params)
    spare, how = -size % SPLITS, {"dtype": params["head"]["bias"].dtype}
    how["sharding"] = sharded(mesh, DATA)
    return lambda v: jnp.pad(matvec(v[:size]), (0, spare)), size + spare, how
