"""Networks of all seeds trained; densities of their chains, slopes, detectors, beside exact ones.

Shapes: L looks during training, K modes, M nodes, T levels, X points, R shares kept.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import ddpm, density, detector, model, training

STREAMS = ("data", "net", "samples")
PARTS = 16  # of the training
LOOKS = (1, 2, 4, 8, 16)  # parts after which the density is computed
SMALL = 0.1  # sqrt(1 - abar) up to which slopes are taken
SHOWN, LATE, EXAMPLES = 5000, 60, 4  # samples whose way is kept, its levels, and how many are drawn
CURVES = (0, 5, 20)  # levels of the denoisers drawn
KEPT = np.linspace(0.0, 1.0, 101)  # shares of samples within the modes
LAWS = ("far", "gaps", "weights", "widths", "density")
SLOPES = ("slope", "curve")
DETECTOR = ("auroc", "removed", "positives", "traces")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Of the chain of the network: far [seed, L], gaps [seed, L, K-1]: mass farther than reach from
        every mode, all and between neighbours; weights, widths [seed, L, K]; density [seed, M] at
        the end; exact_far, exact_gaps, exact_weights, exact_widths, exact_density: the exact one's
    slope, exact_slope [seed, T, K-1], [T, K-1]: largest in every gap of the predicted x_0, levels
        of sqrt(1-abar) <= 0.1; curve, exact_curve [level, X] of the first seed; curve_x [X]
    auroc [seed], removed [seed, R], positives [seed]: of the detector;
        traces [kind (out, in), T, sample]: predicted x_0 of the first seed's
    loss [seed, part] if any; look [L], noise [T], nodes [M], share_kept [R], modes [K], reach []
    """
    found = {
        "look": np.array(LOOKS) * cfg.updates // PARTS,
        "noise": schedule(cfg).noise[schedule(cfg).noise <= SMALL],
        "nodes": nodes(cfg),
        "share_kept": KEPT,
        "modes": np.array(cfg.modes),
        "reach": np.array(cfg.reach),
        "curve_x": points(cfg),
    }
    streams = keys.split(cfg.seeds, STREAMS)
    weights, loss = networks(cfg, mesh, scratch, streams)
    parts = {
        "laws": (LAWS, partial(laws, cfg, mesh, weights)),
        "slopes": (SLOPES, partial(slopes, cfg, mesh, weights)),
        "detector": (DETECTOR, partial(detection, cfg, mesh, weights, streams["samples"])),
    }
    for name, (arrays, part) in parts.items():
        if scratch.wants(*arrays, *("exact_" + array for array in arrays)):
            found |= scratch.cached(name, part)
    return found | loss


def schedule(cfg) -> ddpm.Schedule:
    return ddpm.schedule(cfg.beta_first, cfg.beta_last, cfg.levels, cfg.kept)


def nodes(cfg) -> np.ndarray:
    return density.grid(cfg.low, cfg.high, cfg.nodes)


def points(cfg) -> np.ndarray:
    """Between the outer modes, midpoints included."""
    return density.grid(cfg.modes[0], cfg.modes[-1], cfg.slope_points)


def noise_of(cfg, kind: str):
    """A function: weights [P] -> eps(x, level); of the kind "exact" they do not matter."""
    if kind == "exact":
        return lambda weights: ddpm.exact(schedule(cfg), cfg.modes, cfg.std)
    unravel = training.unraveller(width=cfg.width, tied=cfg.tied)
    return lambda weights: partial(model.apply, unravel(weights))


def chain_noise(cfg, kind: str):
    """The same for a chain: a network on the coarse grid alone, it is smooth (mi4)."""
    noise, coarse = noise_of(cfg, kind), nodes(cfg)[:: cfg.coarse]
    return noise if kind == "exact" else lambda weights: ddpm.between(noise(weights), coarse)


def trainer(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed, sharding.Placed]:
    """begin(keys [seed]) -> state; train(state, first update, data) -> (state, {loss, weights});
    data(keys [seed]) -> [seed, n]"""
    structure = {"width": cfg.width, "tied": cfg.tied}
    tx = training.optimiser(cfg.lr, cfg.updates, cosine=cfg.cosine)
    begin = partial(training.begin, tx=tx, **structure)
    how = {"tx": tx, "schedule": schedule(cfg), "batch": cfg.batch, "count": cfg.updates // PARTS}
    train = partial(training.steps, unravel=training.unraveller(**structure), **how)
    data = partial(training.dataset, modes=cfg.modes, std=cfg.std, count=cfg.data)
    train_all = sharding.vmap_over(mesh, train, shared=(1,))
    return sharding.vmap_over(mesh, begin), train_all, sharding.vmap_over(mesh, data)


def networks(cfg, mesh: Mesh, scratch, streams) -> tuple[np.ndarray, dict]:
    """Weights after every part of the training, [seed, PARTS, P], and the losses."""
    if cfg.denoiser != "net":
        return np.zeros((len(cfg.seeds), PARTS, 1), np.float32), {}
    begin, train, dataset = trainer(cfg, mesh)
    data = dataset(streams["data"])
    _, seen = loops.recorded(
        scratch,
        "training",
        lambda state, first, _: train(state, first, data),
        begin(streams["net"]),
        cfg.updates // PARTS * (1 + np.arange(PARTS)),
        log=lambda seen: {"loss": seen["loss"].mean()},
    )
    return seen["weights"], {"loss": seen["loss"]}


def propagation(cfg, mesh: Mesh, kind: str) -> sharding.Placed:
    """weights [member, P] -> the chain's law and its summary, [member, …]"""
    noise = chain_noise(cfg, kind)
    refine = cfg.refine if kind == "exact" else 1

    def propagate(weights):
        law = density.law(noise(weights), schedule(cfg), nodes(cfg), refine=refine)
        return law, density.summary(law, cfg.modes, cfg.reach)

    return sharding.vmap_over(mesh, propagate)


def laws(cfg, mesh: Mesh, weights) -> dict[str, np.ndarray]:
    """Of all seeds and looks together, and of the exact denoiser."""
    looked = weights[:, np.array(LOOKS) - 1]
    members = looked.reshape(-1, looked.shape[-1])
    laws, each = sharding.gather(propagation(cfg, mesh, cfg.denoiser)(members))
    exact, only = sharding.gather(propagation(cfg, mesh, "exact")(members[:1]))
    each = {name: x.reshape(*looked.shape[:2], *x.shape[1:]) for name, x in each.items()}
    x, mass = (x[len(LOOKS) - 1 :: len(LOOKS)] for x in laws)
    each["density"] = density.spread(x, mass, nodes(cfg))
    only["density"] = density.spread(exact.x, exact.mass, nodes(cfg))
    return each | {"exact_" + name: x[0] for name, x in only.items()}


def slopes(cfg, mesh: Mesh, weights) -> dict[str, np.ndarray]:
    """Of finished networks and of the exact denoiser."""
    x, small = points(cfg), np.flatnonzero(schedule(cfg).noise <= SMALL)
    levels = np.concatenate([small, CURVES])
    gap = np.searchsorted(cfg.modes, x[1:-1], side="right") - 1
    found: dict[str, np.ndarray] = {}
    for prefix, kind in (("", cfg.denoiser), ("exact_", "exact")):
        noise = noise_of(cfg, kind)

        def of(weights, noise=noise):
            return ddpm.slopes(noise(weights), schedule(cfg), x, levels)

        value, slope = sharding.gather(sharding.vmap_over(mesh, of)(weights[:, -1]))
        inner = slope[:, : len(small), 1:-1]
        each = [inner[:, :, gap == k].max(-1) for k in np.unique(gap)]
        found |= {prefix + "slope": np.stack(each, -1), prefix + "curve": value[0, len(small) :]}
    found["exact_slope"] = found["exact_slope"][0]
    return found


def sampler(cfg, mesh: Mesh) -> sharding.Placed:
    """weights [seed, P], keys [seed] -> Samples of every seed."""
    noise = chain_noise(cfg, cfg.denoiser)
    how = {"count": cfg.samples, "window": cfg.window, "shown": SHOWN}

    def sample(weights, key):
        return ddpm.sample(key, noise(weights), schedule(cfg), **how)

    return sharding.vmap_over(mesh, sample)


def detection(cfg, mesh: Mesh, weights, key) -> dict[str, np.ndarray]:
    """Samples of the finished networks, judged by their trajectories."""
    made = sharding.gather(sampler(cfg, mesh)(weights[:, -1], key))
    how = cfg.modes, cfg.reach
    judged = [detector.judged(x, v, *how, KEPT) for x, v, _ in zip(*made, strict=True)]
    first = made.x[0, :SHOWN], made.trace[0, :LATE]
    return loops.stack(judged) | {"traces": detector.examples(*first, cfg.modes, EXAMPLES)}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training, the densities of all looks, and the detector's samples."""
    begin, train, dataset = trainer(cfg, mesh)
    streams = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS))
    state, data = jax.eval_shape(begin, streams["net"]), jax.eval_shape(dataset, streams["data"])
    trains = cfg.denoiser == "net"
    own = state.weights if trains else jax.ShapeDtypeStruct((len(cfg.seeds), 1), jnp.float32)
    looked = jax.eval_shape(lambda x: jnp.repeat(x, len(LOOKS), axis=0), own)
    return [
        train.program("training", state, 0, data, calls=PARTS * trains),
        propagation(cfg, mesh, cfg.denoiser).program("densities", looked, calls=1),
        sampler(cfg, mesh).program("samples", own, streams["samples"], calls=1),
    ]
