"""The glass of many patterns, retrieval beside it, and networks at T = 0."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import glass, network, retrieval

LOW, HIGH = 0.02, 0.25  # loads Gamma
ENTRIES, EXITS = 3.0, 14.0  # beta x


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Energies a spin; load is Gamma. The glass has J = 1.

    orders, even [P]
    ground, symmetric [P]: at T = 0 with and without breaking; entropy [P]: without, at cfg.cold
    transition [P]: T_s; advantage [P, T, q]: d(-beta f)/dx at x = 1 at three T about it; q [q]
    load [load], inverse [D]: Gamma and beta x
    lost, lost_broken [even, load]: of the glass; held [even, load], overlap [even, load]: of the
        pattern without breaking; broken, broken_overlap, broken_q [even, load, D]: with it
    dense [seed, gamma], pair [seed]: overlaps of networks; gammas [gamma], pair_load []
    seeds [seed]
    """
    found = {name: np.array(cfg[name]) for name in ("orders", "even", "gammas", "pair_load")}
    found |= {"seeds": np.array(cfg.seeds)}
    if scratch.wants("ground", "symmetric", "entropy", "transition", "advantage"):
        found |= scratch.cached("glass", partial(glasses, cfg))
    if scratch.wants("lost", "lost_broken", "held", "broken"):
        found |= scratch.cached("retrieval", partial(held, cfg))
    if scratch.wants("dense", "pair"):
        found |= scratch.cached("networks", partial(networks, cfg, mesh))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def glasses(cfg) -> dict[str, np.ndarray]:
    """Of every P, J = 1."""
    q = np.linspace(0.02, 0.999, 60)

    def one(P: int):
        Gamma = jnp.array(P / 2)
        plain = glass.symmetric(Gamma)
        end = glass.transition(Gamma, P)
        curves = jnp.stack([glass.advantage(q, end * f, Gamma, P) for f in (0.97, 1.0, 1.03)])
        ground = glass.ground(Gamma, P) if cfg.breaking else plain
        return ground, plain, glass.entropy(cfg.cold, Gamma, P), end, curves

    each = jax.jit(lambda: [one(P) for P in cfg.orders])()
    names = ("ground", "symmetric", "entropy", "transition", "advantage")
    found = {k: np.stack(v) for k, v in zip(names, zip(*each, strict=True), strict=True)}
    return found | {"q": q}


def held(cfg) -> dict[str, np.ndarray]:
    """A pattern beside the glass, over loads and beta x."""
    load, D = np.linspace(LOW, HIGH, cfg.loads), np.linspace(ENTRIES, EXITS, cfg.inverse)

    def one(P: int):
        at = jax.vmap(
            jax.vmap(lambda D, G: retrieval.broken(D, G, P, cfg.turns), (0, None)), (None, 0)
        )
        energy, m, q = at(D, load)
        return {
            "lost": jax.vmap(glass.symmetric)(load),
            "lost_broken": jax.vmap(lambda G: glass.ground(G, P))(load),
            "held": jax.vmap(lambda G: retrieval.energy(G, P))(load),
            "overlap": jax.vmap(lambda G: retrieval.overlap(G, P))(load),
            "broken": energy,
            "broken_overlap": m,
            "broken_q": q,
        }

    each = jax.jit(lambda: [one(P) for P in cfg.even])()
    found = {k: np.stack([np.asarray(x[k]) for x in each]) for k in each[0]}
    for name in ("held", "broken"):  # 0, above every energy, where the pattern is lost
        found[name] = np.nan_to_num(found[name], nan=0.0)
    if not cfg.breaking:
        found["lost_broken"], found["broken"] = found["lost"], found["held"][..., None] + 0 * D
    return found | {"load": load, "inverse": D}


def networks(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """From a pattern, K = gamma N^3 of P = 4 and K = load N of P = 2."""
    field = (network.dense if cfg.distinct else network.plain)(cfg.n)
    pairs = network.pair(cfg.pair_n)

    def patterns(key, N, K):
        return jnp.where(keys.uniform(key, (N, K)) < 0.5, -1.0, 1.0)

    def one(key):
        split = jax.random.split(key, cfg.replicas)

        def mean(N, K, field):
            end = lambda k: network.ended(patterns(k, N, K), field, cfg.sweeps)  # noqa: E731
            return jax.lax.map(end, split).mean()

        dense = [mean(cfg.n, max(2, round(g * cfg.n**3)), field) for g in cfg.gammas]
        load = max(2, round(cfg.pair_load * cfg.pair_n))
        return {"dense": jnp.stack(dense), "pair": mean(cfg.pair_n, load, pairs)}

    return sharding.gather(sharding.vmap_over(mesh, one, at_once=1)(keys.fold(cfg.seeds, 0)))
