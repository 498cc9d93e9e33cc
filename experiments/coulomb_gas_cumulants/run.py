"""Cumulants by exact laws, by the formulas, and by chains; the rate of large deviations."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import exact, formula, hmc, statistics

ORDERS = (2, 3, 4, 5)
BETA = 2.0  # of the exact laws
EDGES = -0.3, 0.6  # of s; from 0 where droplets of all functions are discs
BINS = np.linspace(-4, 4, 41)


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Cumulants are times N^(q-2), q = 2 to 5.

    seeds, sizes [N], fitted []
    cumulant [name, N, q], limit [name, q]: exact, and by the formulas
    bent [N, q]: of r^2 and a bump
    tilt [s], reached, rate, mean [s]: N^-2 of the exact Legendre transform, Psi, Lambda
    difference, variance [s case]: -Lambda'(s) by derivative and as an integral
    kappa [seed, beta, (2, 3)], kappa_exact [beta, (2, 3)], betas [beta]; taken [seed, beta]
    histogram [bin], bin [bin + 1]: of standardised sums at beta = 2, all chains; particles []
    """
    found = {name: np.array(cfg[name]) for name in ("seeds", "sizes", "fitted", "betas")}
    found["particles"] = np.array(cfg.n)
    if scratch.wants("cumulant", "limit", "bent"):
        found |= scratch.cached("exact", partial(laws, cfg))
    if scratch.wants("reached", "rate", "mean", "difference", "variance"):
        found |= scratch.cached("rate", partial(deviations, cfg))
    if scratch.wants("kappa", "taken", "histogram"):
        found |= scratch.cached("chains", partial(chains, cfg, mesh))
    found["kappa_exact"] = np.stack([exact.radial(cfg.n, b) for b in cfg.betas]) * [1, cfg.n]
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def of(cfg, N: int, f) -> np.ndarray:
    """N^(q-2) kappa_q, f compiled for one particle's grid.  -> [q]"""
    r, log_w = exact.law(N) if cfg.gas else exact.independent(N)
    scale = float(N) ** (np.array(ORDERS) - 2)
    return exact.cumulants(np.stack([f(each) for each in r]), log_w) * scale


def laws(cfg) -> dict[str, np.ndarray]:
    """Exact cumulants and the formulas."""
    functions = [statistics.NAMED[name] for name in cfg.names]
    other = jax.jit(statistics.bent(cfg.bump_at, cfg.bump_width, cfg.bump_height))
    compiled = [jax.jit(f) for f in functions]
    limit = jax.jit(
        lambda: jnp.stack(
            [
                jnp.stack([formula.cumulant(f, q, cfg.formula_beta) for q in ORDERS])
                for f in functions
            ]
        )
    )()
    return {
        "cumulant": np.array([[of(cfg, N, f) for N in cfg.sizes] for f in compiled]),
        "limit": np.asarray(limit),
        "bent": np.array([of(cfg, N, other) for N in cfg.sizes]),
    }


def deviations(cfg) -> dict[str, np.ndarray]:
    """The rate of sum r^2, and the derivative identity of all functions."""
    s, up = np.linspace(*EDGES, cfg.tilts), np.linspace(0, EDGES[1], cfg.tilts)
    f, N = statistics.square, cfg.rate_n
    r, log_w = exact.law(N)
    chi = exact.generating(r**2, log_w, s) / N**2
    reached = s * chi[:, 1] - chi[:, 0]
    functions = [statistics.NAMED[name] for name in cfg.names]

    @jax.jit
    def solved():
        each = jax.vmap
        lines = [each(jax.grad(partial(formula.mean, f=g, beta=BETA)))(up) for g in functions]
        spreads = [each(partial(formula.spread, f=g, beta=BETA))(up) for g in functions]
        rate = each(partial(formula.rate, f=f, beta=BETA))(s)
        mean = each(partial(formula.mean, f=f, beta=BETA))(s)
        middle = formula.mean(jnp.zeros(()), f, BETA)
        parabola = (mean - middle) ** 2 / (2 * formula.cumulant(f, 2, BETA))
        return -jnp.concatenate(lines), jnp.concatenate(spreads), rate, mean, parabola

    difference, variance, rate, mean, parabola = map(np.asarray, solved())
    found = {"tilt": s, "reached": reached, "rate": parabola if cfg.gaussian else rate}
    return found | {"mean": mean, "difference": difference, "variance": variance}


def chains(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Cumulants of sum r^2 from chains of every seed and beta."""
    betas = np.array(cfg.betas)
    rules = hmc.Rules(betas, cfg.step * np.sqrt(2 / betas), cfg.coupling)

    def one(key):
        first, second = jax.random.split(key)
        u = keys.uniform(first, (cfg.chains, cfg.n, 2))
        angle = 2 * jnp.pi * u[..., 1]
        start = jnp.sqrt(u[..., :1]) * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)
        split = jax.random.split(second, cfg.chains)

        def at(beta, step):
            told = rules._replace(beta=beta, step=step)
            each = jax.vmap(lambda k, x: hmc.sampled(k, x, told, cfg.moves))
            return each(split, start)

        return jax.lax.map(lambda x: at(*x), (rules.beta, rules.step))

    each = sharding.vmap_over(mesh, one, at_once=1)(keys.fold(cfg.seeds, 0))
    seen, taken = sharding.gather(each)
    late = seen[..., int(cfg.burn * cfg.moves) :]
    late = late.reshape(*late.shape[:2], -1)
    away = late - late.mean(axis=-1, keepdims=True)
    kappa = np.stack([(away**2).mean(-1), cfg.n * (away**3).mean(-1)], axis=-1)
    middle = away[:, len(betas) // 2].ravel()
    counts = np.histogram(middle / middle.std(), BINS, density=True)[0]
    return {"kappa": kappa, "taken": taken.mean(axis=-1), "histogram": counts, "bin": BINS}
