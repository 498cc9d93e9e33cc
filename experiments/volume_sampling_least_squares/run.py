"""Repetitions of all samplings on one pair of streams; exact means over a small measure.

Kinds: i.i.d., volume sampling, repeated DPP: the same blocks, cfg.determinantal of the DPP. q is
n / m. Shapes: S seeds, R repetitions, Q blocks, F functions.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import exact, fits, sampling, spaces

LEVELS = (0.1, 0.5, 0.9, 0.95)
SPECTRA = (1, 2, 4, 8, 16)  # q whose smallest eigenvalues are kept
SMALL, PICTURE, SPECTRUM = 1, 2, 3  # streams beside those of (measure, m)


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Errors are |u - u^|^2 / |u - P u|^2; draws are stable where lambda_min(G) >= 1 - delta.

    sizes [m], q [Q], theorem_q [m], seeds [seed], levels [level]
    best [measure, m, F]: |u - P u|; sure [measure, m, F]: what no stable draw exceeds
    stable [measure, m, seed, kind, Q]: their share
    inverse [measure, m, seed, kind, Q]: mean tr G^-1 / m
    mean [measure, m, seed, kind, Q, F], quantile [level, measure, m, seed, kind, Q, F]: of errors
    kept [measure, m, seed, F]: largest error of a stable i.i.d. draw at n = 2 m, 0 if there is none
    energy [measure, m, seed, k, F]: mean 1 + |c_k|^2 over its law, zeros beyond k = m
    exact_n [n], exact_normaliser [seed, 2, n], exact_inverse [seed, n, m, m]
    exact_mean, rival_mean [seed, n, m]: E c of law and rival, exact_truth [seed, m]: c
    exact_energy [seed, k]
    picture [kind, n, 2]: points in the square; smallest [kind, some q, R], smallest_q [some q]
    """
    theorem = [min(cfg.blocks, max(1, int(np.ceil(cfg.log_factor * np.log(m))))) for m in cfg.sizes]
    found = {"seeds": np.array(cfg.seeds), "sizes": np.array(cfg.sizes), "levels": np.array(LEVELS)}
    found |= {"q": np.arange(1, cfg.blocks + 1), "theorem_q": np.array(theorem)}
    exactly = ("normaliser", "inverse", "mean", "truth", "energy")
    if scratch.wants(*(f"exact_{name}" for name in exactly), "rival_mean"):
        found |= scratch.cached("exact", partial(enumerated, cfg))
    if scratch.wants("stable", "inverse", "mean", "quantile", "kept", "energy"):
        parts = {f"{name}-{m}": partial(setting, cfg, mesh, name, m) for name, m in settings(cfg)}
        found |= joined(cfg, scratch.cells(parts))
    if scratch.wants("picture"):
        found |= scratch.cached("picture", partial(pictured, cfg, mesh))
    if scratch.wants("smallest"):
        found |= scratch.cached("spectra", partial(spectra, cfg, mesh))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """One a size: all repetitions of a measure."""

    def of(m):
        keyed = jax.eval_shape(lambda: streams_of(cfg, cfg.measures[0], m))
        wide = {"rows": (cfg.candidates, m), "unit": (cfg.candidates, m)}
        wide |= {"rest": (len(cfg.functions), cfg.candidates)}
        space = spaces.Space(**{k: jax.ShapeDtypeStruct(s, float) for k, s in wide.items()})
        return repetitions(cfg, mesh).program(f"m{m}", keyed, space, calls=len(cfg.measures))

    return [of(m) for m in reversed(cfg.sizes)]


def settings(cfg) -> list[tuple[str, int]]:
    return [(name, m) for name in cfg.measures for m in cfg.sizes]


def streams_of(cfg, name: str, m: int) -> jax.Array:
    """A key for every repetition.  -> [S R]"""
    number = spaces.MEASURES.index(name)
    split = jax.vmap(partial(jax.random.split, num=cfg.repetitions))
    return split(keys.fold(cfg.seeds, 0, number, m)).reshape(-1)


def repetitions(cfg, mesh: Mesh) -> sharding.Placed:
    """(keys [S R], space) -> arrays [S R, ...] as `repetition` has them."""
    chosen = partial(repetition, cfg.blocks, tuple(cfg.determinantal), cfg.delta)
    return sharding.vmap_over(mesh, chosen, shared=(1,), at_once=cfg.at_once)


def repetition(blocks: int, determinantal: tuple[int, ...], delta: float, key, space) -> dict:
    """stable, inverse [kind, Q], error [kind, Q, F]; energy [F, m], mean of the last kind."""
    at = sampling.streams(key, space.rows, blocks)
    G, b = moments(at, space, determinantal)
    fit = fits.fit(G, b, delta)
    last = sampling.mixed(at, determinantal[-1:])[0]
    energy = fits.interpolation(space.unit, space.rest, last).mean(0)
    return fit._asdict() | {"energy": energy}


def moments(at, space, determinantal: tuple[int, ...]):
    """G and right-hand sides of the first q blocks.  at int [2, Q, m] -> [kind, Q, ...] each"""
    each = fits.moments(space.unit, space.rest, at)
    return [fits.running(sampling.mixed(x, determinantal), 1) for x in each]


def setting(cfg, mesh: Mesh, name: str, m: int) -> dict[str, np.ndarray]:
    """All repetitions of one measure and size, summed up.  -> as `run` has them, less two axes"""
    space, best = spaces.of(name, m, cfg.candidates, cfg.dim, cfg.functions)
    drawn = sharding.gather(repetitions(cfg, mesh)(streams_of(cfg, name, m), space))
    drawn = {k: x.reshape(len(cfg.seeds), cfg.repetitions, *x.shape[1:]) for k, x in drawn.items()}
    stable, error = drawn["stable"], drawn["error"]
    keep = stable[:, :, 0, 1, None] | (not cfg.conditioned)
    energy = np.moveaxis(drawn["energy"].mean(1), 1, 2) / exact.interpolation_law(m)[:, None]
    beyond = max(cfg.sizes) - m
    return {
        "best": best,
        "sure": 1 + (space.rest**2).max(1) / (1 - cfg.delta),
        "stable": stable.mean(1),
        "inverse": drawn["inverse"].mean(1),
        "mean": error.mean(1),
        "quantile": np.quantile(error, LEVELS, axis=1),
        "kept": np.where(keep, error[:, :, 0, 1], 0).max(1),
        "energy": np.pad(energy, ((0, 0), (0, beyond), (0, 0))),
    }


def joined(cfg, cells: list[dict]) -> dict[str, np.ndarray]:
    """Arrays of all settings, measure and size as leading axes; levels before them."""
    shape = len(cfg.measures), len(cfg.sizes)
    both = {k: x.reshape(*shape, *x.shape[1:]) for k, x in loops.stack(cells).items()}
    return both | {"quantile": np.moveaxis(both["quantile"], 2, 0)}


def enumerated(cfg) -> dict[str, np.ndarray]:
    """Random measures of few points, polynomials, a random function: one a seed."""
    N, m = cfg.points, cfg.unknowns
    sizes = range(m, 2 * m + 1)
    draw = keys.draws(
        {"at": keys.fold(cfg.seeds, SMALL)}, {"at": (3, N)}, keys.uniform
    )["at"]  # fmt: skip

    def instance(x, mass, u):
        mass = (0.5 + mass) / (0.5 + mass).sum()
        phi = spaces.orthonormal(spaces.polynomials("legendre", 2 * x - 1, m), mass)
        c = (u * mass) @ phi
        r = u - phi @ c
        scale = np.sqrt((r**2 * mass).sum())
        each = [exact.means(phi, mass, u / scale, n, cfg.law, cfg.reference) for n in sizes]
        rival = [exact.means(phi, mass, u / scale, n, cfg.rival, "nu") for n in sizes]
        closed = [exact.normaliser(n, m) for n in sizes]
        return {
            "exact_truth": c / scale,
            "exact_mean": np.stack([e.coefficients for e in each]),
            "rival_mean": np.stack([e.coefficients for e in rival]),
            "exact_inverse": np.stack([e.inverse for e in each]),
            "exact_normaliser": np.array([[e.normaliser for e in each], closed]),
            "exact_energy": exact.interpolation(phi, mass, r / scale, cfg.law),
        }

    return loops.stack([instance(*d) for d in draw]) | {"exact_n": np.array(sizes)}


def pictured(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Points of every kind in the square, two blocks, first seed."""
    degree, side = cfg.picture
    exponents = [(i, j) for i in range(degree) for j in range(degree)]
    x, mass = spaces.points("legendre", side, degree, 2)
    rows = np.sqrt(mass)[:, None] * spaces.orthonormal(
        spaces.tensor("legendre", x, exponents), mass
    )

    def draw(key, rows):
        return sampling.mixed(sampling.streams(key, rows, 2), tuple(cfg.determinantal))

    at = sharding.vmap_over(mesh, draw, shared=(1,))(keys.fold(cfg.seeds[:1], PICTURE), rows)
    return {"picture": x[sharding.gather(at)[0].reshape(len(cfg.determinantal), -1)]}


def spectra(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Smallest eigenvalues of the first measure, the middle size and the first seed."""
    name, m = cfg.measures[0], cfg.sizes[len(cfg.sizes) // 2]
    q = np.array([k for k in SPECTRA if k <= cfg.blocks])

    def draw(key, space):
        at = sampling.streams(key, space.rows, int(q[-1]))
        G, _ = moments(at, space, tuple(cfg.determinantal))
        return jnp.linalg.eigvalsh(G[:, q - 1])[..., 0]

    each = sharding.vmap_over(mesh, draw, shared=(1,), at_once=cfg.at_once)
    key = jax.vmap(partial(jax.random.split, num=cfg.repetitions))(
        keys.fold(cfg.seeds[:1], SPECTRUM)
    )
    space, _ = spaces.of(name, m, cfg.candidates, cfg.dim, cfg.functions)
    found = sharding.gather(each(key[0], space))
    return {"smallest": np.moveaxis(found, 0, -1), "smallest_q": q}
