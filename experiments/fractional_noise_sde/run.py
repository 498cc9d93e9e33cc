"""Weights, covariances, bridges and likelihoods in closed form; controls by networks.

Shapes: S seeds, I instances, C centres, N counts, J perturbations, R reaches, L laws, T times,
H Hurst indices, E Euler chains, G grid of Hurst indices, B cases of the networks, Q records.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import bridge, control, costs, laws, markov

STREAMS = (
    "share", "offset", "centres", "kicks", "low", "band", "paths", "bridge", "series", "order",
    "nets",
)  # fmt: skip
GRID, SHOWN = (0.1, 0.9), 41  # range of H in the likelihood, times of the standard deviations


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """The parts whose arrays are wanted; seeds [S].

    formula [S, kind, I, 2]: relative errors of random weights by A, b, c and by quadrature
    compared [S, C, N, 2]: relative errors of Riemann's weights and of cfg.weights
    perturbed [S, 1 + J]: of cfg.weights at the first centre, then of perturbed ones
    nested [S, N]: of more and more rates; low [S], reached [S, R], wide [R]: of gamma_max
    cost_curves [C + 1, N, 2]: as compared, of the nominal Hurst indices
    covariance_error, variance_two_sided [S, L]: largest errors
    late [T], ratio [kind, H, T]: variances to the exact ones; scatter [S, H, T]: of samples
    evidence [S, H], chain_evidence, bound [S, H, E], chain_steps [E]: -log p, of chains, -ELBO
    shown [T], spread [S, H, (prior, exact, controlled), T]: standard deviations, finest chain
    profile [S, H, G], known [H], hurst_grid [G]: log-likelihoods a number
    net_bound [S, B, 2], net_std [S, B, T]: -ELBO with its error, and standard deviations
    net_loss [S, B, Q], net_step [Q]; net_time [T], net_exact [B, T], net_best, net_evidence [B]
    """
    streams = keys.split(cfg.seeds, STREAMS)
    draws = drawn(cfg, streams)
    parts = {
        "formula": (("formula",), formulas),
        "weights": (("compared", "perturbed", "nested", "reached"), weights),
        "laws": (("covariance_error", "variance_two_sided", "scatter"), covariances),
        "bridge": (("evidence", "bound", "spread"), bridges),
        "hurst": (("profile",), likelihoods),
    }
    wanted = {name: part for name, (arrays, part) in parts.items() if scratch.wants(*arrays)}
    cells = {name: partial(part, cfg, draws) for name, part in wanted.items()}
    if scratch.wants("net_bound", "net_std", "net_loss"):
        cells["networks"] = partial(networks, cfg, mesh, scratch, streams["nets"])
    found = {"seeds": np.array(cfg.seeds)}
    for part in scratch.cells(cells):
        found |= part
    return found


def drawn(cfg, streams) -> dict[str, np.ndarray]:
    """Of every seed, float64: numbers from U[0, 1), then from N(0, 1).  -> name -> [S, ...]"""
    series = (len(cfg.known), cfg.series, cfg.points)
    flat = {
        "share": (2, cfg.instances, 2), "centres": (len(cfg.centres),), "low": (),
        "band": (cfg.laws,), "bridge": (len(cfg.hursts),), "order": series,
    }  # fmt: skip
    normal = {
        "offset": (2, cfg.instances, cfg.rates), "kicks": (cfg.perturbations, cfg.rates + 1),
        "paths": (cfg.paths, cfg.times, cfg.rates), "series": series,
    }  # fmt: skip
    both = keys.draws(streams, flat, keys.uniform) | keys.draws(streams, normal)
    return {name: x.astype(float) for name, x in both.items()}


def near(cfg, nominal, share) -> np.ndarray:
    """Every seed's Hurst indices.  share [S, H] -> [S, H]"""
    return np.array(nominal) + cfg.moved * (2 * share - 1)


def formulas(cfg, draws) -> dict[str, np.ndarray]:
    how = {"most": cfg.gamma_max, "regular": cfg.gamma == "regularised"}
    return {"formula": costs.formulas(draws["share"], draws["offset"], **how)}


def weights(cfg, draws) -> dict[str, np.ndarray]:
    """Claims c1, c2."""
    hursts = near(cfg, cfg.centres, draws["centres"])
    low = np.interp(draws["low"], (0, 1), cfg.low)
    how = {"kind": cfg.weights, "most": cfg.gamma_max}
    seeds = zip(hursts[:, 0], draws["kicks"], strict=True)
    count = [round(cfg.density * np.log(most)) for most in cfg.reaches]
    wide = cfg.reaches if cfg.reach == "grows" else len(count) * cfg.reaches[:1]
    return {
        "compared": costs.pairs(hursts, cfg.counts, **how),
        "perturbed": np.stack([costs.around(h, kick, **how) for h, kick in seeds]),
        "nested": costs.pairs(hursts[:, 0], cfg.nested, **how)[..., 1],
        "low": low,
        "wide": np.array(cfg.reaches),
        "reached": costs.along(low, count, wide),
        "cost_curves": costs.pairs(np.array([*cfg.centres, 0.9]), cfg.nested, **how),
    }


def covariances(cfg, draws) -> dict[str, np.ndarray]:
    """Claim c3, on the horizon 1; laws from 0.1 on."""
    share = (np.arange(cfg.laws) + draws["band"]) / cfg.laws
    hursts = np.interp(share, (0, 1), cfg.band)
    t, g = np.linspace(0, 1, cfg.times + 1)[1:], markov.rates(cfg.rates, cfg.gamma_max)
    late = np.linspace(0.1, 1, cfg.times)
    errors = np.array([[laws.errors(late, g, h) for h in row] for row in hursts])
    sampled = partial(laws.sampled, t=t, g=g, shared=cfg.noise == "shared")
    return {
        "covariance_error": errors[..., 0],
        "variance_two_sided": errors[..., 1],
        "late": late,
        "ratio": np.stack([laws.ratios(late, g, h) for h in cfg.hursts], axis=1),
        "scatter": np.array([[sampled(k, hurst=h) for h in cfg.hursts] for k in draws["paths"]]),
    }


def bridges(cfg, draws) -> dict[str, np.ndarray]:
    """Claims c4, c5 without networks; all seeds and Hurst indices are members of one chain."""
    hursts = near(cfg, cfg.hursts, draws["bridge"])
    g = markov.rates(cfg.rates, cfg.gamma_max)
    w = np.stack([markov.optimal(g, h, cfg.end) for h in hursts.flat])
    how = {"end": cfg.end, "noise": cfg.sigma, "memory": cfg.control == "all"}
    found = bridge.studies(g, w, cfg.chains, places=SHOWN, **how)
    found = {k: v.reshape(*hursts.shape, *v.shape[1:]) for k, v in found.items()}
    t = np.linspace(0, cfg.end, SHOWN)[1:]
    return found | {"shown": t, "chain_steps": np.array(cfg.chains)}


def likelihoods(cfg, draws) -> dict[str, np.ndarray]:
    """Claim c6, on the horizon 1."""
    t, g = np.linspace(0, 1, cfg.points + 1)[1:], markov.rates(cfg.rates, cfg.gamma_max)
    order = draws["order"] if cfg.order == "shuffled" else None
    grid = np.linspace(*GRID, cfg.grid)
    found = laws.profiles(draws["series"], order, t, g, known=cfg.known, grid=grid)
    return {"profile": found, "hurst_grid": grid, "known": np.array(cfg.known)}


def trainer(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed, sharding.Placed]:
    """begin(keys), train(state, weights, thetas, first step), judge(params, keys, weights, thetas);
    members are seeds and cases, over the data axis."""
    tx = optax.flatten(optax.adam(cfg.lr))
    sizes = {"rates": cfg.rates, "width": cfg.width, "depth": cfg.depth}
    g = tuple(map(float, markov.rates(cfg.rates, cfg.gamma_max)))
    how = {"rates": g, "steps": cfg.steps, "end": cfg.end, "noise": cfg.sigma}
    how |= {"kl": cfg.kl, "gain": cfg.gain}
    train = partial(control.steps, tx=tx, count=cfg.chunk, batch=cfg.batch, **how)
    judge = partial(control.judge, batch=cfg.samples, **how)
    return (
        sharding.vmap_over(mesh, partial(control.begin, tx=tx, **sizes)),
        sharding.vmap_over(mesh, train, shared=(3,)),
        sharding.vmap_over(mesh, judge),
    )


def members(cfg, key):
    """Keys, weights [S B, K] and thetas [S B] of seeds and cases, seeds first."""
    g = markov.rates(cfg.rates, cfg.gamma_max)
    w = np.stack([markov.optimal(g, h, cfg.end) for h in cfg.net_hursts])
    each, many = len(cfg.net_hursts), len(cfg.seeds)
    return jnp.repeat(key, each), np.tile(w, (many, 1)), np.tile(cfg.net_thetas, many)


def records(cfg) -> np.ndarray:
    return np.arange(cfg.chunk, cfg.train_steps + 1, cfg.chunk)


def networks(cfg, mesh: Mesh, scratch, key) -> dict[str, np.ndarray]:
    begin, train, judge = trainer(cfg, mesh)
    own, w, theta = members(cfg, key)
    state, loss = loops.recorded(
        scratch, "control", lambda state, first, _: train(state, w, theta, first),
        begin(own), records(cfg), log=lambda seen: {"loss": seen.mean()},
    )  # fmt: skip
    judged = sharding.gather(judge(state.params, own, w, theta))
    at = np.linspace(0, cfg.steps, SHOWN).round().astype(int)[1:]
    found = {"net_bound": judged["bound"], "net_std": judged["std"][:, at], "net_loss": loss}
    each = len(cfg.seeds), len(cfg.net_hursts)
    found = {k: np.reshape(v, (*each, *v.shape[1:])) for k, v in found.items()}
    cases = markov.rates(cfg.rates, cfg.gamma_max), w[: each[1]], cfg.net_thetas
    t = cfg.end * at / cfg.steps
    found |= bridge.references(*cases, t, steps=cfg.steps, noise=cfg.sigma)
    return found | {"net_step": records(cfg), "net_time": t}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training of all seeds and cases, and its judgement."""
    begin, train, judge = trainer(cfg, mesh)
    key, w, theta = jax.eval_shape(lambda: members(cfg, keys.split(cfg.seeds, STREAMS)["nets"]))
    state = jax.eval_shape(begin, key)
    return [
        train.program("training", state, w, theta, 0, calls=len(records(cfg))),
        judge.program("samples", state.params, key, w, theta, calls=1),
    ]
