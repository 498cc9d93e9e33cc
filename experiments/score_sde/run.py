"""Mixtures with their exact score, and score networks of images, seeds side by side.

Shapes: S seeds, B batch, H x W x C pixels, N steps.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import keys, loops, sharding
from common.nn import film, unet
from common.nn import training as frame
from common.nn.net import Net
from common.placement import Ensemble
from common.programs import Program
from common.sde import distances, mixture, processes

from . import evaluation, images, measure, toy, training

TRIES = 26  # of the step control in a solve: as many as at smoke
STREAMS = ("paths", "marginals", "likelihood", "samplers", "train", "test", "pictures")
SDES = ("vp", "subvp", "ve")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """The parts named in cfg.parts; `sde` runs over cfg.sdes, `net` over cfg.net_sdes.

    paths: reverse SDE and flow from the same starts in 1-D, VP, first seed: sde_paths and
        flow_paths [N, path], path_density [N, X] (p_t), path_grid [X], path_times [N]
    marginals: w1_flow [seed, sde] sliced W1 between SDE and flow; null_mean, null_std of its
        logarithm after relabelling points
    likelihood: logp_error [seed, sde, tol] (nats), nfe [seed, sde, tol], tolerance [tol]
    samplers: distance_ve [seed, sampler, calls] sliced W1 to data, rows as in measure.SAMPLERS;
        distance_vp the same for measure.FEW; distance_floor [seed] the floor, data to
        data; calls [calls]
    nets: bpd, bpd_stderr (over probes), net_nfe [seed, net]; loss [seed, net, chunk], loss_steps
        [chunk]; generated, observed, inpainted [picture, H, W, C] by the first net and seed
    """
    streams = keys.split(cfg.seeds, STREAMS)
    parts = {
        "paths": lambda: paths(*noise(cfg, ["vp"]), streams["paths"]),
        "marginals": lambda: compared(cfg, *marginals(cfg, mesh), streams["marginals"]),
        "likelihood": lambda: likelihood(cfg, mesh, streams["likelihood"]),
        "samplers": lambda: sampler_table(cfg, mesh, streams["samplers"]),
        "nets": lambda: networks(cfg, mesh, scratch),
    }
    found = scratch.cells({name: parts[name] for name in cfg.parts})
    return {name: array for part in found for name, array in part.items()}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training of every net, of all seeds or one of many; samples. Bits are 1 % of a training."""
    kind, (ensemble, _, begin, train, _) = images.SETS[cfg.dataset], trainer(cfg, mesh)
    rounds = ensemble.rounds(len(cfg.seeds))
    first = cfg.seeds[rounds[0]]
    all_keys, few = jax.eval_shape(lambda: (keys.fold(cfg.seeds), keys.fold(first)))
    state = jax.eval_shape(begin, few)
    known = jax.ShapeDtypeStruct((kind.count, *kind.shape), jnp.uint8)
    nets = len(rounds) * len(set(cfg.net_sdes)) * ("nets" in cfg.parts)
    calls, sets = nets * (cfg.train_steps // cfg.chunk), len(cfg.sdes) * ("marginals" in cfg.parts)
    samples = marginals(cfg, mesh)[0]
    return [
        train.program("training", state, 0, known, 0, calls=calls),
        samples.program("samples", all_keys, 0, calls=sets, trips=TRIES),
    ]


def noise(cfg, names) -> list[processes.SDE]:
    """The SDEs of these names with the config's noise schedules."""
    linear, ve = (cfg.beta_min, cfg.beta_max), processes.ve(cfg.sigma_min, cfg.sigma_max)
    sdes = {"vp": processes.vp(*linear), "subvp": processes.subvp(*linear), "ve": ve}
    return [sdes[name] for name in names]


def over(mesh, fn, shared=()) -> sharding.Placed:
    return sharding.vmap_over(mesh, fn, shared=shared)


def paths(sde, key) -> dict[str, np.ndarray]:
    """Figure 2 of the paper in one dimension, for the first seed."""
    grid, times = jnp.linspace(-3.0, 3.0, 61), np.linspace(1.0, sde.eps, 150)
    solve = partial(toy.paths, sde=sde, count=6, steps=len(times), grid=grid)
    return jax.jit(lambda keys: solve(keys[0]))(key) | {"path_grid": grid, "path_times": times}


def marginals(cfg, mesh):
    """Claim s1: samples(keys, which of cfg.sdes), and gap(keys, *samples)."""
    how = {"points": cfg.points, "steps": cfg.steps, "weight": cfg.flow_weight}
    how |= {"tol": cfg.flow_tol, "mix": mixture.ring(cfg.modes, std=cfg.mode_std)}
    null = {"directions": cfg.directions, "permutations": cfg.permutations}
    samples = partial(toy.both_ways, sdes=noise(cfg, cfg.sdes), **how)
    return over(mesh, samples, shared=(1,)), over(mesh, partial(toy.gap, **null))


def compared(cfg, samples, gap, key) -> dict[str, np.ndarray]:
    """Every SDE has random numbers of its own."""
    own = jax.jit(jax.vmap(jax.random.fold_in, (0, None)))
    streams = [own(key, SDES.index(name)) for name in cfg.sdes]
    found = [gap(stream, *samples(stream, i)) for i, stream in enumerate(streams)]
    return loops.stack(sharding.gather(found), axis=1)


def likelihood(cfg, mesh, key) -> dict[str, np.ndarray]:
    """Claim s2, for every SDE and tolerance, in float64."""
    with jax.enable_x64(True):
        mix = mixture.ring(cfg.modes, std=cfg.mode_std, dtype=jnp.float64)
        how = {"points": cfg.density_points, "weight": cfg.flow_weight, "mix": mix}
        how |= {"tolerances": jnp.asarray(cfg.tolerances), "sdes": noise(cfg, cfg.sdes)}
        error = over(mesh, partial(toy.likelihood_error, **how), shared=(1,))
        found = [sharding.gather(error(key, i)) for i in range(len(cfg.sdes))]
    errors, calls = loops.stack(found, axis=1)
    return {"logp_error": errors, "nfe": calls, "tolerance": np.array(cfg.tolerances)}


def sampler_table(cfg, mesh, key) -> dict[str, np.ndarray]:
    """Claims s3 and s4: every sampler at equal numbers of score calls."""
    mix, distance = mixture.ring(cfg.modes, std=cfg.mode_std), over(mesh, distances.sliced_w1)
    of, sdes = {"mix": mix, "points": cfg.table_points}, noise(cfg, cfg.table_sdes)
    draws = over(mesh, partial(toy.draws, directions=cfg.directions, **of))(key)
    start = over(mesh, partial(toy.prior, sdes=sdes, points=cfg.table_points), shared=(1,))
    sample = over(mesh, partial(toy.sampled, sdes=sdes, mix=mix, snr=cfg.snr), shared=(2,))

    def table(which, rows):
        x1, ways = start(draws.start, which), toy.ways(sdes, which, rows, cfg.calls, cfg.predict)
        found = [distance(sample(draws.noise, x1, way), draws.data, draws.theta) for way in ways]
        return np.stack(sharding.gather(found), -1).reshape(-1, len(rows), len(cfg.calls))

    rows = {"ve": measure.SAMPLERS, "vp": measure.FEW}
    tables = {f"distance_{name}": table(i, rows[name]) for i, name in enumerate(cfg.table_sdes)}
    floor = sharding.gather(distance(draws.other, draws.data, draws.theta))
    return tables | {"distance_floor": floor, "calls": np.array(cfg.calls)}


def network(cfg, shape) -> Net:
    """The config's network for images [H, W, C]."""
    if cfg.net == "mlp":
        return film.net(int(np.prod(shape)), cfg.width, cfg.features)
    structure = {k: cfg[k] for k in ("width", "mults", "blocks", "attention")}
    return unet.net(shape, cfg.features, **structure)


def trainer(cfg, mesh):
    """Ensemble of seeds, net, begin(key) -> state, train(state, first step, images, which SDE) ->
    (state, mean loss) and judge(weights, key, images, which SDE) -> bits.
    """
    kind = images.SETS[cfg.dataset]
    ensemble = Ensemble(mesh, cfg.shard, fully=False)  # activations are more; splitting is slower
    net, tx = network(cfg, kind.shape), training.optimiser(cfg.lr, cfg.warmup, cfg.clip)
    begin = partial(frame.begin, init=net.init, tx=tx, averaged=True)
    state = jax.eval_shape(begin, jax.eval_shape(lambda: jax.random.key(0)))
    sdes = noise(cfg, dict.fromkeys(cfg.net_sdes))
    both = {"net": net, "sdes": sdes, "levels": kind.levels, "place": ensemble.place}
    how = {"tx": tx, "count": cfg.chunk} | {k: cfg[k] for k in ("ema", "batch", "flips")} | both
    step = partial(training.steps, place_weights=ensemble.place_weights, **how)
    bits = partial(evaluation.bits_of, batch=cfg.eval_batch, probes=cfg.probes, **both)
    weights, rest = ensemble.weights(state.average), (P(), P(), P())
    train = ensemble.train(step, state, *rest, shared=(1, 2, 3))
    judge = ensemble.over(bits, weights, *rest, shared=(2, 3))
    return ensemble, net, ensemble.begin(begin, state), train, judge


def networks(cfg, mesh, scratch) -> dict[str, np.ndarray]:
    """Claim s5: one net for every SDE, of one architecture, from one start, on the same batches."""
    kind, (ensemble, net, begin, train, judge) = images.SETS[cfg.dataset], trainer(cfg, mesh)
    data = scratch.data(kind.data)
    known, new = (images.resized(np.asarray(x), kind.shape) for x in (data.x_train, data.x_test))
    known, at = sharding.put(known, mesh), cfg.chunk * (1 + np.arange(cfg.train_steps // cfg.chunk))
    how = {"net": net, "levels": kind.levels, "steps": cfg.picture_steps, "snr": cfg.snr}
    paint = jax.jit(partial(evaluation.pictures, sde=noise(cfg, cfg.net_sdes)[0], **how))
    names = list(dict.fromkeys(cfg.net_sdes))  # a control trains one net for both

    def study(name, seeds):
        """One net of some seeds, from start to end.  -> loss [S, chunk], bits [S] each"""
        key, which = keys.split(seeds, STREAMS), names.index(name)
        state, losses = loops.recorded(
            scratch,
            f"{name}-{seeds[0]}",
            lambda state, first, _: train(state, first, known, which),
            begin(key["train"]),
            at,
            log=lambda seen: {f"loss_{name}": seen.mean()},
        )
        found = {"loss": losses} | judge(state.average, key["test"], new[: cfg.eval_points], which)
        if cfg.pictures and (name, seeds[0]) == (cfg.net_sdes[0], cfg.seeds[0]):
            found |= paint(state.average, key["pictures"], new[: cfg.pictures])
        return found

    rounds = [cfg.seeds[part] for part in ensemble.rounds(len(cfg.seeds))]
    cells = {f"{name}-{s[0]}": partial(study, name, s) for name in names for s in rounds}
    found = scratch.cells(cells, "net")
    drawn = {k: found[0].pop(k) for k in evaluation.PICTURES if k in found[0]}
    each = [found[i : i + len(rounds)] for i in range(0, len(found), len(rounds))]
    each = [jax.tree.map(lambda *x: np.concatenate(x), *net) for net in each]
    arrays = loops.stack([each[names.index(name)] for name in cfg.net_sdes], axis=1)
    return arrays | drawn | {"loss_steps": at.astype(float)}
