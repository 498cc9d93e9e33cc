"""Single vectors, the kernel, sums of more and more particles, and two ways to the same format."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import chebyshev, grids, kernel, tucker


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Errors are largest differences on a slice over its largest value.

    t [K]; vector [seed, points, K]: error of exp(-t^2 (x - p)^2) on cfg.line points of the line
    coefficient [largest points, shown]: of exp(-t^2 x^2), sizes
    newton [seed, kernel_points, 2]: 1/r cut to its long range, and whole, by RHOSVD
    size [N]; inside, outside [seed, N, 3, m]: singular values of the coefficient tensor of N
        particles and of its values on a grid
    field [seed, field_points, 3]: errors without cut, at cfg.tol, at cfg.loose; cut [seed,
        field_points]: at cfg.field_tol
    picture [3, x, y]: values, difference without cut, at cfg.loose; first seed, most points, every
        other point of the slice
    algorithm [seed, 2]: errors of HOSVD of the full tensor, and of RHOSVD
    algorithm_ranks [seed, 2, 3]
    points, kernel_points, field_points, short_t, long_t, tol, loose, shown, algorithm_points: of
        cfg; columns []: R of the two algorithms
    """
    named = ("points", "kernel_points", "field_points", "short_t", "long_t", "tol", "loose")
    found = {name: np.array(cfg[name]) for name in (*named, "shown", "algorithm_points")}
    found |= {"t": rule(cfg)[0], "size": cfg.block * 2 ** np.arange(cfg.doublings + 1)}
    found["columns"] = np.array(cfg.algorithm_field * len(few(cfg)[0]))
    draw = drawn(cfg)
    for fn, arrays in PARTS.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(fn.__name__, partial(of_seeds, cfg, mesh, fn, draw))
    if scratch.wants("coefficient"):
        found["coefficient"] = coefficients(cfg)
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def of_seeds(cfg, mesh: Mesh, fn, draw) -> dict[str, np.ndarray]:
    """A part of every seed, one after the other on each device."""
    found = sharding.gather(sharding.vmap_over(mesh, partial(fn, cfg), at_once=1)(draw))
    if "picture" in found:
        found["picture"] = found["picture"][0, :, ::2, ::2].astype(np.float32)
    return found


def drawn(cfg) -> dict[str, np.ndarray]:
    """Uniform in [-1, 1]: name -> [seed, ...].  Charges are the signs of theirs."""
    most = max(cfg.block * 2**cfg.doublings, cfg.field, cfg.algorithm_field)
    shapes = {"centre": (3,), "place": (most, 3), "charge": (most,)}
    draw = keys.draws(keys.split(cfg.seeds, tuple(shapes)), shapes, keys.uniform)
    return {name: 2 * x - 1 for name, x in draw.items()}


def rule(cfg) -> tuple[np.ndarray, np.ndarray]:
    """t and w of the Newton kernel."""
    return kernel.quadrature(cfg.terms, cfg.step)


def few(cfg) -> tuple[np.ndarray, np.ndarray]:
    """t and w of the long range of many particles."""
    t, w = kernel.quadrature(cfg.terms, cfg.many_step)
    return t[t < cfg.many_t], w[t < cfg.many_t]


def centred(cfg, draw):
    """The centre of the kernel.  -> [3, 1]"""
    return cfg.centre + cfg.shift * draw["centre"][:, None]


def vectors(cfg, draw) -> dict:
    """One Gaussian of the kernel on every number of points, its largest value being 1."""
    x, (t, _), centre = grids.line(cfg.line), rule(cfg), centred(cfg, draw)[0]
    most = max(cfg.points)
    truth, basis = kernel.gaussians(x, centre, t), chebyshev.polynomials(x, most)

    def error(m):
        return abs(basis @ grids.padded(m, most, centre, t) - truth).max(axis=0)

    return {"vector": jnp.stack([error(m) for m in cfg.points])}


def coefficients(cfg) -> np.ndarray:
    """Of exp(-t^2 x^2), their sizes."""
    most = max(cfg.points)
    return abs(np.asarray(grids.padded(most, most, np.zeros(1), np.array(cfg.shown))))


def newton(cfg, draw) -> dict:
    """1/r on the slice nearest to its centre: terms of the long range, and all."""
    (t, w), grid, most = rule(cfg), grids.line(cfg.grid), max(cfg.kernel_points)
    centre = centred(cfg, draw)
    z = jnp.asarray(grid)[abs(grid - centre[2]).argmin()][None]
    axes = (grid, grid, z)
    exact = [kernel.gaussians(x, p, t) for x, p in zip(axes, centre, strict=True)]
    basis = [chebyshev.polynomials(jnp.asarray(x), most) for x in axes]
    kept = np.stack([w * (t <= cfg.long_t) if cfg.long else w, w])

    def one(given):
        factors, weights = given
        truth = tucker.full(weights, exact)[..., 0]
        form = tucker.rhosvd(weights, factors, cfg.tol)
        return grids.relative(tucker.on_slice(form, *basis) - truth, truth)

    factors = [jnp.stack([grids.padded(m, most, p, t) for p in centre]) for m in cfg.kernel_points]
    cases = jnp.repeat(jnp.stack(factors), 2, axis=0), np.tile(kept, (len(factors), 1))
    return {"newton": jax.lax.map(one, cases).reshape(-1, 2)}


def placed(cfg, draw, many: int):
    """Places [3, N] and charges [N] of the first N particles."""
    return cfg.box * draw["place"][:many].T, jnp.sign(draw["charge"][:many])


def growing(cfg, draw) -> dict:
    """The full tensors of 1, 2, 4, ... blocks of particles, one block after the other."""
    (t, w), x = few(cfg), jnp.asarray(grids.line(cfg.many_grid))
    many = cfg.block * 2**cfg.doublings
    place, charge = placed(cfg, draw, many)
    place, charge = place.reshape(3, -1, cfg.block), charge.reshape(-1, cfg.block)
    nodes = chebyshev.points(cfg.many_points)

    def add(state):
        i, inside, outside = state
        sharp = t * (i + 1.0) ** (1 / 3) if cfg.sharpen else t
        weights = kernel.weights(charge[i], w)
        on_nodes = [kernel.gaussians(nodes, p[i], sharp) for p in place]
        inside += tucker.full(weights, [chebyshev.coefficients(f) for f in on_nodes])
        outside += tucker.full(weights, [kernel.gaussians(x, p[i], sharp) for p in place])
        return i + 1, inside, outside

    def look(state):
        return tucker.singular_values(state[1]), tucker.singular_values(state[2])

    start = 0, jnp.zeros((cfg.many_points,) * 3), jnp.zeros((cfg.many_grid,) * 3)
    strides = np.diff(2 ** np.arange(cfg.doublings + 1), prepend=0)
    inside, outside = loops.trajectory(add, look, start, strides)[1]
    return {"inside": inside, "outside": outside}


def sliced(cfg, draw, many: int, most: int):
    """A field of many particles where z = 0: t, places, weights, its values, polynomials."""
    (t, w), x = few(cfg), jnp.asarray(grids.line(cfg.slice))
    place, charge = placed(cfg, draw, many)
    weights, axes = kernel.weights(charge, w), (x, x, jnp.zeros(1))
    truth = tucker.full(weights, [kernel.gaussians(*a, t) for a in zip(axes, place, strict=True)])
    return t, place, weights, truth, [chebyshev.polynomials(a, most) for a in axes]


def fields(cfg, draw) -> dict:
    """Interpolation and cut of one field on more and more points."""
    most = max(cfg.field_points)
    t, place, weights, truth, basis = sliced(cfg, draw, cfg.field, most)

    def one(factors):
        tensor = tucker.full(weights, factors)

        def cut(tol):
            return tucker.on_slice(tucker.hosvd(tensor, tol), *basis) - truth[..., 0]

        return jax.vmap(cut)(np.array([0.0, cfg.tol, cfg.loose, cfg.field_tol]))

    factors = [jnp.stack([grids.padded(m, most, p, t) for p in place]) for m in cfg.field_points]
    errors = jax.lax.map(one, jnp.stack(factors))
    sizes = abs(errors).max(axis=(2, 3)) / abs(truth).max()
    picture = jnp.stack([truth[..., 0], errors[-1, 0], errors[-1, 2]])
    return {"field": sizes[:, :3], "cut": sizes[:, 3], "picture": picture}


def algorithms(cfg, draw) -> dict:
    """Full tensor and HOSVD, and RHOSVD, on the same terms."""
    m = cfg.algorithm_points
    t, place, weights, truth, basis = sliced(cfg, draw, cfg.algorithm_field, m)
    factors = [grids.padded(m, m, p, t) for p in place]
    each = [tucker.hosvd(tucker.full(weights, factors), cfg.tol)]
    reduced = tucker.rhosvd(weights, factors, cfg.tol)
    each.append(reduced if cfg.singular else tucker.lowest(weights, factors, reduced.ranks))
    errors = [grids.relative(tucker.on_slice(f, *basis) - truth[..., 0], truth) for f in each]
    return {"algorithm": jnp.stack(errors), "algorithm_ranks": jnp.stack([f.ranks for f in each])}


PARTS = {
    vectors: ("vector",),
    newton: ("newton",),
    growing: ("inside", "outside"),
    fields: ("field", "cut", "picture"),
    algorithms: ("algorithm", "algorithm_ranks"),
}
