"""Systems x methods x amounts of data: truth, forecasts in closed loop, scores.

Shapes: seeds x systems S, starts B, samples N, training samples L, context C, horizon H, D = 3.
A cell is one method with one amount of data; all systems and seeds of a cell run side by side.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import sharding

from . import flows, linear, measure, metrics, networks, reservoir

STREAMS = START, MODEL, BATCHES, SHUFFLE = range(4)  # of random numbers of a seed
CHANNELS = 3


class Data(NamedTuple):
    """What a cell learns from and is judged on; standardised by the training section."""

    train: np.ndarray  # [seed, S, L, D]
    context: np.ndarray  # [seed, S, B, C, D]
    future: np.ndarray  # [seed, S, B, H, D]
    mean: np.ndarray  # [seed, S, D]
    std: np.ndarray  # [seed, S, D]


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Every cell of cfg.models x cfg.lengths, and the exponents of the systems.

    model [model] (place in measure.MODELS), length [length], system [system] (place in the table)
    tau, rate [system]: samples a Lyapunov time, and database's exponent
    time [T]: Lyapunov times at which curves are read
    exponents [seed, system, 3], divergence, spread_ratio [seed, system]: spectrum, mean of tr Df,
        and the worst channel's standard deviation over the database's
    metrics [seed, system, model, length, 4]: metrics.NAMES, means over starts
    smape [seed, system, model, 2, T]: means over starts, by the least and the most data
    log_error [seed, system, model, T]: mean over starts of the log of the NRMSE, most data
    trace [model, H], truth [H]: x of the first system, seed and start; most data, and in the units
        of the least
    """
    names = cfg.systems
    series = cache(partial(truth, cfg, mesh))
    arrays = {}
    if scratch.wants("exponents", "divergence", "spread_ratio"):
        arrays = scratch.cached("exponents", lambda: spectra(cfg, mesh, series()))
    per_time = cfg.per_period / flows.constants(names, "period")
    arrays = arrays | {
        "model": np.array([measure.MODELS.index(m) for m in cfg.models], int),
        "length": np.array(cfg.lengths, int),
        "system": np.array([index_of(name) for name in names]),
        "tau": per_time / flows.constants(names, "exponent"),
        "rate": flows.constants(names, "database"),
        "time": measure.TIMES,
    }

    def cell(model, length):
        data = prepare(cfg, series(), length)
        method = recurrent if model in measure.NEURAL else closed_form
        forecast = method(cfg, mesh, scratch, model, length, data)
        return judge(cfg, data, forecast, arrays["tau"])

    grid = [(m, n) for m in cfg.models for n in cfg.lengths]
    found = {c: scratch.cached(f"{c[0]}-{c[1]}", partial(cell, *c)) for c in dict.fromkeys(grid)}
    if not grid:
        return arrays

    def table(key, lengths):
        rows = [np.stack([found[m, n][key] for n in lengths], 2) for m in cfg.models]
        return np.stack(rows, 2)

    least, most = cfg.lengths[0], cfg.lengths[-1]
    return arrays | {
        "metrics": table("metrics", cfg.lengths),
        "smape": table("smape", (least, most)),
        "log_error": np.stack([found[m, most]["log_error"] for m in cfg.models], 2),
        "trace": np.stack([found[m, most]["trace"][0] for m in cfg.models]),
        "truth": found[grid[0]]["truth"][0],
    }


def steps(cfg) -> int:
    """How often a whole run calls the function of abstract_step (N-BEATS alone)."""
    return len(cfg.lengths) * (cfg.train_steps // cfg.record)


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """A chunk of training N-BEATS on all systems x seeds, these split over the data axis."""
    shards = mesh.shape[sharding.DATA]
    members = -(-len(cfg.seeds) * len(cfg.systems) // shards) * shards
    split = sharding.sharded(mesh, sharding.DATA)

    def shape(*axes, dtype):
        return jax.ShapeDtypeStruct((members, *axes), dtype, sharding=split)

    start = jax.eval_shape(jax.vmap(partial(begin, cfg, "nbeats")), members_of(cfg, MODEL))
    state = jax.tree.map(lambda x: shape(*x.shape[1:], dtype=x.dtype), start)
    number, keys = shape(dtype=jnp.int32), shape(2, dtype=jnp.uint32)
    chunk = sharding.vmap_over(mesh, partial(train_chunk, cfg, "nbeats"))
    series = shape(max(cfg.lengths), CHANNELS, dtype=jnp.float32)
    return chunk.jitted, (state, keys, number, number, series)


# --- the systems ---------------------------------------------------------------------------------


def index_of(name: str) -> int:
    return list(flows.SYSTEMS).index(name)


def key_of(seed, stream: int, index=0):
    """Key of a stream of a seed, for the system of that place in the table."""
    key = jax.random.split(jax.random.key(seed), len(STREAMS))[stream]
    return jax.random.fold_in(key, index)


def one_by_one(cfg, mesh: Mesh, fn: Callable, *args) -> dict | np.ndarray:
    """fn(seed, …) for all seeds, those of a device in turn, as NumPy arrays in float64.

    Chaos makes the last bit matter: so every seed is computed by the same program, whatever runs
    beside it.
    """
    with jax.enable_x64(True):
        alone = jax.custom_batching.sequential_vmap(fn)
        seeds = jnp.asarray(cfg.seeds, jnp.uint32)
        return sharding.gather(sharding.vmap_over(mesh, alone)(seeds, *map(jnp.asarray, args)))


def clock_of(cfg):
    """The field of all systems and the time between two samples [S, 1], by a per-period count."""
    period = flows.constants(cfg.systems, "period")[:, None]
    return flows.together(cfg.systems), lambda count: cfg.clock * period / count


def truth(cfg, mesh: Mesh) -> np.ndarray:
    """Training section of the largest length, then the test section.  -> [seed, S, N, D]"""
    field, interval = clock_of(cfg)
    before = cfg.transient * cfg.per_period
    after = max(cfg.lengths) + (cfg.starts - 1) * cfg.gap + cfg.horizon
    where = [index_of(name) for name in cfg.systems]

    def one(seed):
        keys = jax.vmap(partial(key_of, seed, START))(jnp.array(where))
        nudge = jax.vmap(lambda k: jax.random.normal(k, (CHANNELS,)))(keys)
        x = flows.constants(cfg.systems, "start") * (1 + cfg.nudge * nudge)
        dt = interval(cfg.per_period)
        x = flows.trajectory(field, x, dt, cfg.substeps, before + after)
        return jnp.swapaxes(x[before:], 0, 1)

    return one_by_one(cfg, mesh, one)


def spectra(cfg, mesh: Mesh, series) -> dict[str, np.ndarray]:
    """Exponents, divergence and spread, as in run; the start is the end of the truth."""
    field, interval = clock_of(cfg)

    def one(_, x):
        samples = cfg.lyapunov_periods * cfg.lyapunov_points
        dt = interval(cfg.lyapunov_points)
        return flows.exponents(field, x, dt, cfg.lyapunov_substeps, samples)

    found, volume = one_by_one(cfg, mesh, one, series[:, :, -1])
    ratio = series.std(axis=2) / flows.constants(cfg.systems, "std")
    worst = np.abs(np.log(ratio)).argmax(-1)[..., None]
    return {
        "exponents": found * cfg.clock,  # a time `clock` passes while 1 is reported
        "divergence": volume,
        "spread_ratio": np.take_along_axis(ratio, worst, -1)[..., 0],
    }


def prepare(cfg, series, length: int) -> Data:
    """The last `length` samples of the training section, and the forecasts asked for."""
    end = max(cfg.lengths)
    train = series[:, :, end - length : end]
    mean, std = train.mean(axis=2), train.std(axis=2)
    series = (series - mean[:, :, None]) / std[:, :, None]
    train = series[:, :, end - length : end]
    if cfg.shuffle:
        orders = [jax.random.permutation(key_of(seed, SHUFFLE), length) for seed in cfg.seeds]
        orders = sharding.gather(orders)
        train = np.stack([u[:, o] for u, o in zip(train, orders, strict=True)])
    at = end + cfg.gap * np.arange(cfg.starts)[:, None]
    context = series[:, :, at - cfg.context + np.arange(cfg.context)]
    return Data(train, context, series[:, :, at + np.arange(cfg.horizon)], mean, std)


# --- methods -------------------------------------------------------------------------------------


def closed_form(cfg, mesh: Mesh, scratch, model: str, length: int, data: Data) -> np.ndarray:
    """AR, nVAR and ESN: a ridge regression and a loop, in float64.  -> [seed, S, B, H, D]"""
    draw, fit, forecast = reservoirs(cfg) if model == "esn" else regressions(cfg, model)

    def fitted(seed, u):
        drawn = draw(seed)
        return drawn, jax.vmap(partial(fit, drawn))(u)

    def rolled(drawn, weights, context):
        every = jax.vmap(partial(forecast, drawn), in_axes=(None, 0))
        return jax.vmap(every)(weights, context)

    with jax.enable_x64(True):
        seeds = jnp.asarray(cfg.seeds, jnp.uint32)
        found = sharding.vmap_over(mesh, fitted)(seeds, jnp.asarray(data.train))
        return sharding.gather(sharding.vmap_over(mesh, rolled)(*found, jnp.asarray(data.context)))


def regressions(cfg, model: str) -> tuple[Callable, Callable, Callable]:
    """draw(seed), fit(drawn, u), forecast(drawn, weights, context); AR and nVAR draw nothing."""
    shape = {"lags": cfg[f"{model}_lags"], "order": cfg.nvar_order if model == "nvar" else 1}
    penalty = cfg[f"{model}_penalty"]

    def forecast(_, weights, context):
        return linear.forecast(weights, context, cfg.horizon, **shape)

    return lambda seed: (), lambda _, u: linear.fit(u, penalty=penalty, **shape), forecast


def reservoirs(cfg) -> tuple[Callable, Callable, Callable]:
    """The same of an echo-state network; a seed has one reservoir for all its systems."""

    def draw(seed):
        structure = {"radius": cfg.esn_radius, "scale": cfg.esn_scale}
        return reservoir.draw(key_of(seed, MODEL), cfg.esn_units, CHANNELS, **structure)

    def fit(net, u):
        options = {"washout": cfg.esn_washout, "penalty": cfg.esn_penalty}
        return reservoir.fit(net, u, leak=cfg.esn_leak, **options)

    def forecast(net, weights, context):
        return reservoir.forecast(net, weights, context, cfg.horizon, leak=cfg.esn_leak)

    return draw, fit, forecast


def net_of(cfg, model: str) -> networks.Net:
    if model == "gru":
        return networks.gru(cfg.lookback, cfg.chunk, CHANNELS, width=cfg.gru_width)
    structure = {"width": cfg.nbeats_width, "blocks": cfg.nbeats_blocks}
    return networks.nbeats(cfg.lookback, cfg.chunk, CHANNELS, **structure)


def members_of(cfg, stream: int) -> jax.Array:
    """Key of every member of the ensemble, as integers.  -> [seed S, 2]"""
    places = jnp.array([index_of(name) for name in cfg.systems])
    every = jax.vmap(lambda seed: jax.vmap(partial(key_of, seed, stream))(places))
    keys = every(jnp.asarray(cfg.seeds, jnp.uint32))
    return jax.random.key_data(keys).reshape(-1, 2)


def optimiser_of(cfg):
    return networks.optimiser(cfg.lr, cfg.train_steps)


def begin(cfg, model: str, key) -> networks.State:
    params = net_of(cfg, model).init(jax.random.wrap_key_data(key))
    return networks.State(params, optimiser_of(cfg).init(params))


def train_chunk(cfg, model: str, state, key, first, count, u):
    """cfg.record steps of one member from step `first` on the last `count` rows of u [L, D].

    -> (state, mean loss [])
    """
    net, tx = net_of(cfg, model), optimiser_of(cfg)
    key = jax.random.fold_in(jax.random.wrap_key_data(key), first)
    shape, reach = (cfg.record, cfg.batch), net.lookback + net.chunk
    begins = networks.beginnings(key, shape, len(u), count, reach)
    step = partial(networks.train_step, net, tx)
    state, values = jax.lax.scan(lambda state, at: step(state, at, u), state, begins)
    return state, values.mean()


def recurrent(cfg, mesh: Mesh, scratch, model: str, length: int, data: Data) -> np.ndarray:
    """N-BEATS and GRU: trained in chunks that survive a kill.  -> [seed, S, B, H, D]"""
    keys = members_of(cfg, BATCHES)
    chunk, start, rolled = compiled(cfg, mesh, model)
    u = flat(data.train)
    u = jnp.asarray(np.pad(u, ((0, 0), (max(cfg.lengths) - length, 0), (0, 0))))
    total, members = cfg.train_steps // cfg.record, len(keys)
    state, name = start(members_of(cfg, MODEL)), f"{model}-{length}"
    with scratch.checkpoints(name) as ckpt, scratch.progress(cfg.train_steps, name) as progress:
        state, done = ckpt.restore(state)
        for i in range(done, total):
            first, count = (jnp.full(members, n, jnp.int32) for n in (i * cfg.record, length))
            state, value = chunk(state, keys, first, count, u)
            scratch.log((i + 1) * cfg.record, **{f"loss_{name}": sharding.gather(value).mean()})
            ckpt.save(i + 1, state)
            progress.update((i + 1) * cfg.record)
    made = sharding.gather(rolled(state.params, jnp.asarray(flat(data.context))))
    return made.reshape(data.future.shape)


def flat(x: np.ndarray) -> np.ndarray:
    """[seed, S, …] -> [seed S, …] in float32"""
    return x.reshape(-1, *x.shape[2:]).astype(np.float32)


@cache
def compiled(cfg, mesh: Mesh, model: str) -> tuple[Callable, Callable, Callable]:
    """Training chunk, start and forecast of a network, compiled once for all amounts of data."""
    forecast = partial(networks.forecast, net_of(cfg, model), horizon=cfg.horizon)
    parts = partial(train_chunk, cfg, model), partial(begin, cfg, model)
    rolled = sharding.vmap_over(mesh, lambda params, context: forecast(params, context))
    return *(sharding.vmap_over(mesh, part) for part in parts), rolled


# --- scores --------------------------------------------------------------------------------------


def judge(cfg, data: Data, forecast, tau) -> dict[str, np.ndarray]:
    """Scores of one cell, as in run without the axes of model and length."""
    naive = np.abs(np.diff(data.train, axis=2)).mean(axis=2)
    stats = [x[:, :, None] for x in (data.mean, data.std, naive)]
    steps = np.broadcast_to(tau[:, None], data.future.shape[:3])
    limits = {"threshold": cfg.threshold, "within": cfg.within}
    scores, smape, nrmse = metrics.scores(data.future, forecast, *stats, steps, **limits)
    error = np.log(np.maximum(nrmse, 1e-12))
    curves = [metrics.at_times(c, steps, measure.TIMES).mean(axis=2) for c in (smape, error)]
    return {
        "metrics": scores.mean(axis=2),
        "smape": curves[0].astype(np.float32),
        "log_error": curves[1].astype(np.float32),
        "trace": forecast[0, :, 0, :, 0].astype(np.float32),
        "truth": data.future[0, :, 0, :, 0].astype(np.float32),
    }
