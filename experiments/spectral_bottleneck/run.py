"""Trainings of SIRENs and of WINNER on signals of several bands, and both at initialisation.

Shapes: N points, T steps, B bins, H hidden layers.
"""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import fitting, members, signals, winner

STREAMS = ("weights", "phases")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Seeds lead and are split over the mesh with their members.

    zero [seed, band]: mean square of the signals, the error of a network that gives 0
    noise [seed, band, 2]: S0, S1 of WINNER
    fit [seed, method, T]: mean square error before each step on the first band, of SIREN with
        omega_1 = omega, with omega_1 = tuned, of WINNER, of S0 alone, of S1 alone
    bands [seed, other band, 3, T]: the same of the first three methods on the other bands
    sweep [seed, omega_1, T]: of SIREN on the first band, at further omega_1
    output [seed, method, B], target [seed, B]: power of trained networks and signal, first band
    activation [seed, noise, H, B]: power of hidden layers at the start; noise as members.NOISES
    kernel [seed, S0 or none, S1, M]: spectra of tangent kernels at initialisation
    eigenvalue [seed, S0 or none, S1, kernel point]: their eigenvalues, largest first
    """
    streams = keys.split(cfg.seeds, STREAMS)
    signal = made(cfg, streams["phases"])
    scale = controlled(cfg, winner.scales(signals.centroid(signal), cfg.points))
    drawn = sharding.gather(draws(cfg, mesh)(streams["weights"]))
    out = {"zero": (signal**2).mean(-1), "noise": scale}
    if scratch.wants("activation"):
        see = activations(cfg, mesh)
        noise = scale[:, :1] * np.array(members.NOISES, scale.dtype)
        out |= scratch.cached("activation", lambda: {"activation": see(drawn, noise)})
    if scratch.wants("kernel", "eigenvalue"):
        see = kernels(cfg, mesh)
        found = scratch.cached("kernels", lambda: decomposed(see(drawn, grid(cfg))))
        lead = len(cfg.seeds), 2, len(cfg.kernel_s1)
        out |= {name: x.reshape(*lead, -1) for name, x in found.items()}
    groups = {name: group for name, group in trained(cfg).items() if wanted(scratch, name)}
    return out | (trainings(cfg, mesh, scratch, drawn, signal, scale, groups) if groups else {})


def made(cfg, key) -> np.ndarray:
    """Signals in float32.  key [seed] -> [seed, band, N]"""
    turns = keys.draws({"phases": key}, {"phases": (cfg.points // 2 + 1,)}, keys.uniform)["phases"]
    edges = zip(cfg.lows, cfg.highs, strict=True)
    each = [signals.band(turns, low, high, cfg.points) for low, high in edges]
    return np.stack(each, axis=1).astype(np.float32)


def controlled(cfg, noise) -> np.ndarray:
    """S0, S1 as the settings leave them.  [..., 2]"""
    return (noise * np.array([cfg.s0_scale, cfg.s1_scale])).astype(np.float32)


def grid(cfg) -> np.ndarray:
    """S0, S1 of the kernels, for every seed; S0 of the first band's middle.  -> [seed, 2 S1, 2]"""
    s0 = winner.scales((cfg.lows[0] + cfg.highs[0]) / 2, cfg.kernel_points)[0]
    noise = [(s, s1) for s in (s0, 0.0) for s1 in cfg.kernel_s1]
    return controlled(cfg, np.array([noise] * len(cfg.seeds)))


def trained(cfg) -> dict[str, list[members.Member]]:
    """The trainings of a seed, by the array that holds them."""
    tuned = winner.rescaled(cfg.tuned, cfg.points)
    swept = [share * signals.nyquist(cfg.points) for share in cfg.sweep]
    return members.groups(cfg.omega, tuned, swept, len(cfg.lows))


def wanted(scratch, group: str) -> bool:
    return scratch.wants(*(("fit", "output", "target") if group == "fit" else (group,)))


def draws(cfg, mesh: Mesh) -> sharding.Placed:
    """key [seed] -> weights and normal numbers of every seed, the same for all its members."""
    sizes = (1, *[cfg.width] * cfg.layers, 1)
    return sharding.vmap_over(mesh, partial(winner.draw, sizes=sizes, omega=cfg.omega))


def trainer(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed, sharding.Placed]:
    """begin(drawn, noise) -> state; train(state, omega_1, signal) -> (state, errors [T]);
    judge(state, omega_1) -> power [B].  Of members, one at a time on a device."""
    tx = fitting.optimiser(cfg.lr, cfg.decay, cfg.decay_every)
    begin = partial(fitting.begin, omega=cfg.omega, tx=tx)
    train = partial(fitting.train, count=cfg.every, omega=cfg.omega, tx=tx)
    judge = partial(fitting.spectrum, points=cfg.points, bins=cfg.bins, omega=cfg.omega)
    return (
        sharding.vmap_over(mesh, begin),
        sharding.vmap_over(mesh, train, at_once=1),
        sharding.vmap_over(mesh, judge, at_once=1),
    )


def activations(cfg, mesh: Mesh):
    """drawn [seed, …], noise [seed, noise, 2] -> [seed, noise, H, B]"""
    one = partial(fitting.activations, omega=cfg.omega, points=cfg.points, bins=cfg.bins)
    return in_turn(mesh, one)


def kernels(cfg, mesh: Mesh):
    """drawn [seed, …], noise [seed, K, 2] -> kernels [seed, K, n, n], their spectra"""

    def both(drawn, noise):
        theta = fitting.kernel(drawn, noise, omega=cfg.omega, points=cfg.kernel_points)
        return theta, fitting.kernel_spectrum(theta)

    return in_turn(mesh, both)


def in_turn(mesh: Mesh, one: Callable) -> Callable:
    """one(drawn, noise [2]) of every seed, its noises one after the other."""
    each = sharding.vmap_over(mesh, lambda drawn, noise: jax.lax.map(partial(one, drawn), noise))
    return lambda drawn, noise: sharding.gather(each(drawn, noise))


def decomposed(found) -> dict[str, np.ndarray]:
    theta, spectrum = found
    return {"kernel": spectrum, "eigenvalue": np.linalg.eigvalsh(theta)[..., ::-1]}


def trainings(cfg, mesh, scratch, drawn, signal, scale, groups) -> dict[str, np.ndarray]:
    """All members of the groups in one program, a seed's in a row."""
    begin, train, judge = trainer(cfg, mesh)
    weights, noise, first, target = members.arranged(groups, drawn, scale, signal)
    at = np.arange(1, cfg.steps + 1)
    state, error = loops.recorded(
        scratch,
        "training",
        lambda state, *_: train(state, first, target),
        begin(weights, noise),
        at,
        chunk=cfg.every,
        log=lambda error: {"error": float(error[:, -1].mean())},
    )
    ends = np.cumsum([len(group) for group in groups.values()])
    parts = dict(zip(groups, np.split(by_seed(cfg, error), ends[:-1], axis=1), strict=True))
    if "bands" in parts:
        parts["bands"] = parts["bands"].reshape(len(cfg.seeds), -1, 3, cfg.steps)
    if "fit" in parts:
        power = scratch.cached("output", lambda: {"power": judge(state, first)})["power"]
        parts["output"] = by_seed(cfg, power)[:, : len(groups["fit"])]
        parts["target"] = signals.power(signal[:, 0], cfg.bins)
    return parts


def by_seed(cfg, x) -> np.ndarray:
    return x.reshape(len(cfg.seeds), -1, *x.shape[1:])


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The trainings of all members."""
    begin, train, _ = trainer(cfg, mesh)
    key = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS)["weights"])
    drawn = jax.tree.map(
        lambda x: np.zeros(x.shape, x.dtype), jax.eval_shape(draws(cfg, mesh), key)
    )
    signal = np.zeros((len(cfg.seeds), len(cfg.lows), cfg.points), np.float32)
    scale = np.zeros((*signal.shape[:2], 2), np.float32)
    weights, noise, first, target = members.arranged(trained(cfg), drawn, scale, signal)
    state = jax.eval_shape(begin, weights, noise)
    calls = -(-cfg.steps // cfg.every)
    return [train.program("training", state, first, target, calls=calls)]
