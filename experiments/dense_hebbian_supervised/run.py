"""Networks at T = 0: at low load, at N^3 classes, with noisy examples, on images."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import dynamics, examples, images, theory

C_P = theory.noise(4, distinct=True)  # of the networks at high load
LAWS = ("low_law", "noisy_law", "poor_law", "ultra_law", "limit", "limit_law")
THEORY = (*LAWS, "gamma", "rho", "phase", "T", "heat")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Overlaps m with the first archetype, means of networks.

    low [seed, P, M], low_law [M], orders [P], examples [M]
    stored, lost, pair, plain [seed, N]: at cfg.stored and cfg.lost; at cfg.stored with P = 2 and
        with plain powers; sizes [N]
    noisy [seed, rho], noisy_law [rho]; poor [seed, rho], poor_law [rho]; noises, poor_noises
    ultra [seed, (P = 2, P = 4), rho], ultra_law, ultra_noises [rho]
    digits [seed, (P = 2, P = 4), shots]: overlap with the sign of a digit's mean; shots [shots]
    limit, limit_law [P]: Gamma at which retrieval ends; laws [P]
    gamma, rho [grid]; phase [rho, gamma]: m at T = 0; heat [T, gamma], T [grid]: m at rho = 0
    """
    named = ("orders", "examples", "sizes", "noises", "ultra_noises", "shots", "laws")
    found = {name: np.array(cfg[name]) for name in named} | {"poor_noises": np.array(cfg.poor)}
    for fn, arrays in PARTS.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(fn.__name__, partial(of_seeds, cfg, mesh, fn))
    if scratch.wants("digits"):
        found |= scratch.cached("digits", partial(digits, cfg, mesh, scratch))
    if scratch.wants(*THEORY):
        found |= scratch.cached("theory", partial(equations, cfg))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def of_seeds(cfg, mesh: Mesh, fn) -> dict[str, np.ndarray]:
    """A part of every seed, one after the other on each device."""
    key = keys.fold(cfg.seeds, list(PARTS).index(fn))
    return sharding.gather(sharding.vmap_over(mesh, partial(fn, cfg), at_once=1)(key))


def field(cfg, P: int, N: int) -> dynamics.Field:
    """Of a network of cfg; orders above 4 have plain powers."""
    return dynamics.distinct(P, N) if cfg.distinct and P <= 4 else dynamics.plain(P, N)


def low(cfg, key) -> dict:
    """K classes of M examples, every P and M on the same draws."""
    N, K, most = cfg.low_n, cfg.low_k, max(cfg.examples)

    def one(key):
        u = keys.uniform(key, (N, K, most + 1))
        xi = examples.archetypes(u[..., 0])
        source = examples.misfiled(xi, most) if cfg.misfiled else xi[..., None]

        def of(P, M):
            x = examples.means(source, u[..., 1:], cfg.low_r, M)
            return dynamics.overlap(x, xi[:, 0], xi[:, 0], dynamics.plain(P, N), cfg.sweeps)

        return jnp.stack([jax.vmap(partial(of, P))(np.array(cfg.examples)) for P in cfg.orders])

    split = jax.random.split(key, cfg.low_replicas)
    return {"low": jax.lax.map(one, split).mean(axis=0)}


def loaded(cfg, key, N: int, gamma: float, field, rho=(0.0,), copies: int = 1):
    """m at K = gamma N^3 classes, at every rho, of so many networks.  -> [rho]"""
    K = max(2, round(gamma * N**3))

    def one(key):
        first, second = jax.random.split(key)
        xi = examples.archetypes(keys.uniform(first, (N, K)))
        z = keys.normal(second, (N, K)) if any(rho) else jnp.zeros((N, K))
        x, own = partial(examples.many, xi, z), xi[:, 0]
        m = lambda r: dynamics.overlap(x(r), own, own, field, cfg.sweeps)  # noqa: E731
        return jax.lax.map(m, jnp.array(rho))

    return jax.lax.map(one, jax.random.split(key, copies)).mean(axis=0)


def high(cfg, key) -> dict:
    """Perfect examples below and above the limit, and what does not hold so many."""
    found: dict[str, list] = {"stored": [], "lost": [], "pair": [], "plain": []}
    for N in cfg.sizes:
        own, pair, plain = field(cfg, cfg.P, N), dynamics.distinct(2, N), dynamics.plain(4, N)
        ways = {"stored": (cfg.stored, own), "lost": (cfg.lost, own)}
        ways |= {"pair": (cfg.stored, pair), "plain": (cfg.stored, plain)}
        for name, (gamma, force) in ways.items():
            found[name].append(loaded(cfg, key, N, gamma, force, copies=cfg.replicas)[0])
    return {name: jnp.stack(values) for name, values in found.items()}


def noisy(cfg, key) -> dict:
    """Noisy examples at a share of the limit."""
    own = field(cfg, 4, cfg.noisy_n)

    def at(rho, gamma):
        return loaded(cfg, key, cfg.noisy_n, gamma, own, (rho,), cfg.noisy_replicas)[0]

    return {"noisy": jnp.stack([at(*pair) for pair in zip(cfg.noises, gammas(cfg), strict=True)])}


def poor(cfg, key) -> dict:
    """Noisier and noisier examples at one load."""
    own = field(cfg, 4, cfg.noisy_n)
    how = {"rho": tuple(cfg.poor), "copies": cfg.noisy_replicas}
    return {"poor": loaded(cfg, key, cfg.noisy_n, cfg.poor_gamma, own, **how)}


def gammas(cfg) -> list[float]:
    """gamma of `noisy`: the share of its limit at every rho."""
    with jax.ensure_compile_time_eval():  # numbers of classes are shapes
        ends = np.asarray(jax.vmap(lambda rho: theory.limit(rho, 4))(np.array(cfg.noises)))
    return [float(cfg.share * x / C_P) for x in ends]


def ultra(cfg, key) -> dict:
    """K in proportion to N, as a pairwise network can store."""
    N = cfg.ultra_n
    gamma = cfg.ultra_load * N / N**3
    how = {"rho": tuple(cfg.ultra_noises), "copies": cfg.ultra_replicas}
    each = [loaded(cfg, key, N, gamma, dynamics.distinct(P, N), **how) for P in (2, 4)]
    return {"ultra": jnp.stack(each)}


PARTS = {
    low: ("low",),
    high: ("stored", "lost", "pair", "plain"),
    noisy: ("noisy",),
    poor: ("poor",),
    ultra: ("ultra",),
}


def digits(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Archetypes of images: from a new image of a digit towards the sign of the digit's mean."""
    data = scratch.data("mnist_small")
    x, y = images.binary(data.x_train, data.x_train, cfg.pixels), data.y_train
    new = images.binary(data.x_test, data.x_train, cfg.pixels)
    shapes = {"order": (len(x),), "label": (len(x),), "probe": (len(new),)}
    draw = keys.draws(keys.split(cfg.seeds, tuple(shapes)), shapes, keys.uniform)
    how = {"shots": cfg.shots, "probes": cfg.probes, "shuffled": cfg.shuffled}
    cases = [
        images.case(x, y, new, data.y_test, *(draw[k][s] for k in shapes), **how)
        for s in range(len(cfg.seeds))
    ]
    means, archetype, probes, label = (np.stack(part) for part in zip(*cases, strict=True))

    def one(means, archetype, probes, label):
        def ended(x, P):
            field = dynamics.distinct(P, cfg.pixels)
            m = lambda s, d: dynamics.overlap(x, s, archetype[:, d], field, cfg.sweeps)  # noqa: E731
            return jax.vmap(m)(probes, label).mean()

        return jnp.stack([jax.lax.map(partial(ended, P=P), means) for P in (2, 4)])

    each = sharding.vmap_over(mesh, one, at_once=1)
    return {"digits": sharding.gather(each(means, archetype, probes, label))}


def equations(cfg) -> dict[str, np.ndarray]:
    """What has no seed."""
    side = np.linspace(0, 1, cfg.grid + 1)[1:]
    gamma, rho, T = 0.045 * side, 0.8 * side, 1.2 * side
    rest = {"gamma": gamma, "rho": rho, "T": T}
    rest["limit_law"] = np.array([theory.limit_law(P) for P in cfg.laws])
    M, r, loads = np.array(cfg.examples), cfg.low_r, np.array(gammas(cfg))

    def frozen(gamma, rho):
        return theory.frozen(C_P * gamma, rho, 4).m

    def grid(fn):
        return jax.vmap(jax.vmap(fn, (0, None)), (None, 0))

    @jax.jit
    def solved():
        return {
            "low_law": theory.learned((1 - r**2) / (M * r**2)),
            "ultra_law": theory.learned(np.array(cfg.ultra_noises)),
            "poor_law": jax.vmap(partial(frozen, cfg.poor_gamma))(np.array(cfg.poor)),
            "noisy_law": jax.vmap(frozen)(loads, np.array(cfg.noises)),
            "limit": jnp.stack([theory.limit(jnp.array(cfg.law_rho), P) for P in cfg.laws]),
            "phase": grid(frozen)(gamma, rho),
            "heat": grid(lambda gamma, T: theory.warm(T, C_P * gamma, 4))(gamma, T),
        }

    return rest | {k: np.asarray(v) for k, v in solved().items()}
