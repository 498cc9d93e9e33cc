"""Systems x methods x amounts of data: truth, forecasts in closed loop, scores.

Shapes: seeds x systems S, starts B, samples N, training samples L, context C, horizon H, D = 3.
A cell is one method with one amount of data; all systems and seeds of a cell run side by side.
"""

from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import loops, sharding
from common.programs import Program

from . import flows, measure, methods, metrics, networks, problems
from .problems import CHANNELS, Data


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
    trace [model, H], truth [H]: x of the first system, seed and start, most data
    """
    series = cache(partial(truth, cfg, mesh))
    arrays = facts(cfg)
    if scratch.wants("exponents", "divergence", "spread_ratio"):
        arrays |= scratch.cached("exponents", lambda: spectra(cfg, mesh, series()))
    forecasters = {
        m: recurrent(cfg, mesh, scratch, m) if m in measure.NEURAL else closed_form(cfg, mesh, m)
        for m in cfg.models
    }

    def cell(model, length):
        data = prepare(cfg, mesh, series(), length)
        forecast = forecasters[model](data, f"{model}-{length}")
        limits = {"threshold": cfg.threshold, "within": cfg.within}
        return metrics.judge(data, forecast, arrays["tau"], measure.TIMES, **limits)

    cells = {f"{m}-{n}": partial(cell, m, n) for m in cfg.models for n in cfg.lengths}
    found = dict(zip(cells, scratch.cells(cells, "method"), strict=True))
    return arrays | (metrics.tables(found, cfg.models, cfg.lengths) if found else {})


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Chunks of training the networks. The rest, in float64, is small beside them."""
    calls = len(dict.fromkeys(cfg.lengths)) * (cfg.train_steps // cfg.record)
    longest = max(cfg.lengths)
    seeds, places = members(cfg)
    u = jax.ShapeDtypeStruct((len(seeds), longest, CHANNELS), jnp.float32)
    found = []
    for model in [m for m in measure.NEURAL if m in cfg.models]:
        begin, train, _ = network(cfg, mesh, model)
        state = jax.eval_shape(begin, seeds, places)
        args = state, seeds, places, 0, longest, u
        found.append(train.program(f"training {model}", *args, calls=calls))
    return found


def facts(cfg) -> dict[str, np.ndarray]:
    """What is known of the systems beforehand, and the axes of the other arrays."""
    per_time = cfg.per_period / flows.constants(cfg.systems, "period")
    return {
        "model": np.array([measure.MODELS.index(m) for m in cfg.models], int),
        "length": np.array(cfg.lengths, int),
        "system": problems.places(cfg.systems),
        "tau": per_time / flows.constants(cfg.systems, "exponent"),
        "rate": flows.constants(cfg.systems, "database"),
        "time": measure.TIMES,
    }


def members(cfg) -> tuple[np.ndarray, np.ndarray]:
    """Seed, and place of the system, of every network.  -> [seed S] each"""
    places = problems.places(cfg.systems)
    return np.repeat(np.array(cfg.seeds), len(places)), np.tile(places, len(cfg.seeds))


def interval(cfg, count: int) -> np.ndarray:
    """Time between two of `count` samples a period.  -> [S, 1]"""
    return cfg.clock * flows.constants(cfg.systems, "period")[:, None] / count


def truth(cfg, mesh: Mesh) -> np.ndarray:
    """Training section of the largest length, then the test section.  -> [seed, S, N, D] float64

    One seed at a time: chaos makes the last bit matter, so that every seed is computed by the same
    program, whatever runs beside it.
    """
    after = max(cfg.lengths) + (cfg.starts - 1) * cfg.gap + cfg.horizon
    counts = {"before": cfg.transient * cfg.per_period, "samples": after}
    how = {"dt": interval(cfg, cfg.per_period), "substeps": cfg.substeps, "nudge": cfg.nudge}
    one = partial(problems.truth, names=cfg.systems, **how, **counts)
    with jax.enable_x64(True):
        return sharding.gather(sharding.vmap_over(mesh, one, at_once=1)(np.array(cfg.seeds)))


def spectra(cfg, mesh: Mesh, series) -> dict[str, np.ndarray]:
    """Exponents, divergence and spread, as in run; the start is the end of the truth."""
    samples, dt = cfg.lyapunov_periods * cfg.lyapunov_points, interval(cfg, cfg.lyapunov_points)
    options = {"dt": dt, "substeps": cfg.lyapunov_substeps, "samples": samples}
    one = partial(flows.exponents, flows.together(cfg.systems), **options)
    with jax.enable_x64(True):
        found = sharding.gather(sharding.vmap_over(mesh, one, at_once=1)(series[:, :, -1]))
    return {
        "exponents": found[0] * cfg.clock,  # a time `clock` passes while 1 is reported
        "divergence": found[1],
        "spread_ratio": flows.spread_ratio(series, cfg.systems),
    }


def prepare(cfg, mesh: Mesh, series, length: int) -> Data:
    order = sharding.vmap_over(mesh, partial(problems.order, length=length))
    orders = sharding.gather(order(np.array(cfg.seeds))) if cfg.shuffle else None
    options = {name: cfg[name] for name in ("starts", "gap", "context", "horizon")}
    return problems.prepare(series, orders, end=max(cfg.lengths), length=length, **options)


def closed_form(cfg, mesh: Mesh, model: str) -> Callable:
    """AR, nVAR and ESN in float64: (data, name) -> forecasts [seed, S, B, H, D]"""
    method = method_of(cfg, model)
    fit = sharding.vmap_over(mesh, partial(methods.fit, method))
    roll = sharding.vmap_over(mesh, partial(methods.forecast, method))

    def forecast(data: Data, _) -> np.ndarray:
        with jax.enable_x64(True):
            return sharding.gather(roll(*fit(np.array(cfg.seeds), data.train), data.context))

    return forecast


def method_of(cfg, model: str) -> methods.Method:
    if model == "ar":
        return methods.regression(cfg.horizon, lags=cfg.ar_lags, order=1, penalty=cfg.ar_penalty)
    if model == "nvar":
        shape = {"lags": cfg.nvar_lags, "order": cfg.nvar_order}
        return methods.regression(cfg.horizon, penalty=cfg.nvar_penalty, **shape)
    drawn = {"units": cfg.esn_units, "radius": cfg.esn_radius, "scale": cfg.esn_scale}
    options = {"leak": cfg.esn_leak, "washout": cfg.esn_washout, "penalty": cfg.esn_penalty}
    return methods.echo_state(cfg.horizon, **drawn, **options)


def network(cfg, mesh: Mesh, model: str) -> tuple[sharding.Placed, ...]:
    """Start, chunk of training and forecast, the same for all amounts of data."""
    if model == "gru":
        net = networks.gru(cfg.lookback, cfg.chunk, CHANNELS, width=cfg.gru_width)
    else:
        structure = {"width": cfg.nbeats_width, "blocks": cfg.nbeats_blocks}
        net = networks.nbeats(cfg.lookback, cfg.chunk, CHANNELS, **structure)
    tx = networks.optimiser(cfg.lr, cfg.train_steps)
    train = partial(networks.train, net, tx, steps=cfg.record, batch=cfg.batch)
    return (
        sharding.vmap_over(mesh, partial(networks.begin, net, tx)),
        sharding.vmap_over(mesh, train, shared=(3, 4)),
        sharding.vmap_over(mesh, partial(networks.forecast, net, horizon=cfg.horizon)),
    )


def recurrent(cfg, mesh: Mesh, scratch, model: str) -> Callable:
    """N-BEATS and GRU: (data, name) -> forecasts [seed, S, B, H, D]"""
    begin, train, roll = network(cfg, mesh, model)
    seeds, places = members(cfg)

    def forecast(data: Data, name: str) -> np.ndarray:
        length, longest = data.train.shape[2], max(cfg.lengths)
        u = np.pad(flat(data.train), ((0, 0), (longest - length, 0), (0, 0)))

        def advance(state, first, _):
            return train(state, seeds, places, first, length, u)

        def log(loss):
            return {f"loss_{name}": loss.mean()}

        at, state = np.arange(cfg.record, cfg.train_steps + 1, cfg.record), begin(seeds, places)
        state, _ = loops.recorded(scratch, name, advance, state, at, log=log)
        return sharding.gather(roll(state.params, flat(data.context))).reshape(data.future.shape)

    return forecast


def flat(x: np.ndarray) -> np.ndarray:
    """[seed, S, …] -> [seed S, …] in float32"""
    return x.reshape(-1, *x.shape[2:]).astype(np.float32)
