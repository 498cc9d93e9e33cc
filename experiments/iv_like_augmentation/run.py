"""Models a seed, each reduced to second moments; every estimator at every kappa, gamma, alpha.

Shapes: S seeds, J models, d treatments.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import fits, law, measure, selection, sem

LEAST = 1e-6  # alpha that stands for its limit at 0


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Gaps are |h - f|^2 / |f|^2, errors the paper's gap / (1 + gap); method: as measure.NAMES.

    kappa, gamma, alpha, size: of the sweeps; shown_alpha []: of IVL without more words
    gap, along [seed, model, method]: all of it and the part along f, at cfg.kappa, cfg.gamma
    limit_gap, limit_along [seed, model, 2]: of DA+ERM and IVL in the population
    chosen, largest [seed, model, 3]: alpha selected by CV, CC and CV of the wide range; the largest
        that was offered
    kappa_error, kappa_gap [seed, method, kappa]: means over models, of the first 4 methods
    gamma_error, gamma_gap [seed, method, gamma], alpha_error, alpha_gap [seed, alpha]: the same
    alpha_limit [seed, alpha]: mean error of IVL in the population
    exact [seed, 3, exact_alphas, d]: first model; IVL on exact covariances, the formula, DA+ERM at
        gamma (1 + 1/alpha)^(1/2)
    size_error [seed, size], size_limit [seed]: mean error of IVL, and in the population
    size_gap [seed, size], size_spread [seed]: mean |h - h_alpha|^2 / |f|^2; n times its law
    size_ratio [seed, size]: mean of |h - h_alpha|^2 n over its law
    """
    found = {"kappa": cfg.kappas, "gamma": cfg.gammas, "alpha": cfg.alphas, "size": cfg.sizes}
    found = {name: np.array(x) for name, x in (found | {"shown_alpha": cfg.alpha}).items()}
    for fn, arrays in PARTS.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(fn.__name__, partial(of_seeds, cfg, mesh, fn))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def of_seeds(cfg, mesh: Mesh, fn) -> dict[str, np.ndarray]:
    """A part of all models of all seeds; means over the models of a seed where told."""
    draw = {k: x.reshape(-1, *x.shape[2:]) for k, x in drawn(cfg).items()}
    each = sharding.vmap_over(mesh, partial(fn, cfg), at_once=1)(draw)
    found = {k: x.reshape(-1, cfg.sems, *x.shape[1:]) for k, x in sharding.gather(each).items()}
    first = {"exact": found["exact"][:, 0]} if "exact" in found else {}
    return {k: x if k in KEPT else x.mean(1) for k, x in found.items()} | first


def drawn(cfg) -> dict:
    """Weights and offers of every model, and the key of its sample: name -> [S, J, ...]"""
    streams = keys.split(cfg.seeds, ("model", "offers", "sample"))
    draw = keys.draws(streams, {"model": (cfg.sems, cfg.d + 3, cfg.d)})
    draw |= keys.draws(streams, {"offers": (cfg.sems, 2, cfg.draws)}, keys.uniform)
    return draw | {"sample": jax.vmap(partial(jax.random.split, num=cfg.sems))(streams["sample"])}


def population(cfg, model, alpha):
    """h_alpha.  -> [d]"""
    return law.limit(model, cfg.noise, cfg.kappa, cfg.gamma, alpha)


def sweeps(cfg, draw) -> dict:
    """One sample, all estimators at every kappa, gamma and alpha."""
    model = sem.made(draw["model"], cfg.shift)
    z = sem.sampled(draw["sample"], model, cfg.n, cfg.noise, cfg.permuted)
    apart = round(cfg.held_out * cfg.n)
    test, train, S = (sem.moments(x) for x in (z[:apart], z[apart:], z))
    four = jax.vmap(lambda kappa, gamma: fixed(cfg, fits.view(S, cfg.d, kappa, gamma)))
    base, by_kappa, by_gamma = jnp.split(four(*settings(cfg)), [1, 1 + len(cfg.kappas)])
    views = [fits.view(x, cfg.d, cfg.kappa, cfg.gamma) for x in (test, train, S)]
    by_alpha, chosen = selected(cfg, draw["offers"], views, model.f, base[0, measure.DA])
    h = jnp.concatenate([base[0], chosen.pop("h")])
    at = np.array([1 / LEAST, cfg.alpha, *cfg.alphas])
    ends, ideal = jnp.split(jax.vmap(partial(population, cfg, model))(at), [2])
    found = {"gap": fits.gap(h, model.f), "along": fits.along(h, model.f)}
    found |= {"limit_gap": fits.gap(ends, model.f), "limit_along": fits.along(ends, model.f)}
    found |= {"alpha_limit": fits.normalised(fits.gap(ideal, model.f))}
    for name, h in {"kappa": by_kappa, "gamma": by_gamma, "alpha": by_alpha}.items():
        gap = jnp.moveaxis(fits.gap(h, model.f), 0, -1)
        found |= {f"{name}_gap": gap, f"{name}_error": fits.normalised(gap)}
    return found | chosen


def settings(cfg) -> tuple[np.ndarray, np.ndarray]:
    """(kappa, gamma): the base, then every kappa, then every gamma.  -> [1 + kappas + gammas]"""
    kappas, gammas = np.array(cfg.kappas), np.array(cfg.gammas)
    kappa = np.concatenate([[cfg.kappa], kappas, np.full(len(gammas), cfg.kappa)])
    gamma = np.concatenate([[cfg.gamma], np.full(len(kappas), cfg.gamma), gammas])
    return kappa, gamma


def fixed(cfg, m):
    """The first methods.  -> [4, d]"""
    second = fits.two_stage(m) if cfg.tie == "norm" else fits.ivl(m, LEAST)
    return jnp.stack([fits.erm(m), fits.augmented(m), second, fits.ivl(m, cfg.alpha)])


def selected(cfg, uniform, views, f, augmented):
    """IVL at every alpha [alpha, d]; what CV, CC and CV of a wide range select: h, alphas."""
    test, train, m = views
    highs = jnp.array([[cfg.high], [cfg.wide]])
    offers = selection.offered(uniform, cfg.low, highs)
    given = offers.ravel()
    alphas = jnp.concatenate([given, np.array(cfg.alphas)])
    h, by_alpha = jnp.split(jax.vmap(partial(fits.ivl, m))(alphas), [len(given)])
    scores = selection.held_out(test, jax.vmap(partial(fits.ivl, train))(given))
    if cfg.score == "oracle":
        scores = fits.gap(h, f)
    narrow, wide = jnp.split(scores, 2)
    cc = selection.corrected(m, augmented, h[: cfg.draws])
    at = jnp.stack([narrow.argmin(), cc.argmin(), wide.argmin() + cfg.draws])
    largest = offers.max(1)[np.array([0, 0, 1])]
    return by_alpha, {"h": h[at], "chosen": given[at], "largest": largest}


def exact(cfg, draw) -> dict:
    """The estimator on exact covariances, the formula, a stronger augmentation."""
    model = sem.made(draw["model"], cfg.shift)
    S = sem.exact(model, cfg.noise, cfg.permuted)

    def sides(alpha):
        estimate = fits.ivl(fits.view(S, cfg.d, cfg.kappa, cfg.gamma), alpha)
        stronger = fits.view(S, cfg.d, cfg.kappa, cfg.gamma * jnp.sqrt(1 + 1 / alpha))
        return jnp.stack([estimate, population(cfg, model, alpha), fits.augmented(stronger)])

    return {"exact": jnp.moveaxis(jax.vmap(sides)(np.array(cfg.exact_alphas)), 0, 1)}


def sizes(cfg, draw) -> dict:
    """IVL on the first rows of one sample, several sizes, beside its limit."""
    model = sem.made(draw["model"], cfg.shift)
    limit = population(cfg, model, cfg.alpha)
    spread = law.spread(model, cfg.noise, cfg.kappa, cfg.gamma, cfg.alpha) / (model.f @ model.f)
    z = sem.sampled(draw["sample"], model, max(cfg.sizes), cfg.noise, cfg.permuted)
    S = jnp.stack([sem.moments(z[:n]) for n in cfg.sizes])
    h = jax.vmap(lambda S: fits.ivl(fits.view(S, cfg.d, cfg.kappa, cfg.gamma), cfg.alpha))(S)
    away = ((h - limit) ** 2).sum(-1) / (model.f @ model.f)
    return {
        "size_error": fits.normalised(fits.gap(h, model.f)),
        "size_limit": fits.normalised(fits.gap(limit, model.f)),
        "size_gap": away,
        "size_spread": spread,
        "size_ratio": away * np.array(cfg.sizes) / spread,
    }


KEPT = ("gap", "along", "limit_gap", "limit_along", "chosen", "largest")  # of every model
PARTS = {
    sweeps: (
        *KEPT, "kappa_error", "kappa_gap", "gamma_error", "gamma_gap",
        "alpha_error", "alpha_gap", "alpha_limit",
    ),
    exact: ("exact",),
    sizes: ("size_error", "size_limit", "size_gap", "size_spread", "size_ratio"),
}  # fmt: skip
