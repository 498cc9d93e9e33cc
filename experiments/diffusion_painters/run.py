"""The Gaussian theory exactly, and beside the denoisers of trained nets, seeds side by side.

Shapes: S seeds, D pixels, T times.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program
from common.sde import processes, solvers

from . import exact, gaussian, jumps, model, nets, study
from .sampling import Rows

STREAMS = ("direction", "mean", "start", "paths", "errors", "jumps", "probe", "train", "noise")
SHAPES = {"digits": (1347, 64, 16), "cifar10": (50_000, 3072, 255)}  # images, pixels, top grey
PATHS = ("explained", "outside", "rotation", "half_time", "half_predicted", "turned", "pictures")
ERRORS = ("error", "size", "departure")
JUMPS = ("gain", "gain_theory", "jump_distance", "frechet")
THEORY = ("flow_solved", "flow_formula", "gain_solved", "gain_formula")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """First axis of both kinds: the denoiser's trajectories, those of the Gaussian theory.

    flow_solved, flow_formula [seed, sde (VP, VE), spectrum (data, random), time, D]: the flow from
        T by an adaptive solver and in closed form; gain_solved, gain_formula [seed, sde, spectrum,
        time, K]: the same of a perturbation along a component
    explained [seed, kind, 2]: share of PC 1, PC 2; outside [seed, kind]: energy outside the plane
        of the ends; rotation [seed, kind, T]: error of alpha x_0 + sigma x_T
    half_time, half_predicted [seed, pc]: of the endpoint estimate along a component; values [D]
    turned [kind, path, T, 2], pictures [kind, path, time, D], strip_times [time]: first seed
    error [seed, reference (theory, isotropic, mean), ratio], size, departure [seed, ratio] of the
        denoiser's value and from the mean; ratios [ratio] sigma / alpha
    gain, gain_theory [seed, time, pc]; jump_distance [seed, (theory, isotropic), jump] from the
        full run; frechet [seed, 1 + jump] to other images; jumps [jump]
    loss [seed, chunk] if any; times [T]
    """
    data = scratch.data(cfg.dataset)
    known, new = (pixels(x, SHAPES[cfg.dataset][2]) for x in (data.x_train, data.x_test))
    moments, streams = gaussian.fit(known), keys.split(cfg.seeds, STREAMS)
    normals, sde = keys.draws(streams, draws(cfg)), noise(cfg)
    found = {"values": moments.values, "ratios": np.array(cfg.ratios), "jumps": np.array(cfg.jumps)}
    found["times"] = np.linspace(sde.end, sde.eps, cfg.steps + 1)
    if scratch.wants(*THEORY):
        found |= scratch.cached("theory", partial(theory, cfg, mesh, normals, moments))
    if not scratch.wants(*PATHS, *ERRORS, *JUMPS, "loss"):
        return found
    params, loss = weights(cfg, mesh, scratch, streams["train"], known, moments)
    believed = moments if cfg.covariance == "full" else gaussian.isotropic(moments)
    net = nets.Net(samplers(cfg, mesh), sde, params, streams["noise"], moments, believed)
    times = gaussian.time_of(cfg.ratios, cfg.beta_min, cfg.beta_max)
    how = {name: cfg[name] for name in ("steps", "pcs", "shown", "scaled")}
    late = {name: cfg[name] for name in ("kicks", "kick_pcs", "kick_size", "kick_paths", "jumps")}
    late |= {"steps": cfg.jump_steps, "images": new, "weights": normals["probe"]}
    parts = {
        "paths": (PATHS, lambda: study.paths(net, normals["paths"], **how)),
        "errors": (
            ERRORS,
            lambda: study.errors(net, normals["errors"], known[: cfg.images], times),
        ),
        "jumps": (JUMPS, lambda: jumps.study(net, normals["jumps"], **late)),
    }
    for name, (arrays, part) in parts.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(name, part)
    return found | loss


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training, sampling whole trajectories and changed ones, and estimates along the former."""
    shape = lambda *s: jax.ShapeDtypeStruct(s, jnp.float32)  # noqa: E731
    count, size, _ = SHAPES[cfg.dataset]
    seeds, moments = len(cfg.seeds), gaussian.Model(shape(size), shape(size, size), shape(size))
    key = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS))["train"]
    begin, train = trainer(cfg, mesh)
    state = jax.eval_shape(begin, key)
    sample, follow, estimate = samplers(cfg, mesh)
    late = (2 * len(cfg.jumps) + 1) * cfg.jump_paths
    many = (len(cfg.kicks) * len(cfg.kick_pcs) + 1) * cfg.kick_paths + late
    rows = Rows(shape(seeds, many, size), *[shape(seeds, many)] * 2, shape(seeds, many, size))
    trains = cfg.denoiser == "net"
    x, nodes, own = (
        shape(seeds, cfg.paths, size),
        cfg.steps + 1,
        (state.params if trains else {}, moments),
    )
    states, calls = shape(seeds, nodes, cfg.paths, size), cfg.train_steps // cfg.chunk * trains
    return [
        train.program("training", state, 0, shape(count, size), shape(), calls=calls),
        sample.program("changed runs", *own, key, rows, shape(cfg.jump_steps + 1), calls=1),
        follow.program("trajectories", *own, key, x, shape(nodes), calls=1),
        estimate.program("estimates", *own, states, shape(nodes), calls=1),
    ]


def noise(cfg) -> processes.SDE:
    return processes.vp(cfg.beta_min, cfg.beta_max)


def pixels(images, top: int) -> np.ndarray:
    """Integers 0..top [n, …] -> numbers in [-1, 1], [n, D]."""
    flat = np.reshape(images, (len(images), -1)).astype(np.float32)
    return 2.0 * flat / top - 1.0


def draws(cfg) -> dict[str, tuple[int, ...]]:
    """Shapes of a seed's normal numbers."""
    size = SHAPES[cfg.dataset][1]
    return {
        "direction": (size,),
        "mean": (size,),
        "start": (1 + len(cfg.theory_pcs), size),
        "paths": (cfg.paths, size),
        "errors": (cfg.images, size),
        "jumps": (cfg.jump_paths, size),
        "probe": (size, cfg.probe_features),
    }


def theory(cfg, mesh: Mesh, normals, moments) -> dict[str, np.ndarray]:
    """Closed form and adaptive solves in float64, for two SDEs and two spectra."""
    sdes = noise(cfg), processes.ve(cfg.sigma_min, cfg.sigma_max)
    doubles = [normals[name].astype(float) for name in ("direction", "mean", "start")]
    with jax.enable_x64(True):
        grids = [(sde, exact.grid(sde, cfg.flow_to, cfg.kicks)) for sde in sdes]
        cases, models = [], []
        for direction, mean, start in zip(*doubles, strict=True):
            pair = moments, exact.random_model(direction, mean)
            each = [(model, start, *of) for of in grids for model in pair]
            cases += [exact.cases(*case, cfg.theory_pcs) for case in each]
            models += [*pair, *pair]
        solve = exact.flows(sdes, weight=cfg.flow_weight, tolerance=cfg.tolerance)
        first = np.tile([True, True, False, False], len(cfg.seeds))
        starts = loops.stack([case[:3] for case in cases])
        solved = sharding.gather(
            sharding.vmap_over(mesh, solve)(first, loops.stack(models), *starts)
        )
    found = loops.stack([exact.compared(*pair) for pair in zip(cases, solved, strict=True)])
    shape = len(cfg.seeds), len(sdes), 2
    return {name: array.reshape(*shape, *array.shape[1:]) for name, array in found.items()}


def trainer(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed]:
    """begin(keys [S]) -> state; train(state, first step, images, square) -> (state, loss [S, 1])"""
    tx, size = model.optimiser(cfg.lr, cfg.train_steps), SHAPES[cfg.dataset][1]
    structure = {"pixels": size, "width": cfg.width, "features": cfg.features}
    how = {"tx": tx, "sde": noise(cfg), "batch": cfg.batch, "count": cfg.chunk}
    begin = sharding.vmap_over(mesh, partial(model.begin, tx=tx, **structure))
    return begin, sharding.vmap_over(mesh, partial(model.steps, **how), shared=(1, 2, 3))


def weights(cfg, mesh: Mesh, scratch, key, known, moments):
    """Weights of every seed, and their losses; none where the denoiser is no net."""
    if cfg.denoiser != "net":
        return {}, {}
    begin, train = trainer(cfg, mesh)
    images, square = sharding.put(known, mesh), np.float32(gaussian.square(moments))
    state, loss = loops.recorded(
        scratch,
        "training",
        lambda state, first, _: train(state, first, images, square),
        begin(key),
        np.arange(cfg.chunk, cfg.train_steps + 1, cfg.chunk),
        log=lambda seen: {"loss": seen.mean()},
    )
    return state.params, {"loss": loss}


def samplers(cfg, mesh: Mesh) -> tuple[sharding.Placed, ...]:
    return nets.samplers(mesh, noise(cfg), solvers.exponential(eta=cfg.eta), cfg.denoiser)
