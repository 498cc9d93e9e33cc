"""Mixtures with their exact score, and score networks of images, seeds side by side.

Shapes: S seeds, B batch, H x W x C pixels (C only for the U-Net), N steps.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import sharding
from common.sde import mixture, processes, samplers

from . import evaluation, measure, model, toy, training, unet

# Streams of random numbers of a seed.
STREAMS = PATHS, MARGINALS, LIKELIHOOD, SAMPLERS, TRAIN, TEST, PICTURES = range(7)
NAMES = ("vp", "subvp", "ve")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """The parts named in cfg.parts; `sde` runs over cfg.sdes, `net` over cfg.net_sdes.

    paths: reverse SDE and flow from the same starts in 1-D, VP, first seed: sde_paths and
        flow_paths [N, path], path_density [N, X] (p_t), path_grid [X], path_times [N]
    marginals: w1_flow [seed, sde] sliced W1 between SDE and flow; null_mean, null_std of its
        logarithm after relabelling points; floor, that of two samples of the data
    likelihood: logp_error [seed, sde, tol] (nats), nfe [seed, sde, tol], tolerance [tol]
    samplers: distance_ve [seed, sampler, calls] sliced W1 to data, rows as in measure.SAMPLERS;
        distance_vp the same for measure.FEW; distance_floor [seed] data to data; calls [calls]
    nets: bpd, bpd_stderr (over probes), net_nfe [seed, net]; loss [seed, net, chunk], loss_steps
        [chunk]; generated, observed, inpainted [picture, H, W, C] by the first net and seed
    """
    parts = {
        "paths": lambda: trajectories(cfg),
        "marginals": lambda: marginals(cfg, mesh, scratch),
        "likelihood": lambda: likelihood(cfg, mesh),
        "samplers": lambda: sampler_table(cfg, mesh, scratch),
        "nets": lambda: networks(cfg, mesh, scratch),
    }
    arrays = {}
    for name in cfg.parts:
        arrays |= scratch.cached(name, parts[name])
    return arrays


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """A chunk of training, and its arguments' shapes; batches over the data axis in `paper`."""
    shape, levels, count = {
        "digits": ((8, 8, 1), 17, 1347),
        "mnist14": ((14, 14, 1), 256, 60_000),
        "cifar10": ((32, 32, 3), 256, 50_000),
    }[cfg.dataset]
    net, sde = network(cfg, shape), process(cfg, cfg.net_sdes[0])
    seeds = len(cfg.seeds)
    whole = sharding.sharded(mesh)

    def placed(x):
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=whole)

    start = jax.vmap(partial(begin, cfg, net))
    state = jax.tree.map(placed, jax.eval_shape(start, jnp.zeros(seeds, jnp.uint32)))
    images = placed(jax.ShapeDtypeStruct((count, *shape), jnp.uint8))
    at = jax.ShapeDtypeStruct((seeds,), jnp.int32, sharding=whole)
    chunk = chunk_of(cfg, mesh, net, sde, levels)
    if cfg.shard == "batch":
        return over_mesh(cfg, mesh, chunk, None)[0], (state, at, images)
    chunk, _ = over_mesh(cfg, mesh, chunk, np.zeros(images.shape, np.uint8))
    return chunk, (state, at)


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`: the chunks of every net."""
    return len(cfg.net_sdes) * (cfg.train_steps // cfg.chunk) if "nets" in cfg.parts else 0


def process(cfg, name: str) -> processes.SDE:
    """The SDE of that name with the config's noise schedule."""
    if name == "ve":
        return processes.ve(cfg.sigma_min, cfg.sigma_max)
    return {"vp": processes.vp, "subvp": processes.subvp}[name](cfg.beta_min, cfg.beta_max)


def key_of(seed, stream: int):
    return jax.random.split(jax.random.key(seed), len(STREAMS))[stream]


def over_seeds(cfg, mesh, fn) -> Any:
    """fn(seed []) for all seeds, as NumPy arrays [S, …]."""
    seeds = jnp.asarray(cfg.seeds, jnp.uint32)
    return sharding.gather(sharding.vmap_over(mesh, fn)(seeds))


def trajectories(cfg) -> dict[str, np.ndarray]:
    """Figure 2 of the paper in one dimension: two modes, VP."""
    sde = process(cfg, "vp")
    mix = mixture.Mixture(jnp.array([0.4, 0.6]), jnp.array([[-1.0], [1.0]]), jnp.full(2, 0.2))
    grid, steps = jnp.linspace(-3.0, 3.0, 61), 150
    solve = jax.jit(partial(toy.paths, sde=sde, mix=mix, count=6, steps=steps, grid=grid))
    noisy, smooth, density = solve(key_of(cfg.seeds[0], PATHS))
    times = np.linspace(1.0, sde.eps, steps)
    return {
        "sde_paths": noisy,
        "flow_paths": smooth,
        "path_density": density,
        "path_grid": grid,
        "path_times": times,
    }


def marginals(cfg, mesh, scratch) -> dict[str, np.ndarray]:
    """Claim s1, for every SDE."""
    mix = mixture.ring(cfg.modes, std=cfg.mode_std)

    def of(name):
        return over_seeds(
            cfg,
            mesh,
            lambda seed: toy.marginal_gap(
                jax.random.fold_in(key_of(seed, MARGINALS), NAMES.index(name)),
                process(cfg, name),
                mix,
                points=cfg.points,
                steps=cfg.steps,
                directions=cfg.directions,
                permutations=cfg.permutations,
                weight=cfg.flow_weight,
                tol=cfg.flow_tol,
            ),
        )

    found = [scratch.cached(f"marginals-{name}", partial(of, name)) for name in cfg.sdes]
    return {key: np.stack([f[key] for f in found], axis=1) for key in found[0]}


def likelihood(cfg, mesh) -> dict[str, np.ndarray]:
    """Claim s2, for every SDE and tolerance, in float64."""

    def of(name):
        mix = mixture.ring(cfg.modes, std=cfg.mode_std, dtype=jnp.float64)
        solve = partial(
            toy.likelihood_error,
            sde=process(cfg, name),
            mix=mix,
            tolerances=jnp.asarray(cfg.tolerances),
            points=cfg.density_points,
            weight=cfg.flow_weight,
        )
        return over_seeds(cfg, mesh, lambda seed: solve(key_of(seed, LIKELIHOOD)))

    with jax.enable_x64(True):
        errors, calls = (np.stack(x, axis=1) for x in zip(*map(of, cfg.sdes), strict=True))
    return {"logp_error": errors, "nfe": calls, "tolerance": np.array(cfg.tolerances)}


def sampler_table(cfg, mesh, scratch) -> dict[str, np.ndarray]:
    """Claims s3 and s4: every sampler at equal numbers of score calls."""
    mix = mixture.ring(cfg.modes, std=cfg.mode_std)
    judge = over_seeds_of_samples(cfg, mesh, mix)
    alone = {"corrector": partial(samplers.langevin, snr=cfg.snr), "predictor": None}

    def pair(predictor):
        return alone | ({"predictor": predictor} if cfg.predict else {"corrector_steps": 2})

    rows = {
        measure.P_SDE: {"predictor": samplers.reverse_diffusion},
        measure.PC_SDE: pair(samplers.reverse_diffusion),
        measure.P_FLOW: {"predictor": samplers.flow_step},
        measure.PC_FLOW: pair(samplers.flow_step),
        measure.P_EULER: {"predictor": toy.flow_euler},
        measure.PC_EULER: pair(toy.flow_euler),
        measure.C_ONLY: alone,
    }

    def row(name, sampler):
        cells = [judge(process(cfg, name), rows[sampler], n) for n in cfg.calls]
        distance, floor = (np.stack(x, axis=1) for x in zip(*cells, strict=True))
        return {"distance": distance, "floor": floor[:, 0]}

    arrays = {"calls": np.array(cfg.calls)}
    for name in cfg.table_sdes:
        wanted = measure.SAMPLERS if name == "ve" else measure.FEW
        found = [
            scratch.cached(f"{name} {sampler}", partial(row, name, sampler)) for sampler in wanted
        ]
        arrays[f"distance_{name}"] = np.stack([f["distance"] for f in found], axis=1)
        arrays["distance_floor"] = found[0]["floor"]
    return arrays


def over_seeds_of_samples(cfg, mesh, mix):
    """judge(sde, options of sample, calls) -> (distance [S], floor [S])"""
    seeds = jnp.asarray(cfg.seeds, jnp.uint32)

    def distance(seed, x):
        key = jax.random.fold_in(key_of(seed, SAMPLERS), 0)
        return toy.distance_to_data(key, x, mix, cfg.directions)

    measured = sharding.vmap_over(mesh, distance)

    def judge(sde, options, calls):
        each = (options["predictor"] is not None) + options.get("corrector_steps", 1) * (
            "corrector" in options
        )
        score = mixture.exact_score(mix, sde)

        def draw(seed):
            start_key, key = jax.random.split(jax.random.fold_in(key_of(seed, SAMPLERS), 1))
            x1 = processes.prior_sample(start_key, sde, (cfg.table_points, 2))
            return samplers.sample(key, sde, score, x1, steps=calls // each, **options)

        return sharding.gather(measured(seeds, sharding.vmap_over(mesh, draw)(seeds)))

    return judge


def network(cfg, shape) -> training.Net:
    """The config's network for images [H, W, C]."""
    if cfg.net == "mlp":
        pixels = int(np.prod(shape))
        init = partial(model.init, pixels=pixels, width=cfg.width, features=cfg.features)
        return training.Net(init, model.embed, model.apply)
    structure = {k: cfg[k] for k in ("width", "mults", "blocks", "attention")}
    init = partial(unet.init, shape=shape, features=cfg.features, **structure)
    embed = partial(unet.embed, features=cfg.features)
    return training.Net(init, embed, partial(unet.apply, **structure))


def images_of(cfg, scratch):
    """uint8 images of the data set [n, H, W, C], training and test, and their grey levels."""
    data = scratch.data("mnist" if cfg.dataset == "mnist14" else cfg.dataset)
    train, test = np.asarray(data.x_train), np.asarray(data.x_test)
    if cfg.dataset == "mnist14":

        def pool(x):
            blocks = x.reshape(-1, 14, 2, 14, 2).astype(np.float32)
            return np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)

        train, test = pool(train), pool(test)
    if train.ndim == 3:
        train, test = train[..., None], test[..., None]
    return train, test, 17 if cfg.dataset == "digits" else 256


def optimiser_of(cfg):
    return training.optimiser(cfg.lr, cfg.warmup, cfg.clip)


def begin(cfg, net: training.Net, seed) -> training.State:
    return training.begin(key_of(seed, TRAIN), net, optimiser_of(cfg))


def chunk_of(cfg, mesh, net: training.Net, sde, levels: int):
    """chunk(state, first step [], images) -> (state, mean loss []): cfg.chunk steps of one seed."""
    split = sharding.sharded(mesh, sharding.DATA)

    def place(x0):
        return jax.lax.with_sharding_constraint(x0, split) if cfg.shard == "batch" else x0

    step = partial(
        training.step,
        net=net,
        sde=sde,
        tx=optimiser_of(cfg),
        batch=cfg.batch,
        levels=levels,
        ema=cfg.ema,
        place=place,
    )

    def chunk(state, first, images):
        steps = first + jnp.arange(cfg.chunk)
        state, values = jax.lax.scan(lambda s, i: step(s, i, images), state, steps)
        return state, values.mean()

    return chunk


def over_mesh(cfg, mesh, chunk, images):
    """chunk for all seeds, (state [S, …], first [S], *rest), and the rest: seeds side by side over
    the mesh and the images a constant, or every batch over the mesh and the images an argument."""
    if cfg.shard == "batch":
        return jax.jit(jax.vmap(chunk, in_axes=(0, 0, None)), donate_argnums=0), (images,)
    return sharding.vmap_over(mesh, lambda state, first: chunk(state, first, images)), ()


def train(cfg, mesh, scratch, net: training.Net, name: str, images, levels: int):
    """Averaged parameters [S, …] and the loss of every chunk [S, chunk]; resumes after a kill."""
    seeds = jnp.asarray(cfg.seeds, jnp.uint32)
    chunk = chunk_of(cfg, mesh, net, process(cfg, name), levels)
    chunk, rest = over_mesh(cfg, mesh, chunk, images)
    total = cfg.train_steps // cfg.chunk
    state = sharding.vmap_over(mesh, partial(begin, cfg, net))(seeds)
    history = np.zeros((len(seeds), total), np.float32)
    with (
        scratch.checkpoints(f"train-{name}") as ckpt,
        scratch.progress(total * cfg.chunk, f"training {name}") as progress,
    ):
        (state, history), done = ckpt.restore((state, history))
        for i in range(done, total):
            state, value = chunk(state, jnp.full(len(seeds), i * cfg.chunk), *rest)
            history[:, i] = sharding.gather(value)
            scratch.log(i * cfg.chunk, **{f"loss_{name}": history[:, i].mean()})
            ckpt.save(i + 1, (state, history), force=i + 1 == total)
            progress.update((i + 1) * cfg.chunk)
    return state.average, history


def networks(cfg, mesh, scratch) -> dict[str, np.ndarray]:
    """Claim s5: one net for every SDE, of one architecture, from one start, on the same batches."""
    train_images, test_images, levels = images_of(cfg, scratch)
    net = network(cfg, train_images.shape[1:])
    if cfg.shard == "batch":
        train_images = sharding.put(train_images, mesh)
    judged, losses, pictures = [], [], {}
    for name in cfg.net_sdes:
        params, history = train(cfg, mesh, scratch, net, name, train_images, levels)
        losses.append(history)
        rest = (net, process(cfg, name), params, test_images, levels)
        judged.append(scratch.cached(f"bits-{name}", partial(held_out, cfg, mesh, *rest)))
        if cfg.pictures and name == cfg.net_sdes[0]:
            pictures = draw(cfg, *rest)
    found = {key: np.stack([j[key] for j in judged], axis=1) for key in judged[0]}
    found["loss"] = np.stack(losses, axis=1)
    found["loss_steps"] = cfg.chunk * (1.0 + np.arange(losses[0].shape[1]))
    return found | pictures


def held_out(cfg, mesh, net: training.Net, sde, params, images, levels: int):
    """Bits per dimension of test images, as in evaluation.bits_of.  params [S, …] -> [S] each"""

    def of(seed, params):
        return evaluation.bits_of(
            key_of(seed, TEST),
            sde,
            *training.score_of(net, sde, params),
            images[: cfg.eval_points],
            levels,
            batch=cfg.eval_batch,
            probes=cfg.probes,
        )

    seeds = jnp.asarray(cfg.seeds, jnp.uint32)
    return sharding.gather(sharding.vmap_over(mesh, of)(seeds, params))


def draw(cfg, net: training.Net, sde, params, images, levels: int) -> dict[str, np.ndarray]:
    """Pictures by the first seed's net."""

    @jax.jit
    def solve(params):
        score, embed = training.score_of(net, sde, params)
        few = images[: cfg.pictures]
        options = {"steps": cfg.picture_steps, "snr": cfg.snr}
        key = key_of(cfg.seeds[0], PICTURES)
        return evaluation.pictures(key, sde, score, embed, few, levels, **options)

    return solve(jax.tree.map(lambda x: x[0], params))
