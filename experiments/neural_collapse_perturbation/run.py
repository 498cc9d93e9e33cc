"""The flow, minimisers of many (H_0, labels, penalties), their chain, and perceptrons.

Shapes: S seeds, L members of an ensemble (split over the mesh), K classes, d width, N examples.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.nn import collapse
from common.programs import Program

from . import model, network, problems, theory

PIXELS = {"digits": 64, "mnist": 784, "fashion_mnist": 784, "cifar10": 3072}
MANY = 10  # classes of every data set
NETS = ("net_nc1", "net_start", "net_error")
NEAR = ("near_error", "near_size", "near_shrink", "near_law")
SOLVED = ("start", "found", "raised", "raised_law", "far", *NEAR)
COPIED = "link_vicinities", "vicinities", "near_noises", "net_factors"


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Metrics are for the true labels, always; "metric" is (NC1, tr Sigma_W / tr Sigma_B).

    flow [seed, noise, lambda_H, metric, T]: of the first draw, times [T]
    flow_rises [seed, draw, noise, lambda_H, metric]: records at which the metric rose
    link [seed, beta]: |minimiser - flow at 1 / beta| / |H_0|
    start [seed, draw, metric], found [seed, draw, beta, metric]: random H_0 and their minimisers
    near_error, near_size, near_shrink, near_law: see `problems.compared`
    raised [seed, scale, beta, 3], raised_law [scale, beta, 3]: NC1 of the minimiser over that of
        H_0, where lambda_W, lambda_H = low, low; high, low; low, high
    far [seed, draw, 2]: NC1 with lambda_W, lambda_H = high, low; low, high from random H_0
    chain [seed, layer, metric], H_0 first
    net_nc1 [seed, group, factor, layer]: trained, the decay of hidden (group 0) or last weights
        times the factor; net_start [seed, layer]; net_error [seed, group, factor]: wrong answers
    link_vicinities, vicinities, near_noises, net_factors: as set
    """
    arrays = {name: np.array(cfg[name]) for name in COPIED}
    arrays["times"] = np.linspace(0, cfg.flow_span, cfg.flow_records + 1)
    shapes = problems.shapes(cfg.draws, cfg.dim, cfg.classes, cfg.per_class)
    draw = keys.draws(keys.split(cfg.seeds, problems.STREAMS), shapes)
    parts = {
        "flow": (("flow", "flow_rises"), partial(flows, cfg, mesh, draw)),
        "link": (("link",), partial(links, cfg, mesh, draw)),
        "chain": (("chain",), partial(chains, cfg, mesh, draw)),
        "minimisers": (SOLVED, partial(minimisers, cfg, mesh, draw)),
        "networks": (NETS, partial(networks, cfg, mesh, scratch)),
    }
    todo = {name: part for name, (made, part) in parts.items() if scratch.wants(*made)}
    for found in scratch.cells(todo):
        arrays |= found
    return arrays


def true_labels(cfg) -> np.ndarray:
    return collapse.blocks((cfg.per_class,) * cfg.classes)


def members(cfg, draw, starts, penalties):
    """-> H_0 [L, d, N], labels that W is fitted to [L, K, N], Penalty [L]"""
    args = draw, true_labels(cfg), starts, penalties
    return problems.members(*args, mislabelled=cfg.mislabelled)


def random_members(cfg, draw, count: int, noises, vicinities, features=()):
    """Random starts with every noise, under every lambda_H (by default the one) and beta."""
    starts = problems.random(draw, true_labels(cfg), count, noises)
    penalties = problems.ladder((cfg.last,), features or (cfg.features,), vicinities)
    return members(cfg, draw, starts, penalties)


def flows(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    args = cfg.flow_draws, cfg.flow_noises, (0.0,), cfg.flow_features
    found = sharding.gather(flowing(cfg, mesh)(*random_members(cfg, draw, *args)))
    axes = len(cfg.seeds), cfg.flow_draws, len(cfg.flow_noises), len(cfg.flow_features)
    found = found.reshape(*axes, *found.shape[1:])
    return {"flow": found[:, 0], "flow_rises": problems.rises(found)}


def links(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    args = random_members(cfg, draw, 1, (cfg.spread,), cfg.link_vicinities)
    return {"link": sharding.gather(linking(cfg, mesh)(*args)).reshape(len(cfg.seeds), -1)}


def chains(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    args = random_members(cfg, draw, 1, (cfg.chain_noise,), (cfg.chain_vicinity,))
    return {"chain": sharding.gather(chaining(cfg, mesh)(*args))}


def minimisers(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    """Four groups in one call: beta from small to large, near collapse, penalties raised, far."""
    labels, seeds, how = true_labels(cfg), len(cfg.seeds), {"centred": cfg.centred}
    near = np.stack([cfg.near_last, cfg.near_features, cfg.near_vicinities], axis=1)
    rows = problems.raised(cfg.low, cfg.high, cfg.raised_vicinities)
    swap = [(cfg.high, cfg.low, cfg.far_vicinity), (cfg.low, cfg.high, cfg.far_vicinity)]
    far = problems.random(draw, labels, cfg.far_draws, (cfg.far_noise,))
    close = partial(problems.near_collapse, draw, labels, **how)
    groups = [
        random_members(cfg, draw, cfg.vicinity_draws, (cfg.spread,), cfg.vicinities),
        members(cfg, draw, close(cfg.scales[:1], cfg.near_noises), near),
        members(cfg, draw, close(cfg.scales, (cfg.raised_noise,)), rows),
        members(cfg, draw, far, swap),
    ]
    args = jax.tree.map(lambda *each: np.concatenate(each), *groups)
    found, metrics = sharding.gather(solving(cfg, mesh)(*args))  # [L, d, N], [L, (H_0, H), metric]
    ends = np.cumsum([len(H0) for H0, *_ in groups])[:-1]
    both, _, lifted, far = np.split(metrics, ends)
    both = both.reshape(seeds, cfg.vicinity_draws, -1, 2, 2)
    axes = len(cfg.scales), len(cfg.raised_vicinities), 3
    law = [[theory.reduction(scale, *row) for row in rows] for scale in cfg.scales]
    H = np.split(found, ends)[1].reshape(seeds, -1, len(near), *found.shape[1:])
    args = H, draw, labels, cfg.near_noises, near
    return problems.compared(*args, length=cfg.scales[0], **how) | {
        "start": both[:, :, 0, 0],
        "found": both[:, :, :, 1],
        "raised": (lifted[:, 1, 0] / lifted[:, 0, 0]).reshape(seeds, *axes),
        "raised_law": np.reshape(law, axes),
        "far": far[:, 1, 0].reshape(seeds, cfg.far_draws, 2),
    }


def networks(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """One group's weight decay times every factor, the other's as it is."""
    layers, data = net_sizes(cfg), scratch.data(cfg.dataset)
    shapes = network.numbers(layers, len(data.y_train), MANY * cfg.net_per_class)
    draw = keys.draws(keys.split(cfg.seeds, network.STREAMS), shapes)
    decays = network.decays(cfg.net_decay, cfg.net_factors)
    how = {"per_class": cfg.net_per_class, "mislabelled": cfg.mislabelled}
    args = network.members(draw, data, layers, net_labels(cfg), decays, **how)
    nc1, error = sharding.gather(training(cfg, mesh)(*args))
    axes = len(cfg.seeds), 2, len(cfg.net_factors)
    before, after = np.moveaxis(nc1.reshape(*axes, 2, -1), 3, 0)
    return {"net_nc1": after, "net_start": before[:, 0, 0], "net_error": error.reshape(axes)}


def net_sizes(cfg):
    return network.sizes(PIXELS[cfg.dataset], cfg.net_width, cfg.net_hidden, MANY)


def net_labels(cfg) -> np.ndarray:
    return collapse.blocks((cfg.net_per_class,) * MANY, cfg.net_dtype)


def flowing(cfg, mesh: Mesh) -> sharding.Placed:
    how = {"span": cfg.flow_span, "records": cfg.flow_records, "steps": cfg.flow_steps}
    return sharding.vmap_over(mesh, partial(model.flow, labels=true_labels(cfg), **how))


def linking(cfg, mesh: Mesh) -> sharding.Placed:
    how = {"pace": cfg.pace, "steps": cfg.link_steps} | stop(cfg)
    return sharding.vmap_over(mesh, partial(model.link, **how))


def chaining(cfg, mesh: Mesh) -> sharding.Placed:
    how = {"labels": true_labels(cfg), "layers": cfg.chain_layers} | stop(cfg)
    return sharding.vmap_over(mesh, partial(model.chain, **how))


def solving(cfg, mesh: Mesh) -> sharding.Placed:
    """One at a time: their turns differ by a factor of 100, as beta does."""
    solve = partial(model.solve, labels=true_labels(cfg), **stop(cfg))
    return sharding.vmap_over(mesh, solve, at_once=1)


def stop(cfg) -> dict[str, float]:
    return {"tol": cfg.tol, "most": cfg.most}


def training(cfg, mesh: Mesh) -> sharding.Placed:
    how = {"lr": cfg.net_lr, "momentum": cfg.net_momentum, "steps": cfg.net_steps}
    return sharding.vmap_over(mesh, partial(network.fit, labels=net_labels(cfg), **how))


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Networks, minimisers, flows; chains and links are short."""
    seeds, count = len(cfg.seeds), MANY * cfg.net_per_class
    shape, runs = jax.ShapeDtypeStruct, seeds * 2 * len(cfg.net_factors)
    numbers = shape((runs, network.count(net_sizes(cfg))), cfg.net_dtype)
    net = jax.eval_shape(partial(network.init, shapes=net_sizes(cfg)), numbers)
    x = shape((runs, count, PIXELS[cfg.dataset]), cfg.net_dtype)
    y, decays = (shape((runs, *size), cfg.net_dtype) for size in ((MANY, count), (2,)))

    def ensemble(size):
        examples = cfg.classes * cfg.per_class
        both = [shape((size, rows, examples), float) for rows in (cfg.dim, cfg.classes)]
        return *both, model.Penalty(*[shape((size,), float)] * 3)

    flow = cfg.flow_draws * len(cfg.flow_noises) * len(cfg.flow_features)
    solved = cfg.vicinity_draws * len(cfg.vicinities) + len(cfg.near_noises) * len(cfg.near_last)
    solved += 3 * len(cfg.scales) * len(cfg.raised_vicinities) + 2 * cfg.far_draws
    return [
        training(cfg, mesh).program("perceptrons", net, x, y, decays, calls=1),
        solving(cfg, mesh).program("minimisers", *ensemble(seeds * solved), calls=1),
        flowing(cfg, mesh).program("flows", *ensemble(seeds * flow), calls=1),
    ]
