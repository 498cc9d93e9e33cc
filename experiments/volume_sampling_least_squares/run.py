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
SHOWN = 300  # of them, draws
SMALL, PICTURE, SPECTRUM = 1, 2, 3  # streams beside those of (measure, m)


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Errors are |u - u^|^2 / |u - P u|^2; draws are stable where lambda_min(G) >= 1 - delta.

    sizes [m], q [Q], theorem_q [m], seeds [seed], levels [level]
    best [measure, m, F]: |u - P u|; sure [measure, m, F]: what no stable draw exceeds
    stable [measure, m, seed, kind, Q]: their share
    inverse [measure, m, seed, kind, Q]: mean tr G^-1 / m
    mean [measure, m, seed, kind, Q, F], quantile [level, measure, m, seed, kind, Q, F]: of errors
    kept [measure, m, seed, F]: largest error of stable i.i.d. draws of all n, 0 if none is
    energy [measure, m, seed, k, F]: mean 1 + |c_k|^2 over its law, zeros beyond k = m
    exact_n [n], exact_normaliser [seed, 2, n], exact_inverse [seed, n, m, m]
    exact_mean, rival_mean [seed, n, m]: E c of law and rival, exact_truth [seed, m]: c
    exact_energy [seed, k]
    picture [kind, n, 2]: points in the square; smallest [kind, some q, draw], smallest_q [some q]
    """
    theorem = [min(cfg.blocks, max(1, int(np.ceil(cfg.log_factor * np.log(m))))) for m in cfg.sizes]
    found = {"seeds": np.array(cfg.seeds), "sizes": np.array(cfg.sizes), "levels": np.array(LEVELS)}
    found |= {"q": np.arange(1, cfg.blocks + 1), "theorem_q": np.array(theorem)}
    exactly = ("normaliser", "inverse", "mean", "truth", "energy")
    if scratch.wants(*(f"exact_{name}" for name in exactly), "rival_mean"):
        found |= scratch.cached("exact", partial(enumerated, cfg))
    if scratch.wants("stable", "inverse", "mean", "quantile", "kept", "energy"):
        each = repetitions(cfg, mesh)
        parts = {f"{name}-{m}": partial(setting, cfg, each, name, m) for name, m in settings(cfg)}
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
        shapes = (cfg.candidates, m), (cfg.candidates, m), (len(cfg.functions), cfg.candidates)
        space = spaces.Space(*(jax.ShapeDtypeStruct(shape, float) for shape in shapes))
        return repetitions(cfg, mesh).program(
            f"m{m}", keyed, space, counts(cfg), calls=len(cfg.measures)
        )

    return [of(m) for m in reversed(cfg.sizes)]


def settings(cfg) -> list[tuple[str, int]]:
    return [(name, m) for name in cfg.measures for m in cfg.sizes]


def counts(cfg) -> np.ndarray:
    """Blocks of the DPP in every kind."""
    return np.array(cfg.determinantal)


def streams_of(cfg, name: str, m: int) -> jax.Array:
    """A key for every repetition.  -> [S R]"""
    number = spaces.MEASURES.index(name)
    split = jax.vmap(partial(jax.random.split, num=cfg.repetitions))
    return split(keys.fold(cfg.seeds, 0, number, m)).reshape(-1)


def repetitions(cfg, mesh: Mesh) -> sharding.Placed:
    """(keys [S R], space, counts [kind]) -> arrays [S R, ...] as `repetition` has them."""
    chosen = partial(repetition, cfg.blocks, cfg.delta)
    return sharding.vmap_over(mesh, chosen, shared=(1, 2), at_once=cfg.at_once)


def repetition(blocks: int, delta: float, key, space, determinantal) -> dict:
    """stable, inverse [kind, Q], error [kind, Q, F]; energy [F, m], mean of the last kind."""
    at = sampling.streams(key, space.rows, blocks)
    G, b = moments(at, space, determinantal)
    fit = fits.fit(G, b, delta)
    last = sampling.mixed(at, determinantal[-1:])[0]
    energy = fits.interpolation(space.unit, space.rest, last).mean(0)
    return fit._asdict() | {"energy": energy}


def moments(at, space, determinantal):
    """G and right-hand sides of the first q blocks.  at int [2, Q, m] -> [kind, Q, ...] each"""
    each = fits.moments(space.unit, space.rest, at)
    return [fits.running(sampling.mixed(x, determinantal), 1) for x in each]


def setting(cfg, each: sharding.Placed, name: str, m: int) -> dict[str, np.ndarray]:
    """All repetitions of one measure and size, summed up.  -> as `run` has them, less two axes"""
    space, best = spaces.of(name, m, cfg.candidates, cfg.dim, cfg.functions)
    drawn = sharding.gather(each(streams_of(cfg, name, m), space, counts(cfg)))
    drawn = {k: x.reshape(len(cfg.seeds), cfg.repetitions, *x.shape[1:]) for k, x in drawn.items()}
    stable, error = drawn["stable"], drawn["error"]
    keep = stable[:, :, 0, :, None] | (not cfg.conditioned)
    energy = np.moveaxis(drawn["energy"].mean(1), 1, 2) / exact.interpolation_law(m)[:, None]
    beyond = max(cfg.sizes) - m
    return {
        "best": best,
        "sure": 1 + (space.rest**2).max(1) / (1 - cfg.delta),
        "stable": stable.mean(1),
        "inverse": drawn["inverse"].mean(1),
        "mean": error.mean(1),
        "quantile": np.quantile(error, LEVELS, axis=1),
        "kept": np.where(keep, error[:, :, 0], 0).max((1, 2)),
        "energy": np.pad(energy, ((0, 0), (0, beyond), (0, 0))),
    }


def joined(cfg, cells: list[dict]) -> dict[str, np.ndarray]:
    """Arrays of all settings, measure and size as leading axes; levels before them."""
    shape = len(cfg.measures), len(cfg.sizes)
    both = {k: x.reshape(*shape, *x.shape[1:]) for k, x in loops.stack(cells).items()}
    return both | {"quantile": np.moveaxis(both["quantile"], 2, 0)}


def enumerated(cfg) -> dict[str, np.ndarray]:
    """Random measures of few points, polynomials, a random function: one a seed."""
    stream = {"small": keys.fold(cfg.seeds, SMALL)}
    drawn = keys.draws(stream, {"small": (3, cfg.points)}, keys.uniform)["small"]
    laws = exact.Laws(cfg.law, cfg.rival, cfg.reference)
    found = loops.stack([exact.instance(three, cfg.unknowns, laws) for three in drawn])
    return found | {"exact_n": np.array(exact.numbers(cfg.unknowns))}


def pictured(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Points of every kind in the square, two blocks, first seed."""
    degree, side = cfg.picture
    exponents = [(i, j) for i in range(degree) for j in range(degree)]
    x, mass = spaces.points("legendre", side, degree, 2)
    phi = spaces.orthonormal(spaces.tensor("legendre", x, exponents), mass)
    rows = np.sqrt(mass)[:, None] * phi

    def draw(key, rows):
        return sampling.mixed(sampling.streams(key, rows, 2), counts(cfg))

    at = sharding.vmap_over(mesh, draw, shared=(1,))(keys.fold(cfg.seeds[:1], PICTURE), rows)
    return {"picture": x[sharding.gather(at)[0].reshape(len(cfg.determinantal), -1)]}


def spectra(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Smallest eigenvalues of the first measure, the middle size and the first seed."""
    name, m = cfg.measures[0], cfg.sizes[len(cfg.sizes) // 2]
    q = np.array([k for k in SPECTRA if k <= cfg.blocks])

    def draw(key, space):
        at = sampling.streams(key, space.rows, int(q[-1]))
        G, _ = moments(at, space, counts(cfg))
        return jnp.linalg.eigvalsh(G[:, q - 1])[..., 0]

    each = sharding.vmap_over(mesh, draw, shared=(1,), at_once=cfg.at_once)
    split = jax.vmap(partial(jax.random.split, num=SHOWN))
    space, _ = spaces.of(name, m, cfg.candidates, cfg.dim, cfg.functions)
    found = sharding.gather(each(split(keys.fold(cfg.seeds[:1], SPECTRUM))[0], space))
    return {"smallest": np.moveaxis(found, 0, -1), "smallest_q": q}
