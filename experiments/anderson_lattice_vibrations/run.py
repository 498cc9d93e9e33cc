"""Packets in frozen and moving lattices; a map of temperatures and couplings, and its clusters.

Shapes: S seeds, C cases of a seed, B = S C packets, N side of a grid, G side of the map, R records.
"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.loops import recorded, stack
from common.programs import Program

from . import classical, lattice, packet, regimes

CHUNK = 5  # records in one call, between two looks at the clock
FINER = 4  # the force's grid over the packet's
EDGES = (0.2, 3.0), (0.06, 0.6)  # of the map: T / T_D, coupling
SEEN = "pr", "msd", "kinetic"
CHECKS = "variance", "ratio", "above", "norm"
CLUSTERS = "label", "centroid", "silhouette", "inertia", "chance", "joint", "final"


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Speeds: frozen, slow, fast. Areas and times in units of 1/q_D^2, m/(hbar q_D^2).

    variance, ratio, above [seed, theta], norm [seed], if any; theta, law [theta]: V_rms^2; over sum
    A^2 / 2; share of power above q_D; |psi|^2 after norm_steps; the integral
    strong_pr, strong_msd, strong_kinetic, weak_pr, weak_msd, weak_kinetic [seed, speed, R], if any
    t [R]; speckle, launched []: PR that fills the box, L^2 / 2, and at the start, 4 pi sigma^2
    picture [speed, n, n], field [m, m], if any: first seed, final |psi|^2; V at 0 of the middle
    late_msd [seed, speed, R], particles_msd [seed, R], if any: wide box; classical, frozen
    label [seed, k, G, G], silhouette, inertia, chance [seed, k], if any: k clusters of the moving
    runs; chance: 99 % quantile of the agreement of permuted labels
    centroid [4, R, 3], if any: first seed, k = 4: scaled log MSD, log PR, |autocorrelation|
    map_t [R], temperature, coupling [G], rms [G, G], k [k]
    joint, final [seed, (moving, frozen), G, G], if any: labels of all runs, k = 4; PR at the end
    """
    theta = np.array(cfg.cold + cfg.hot)
    temperature, coupling = (np.geomspace(*ends, cfg.map_side) for ends in EDGES)
    found = {"theta": theta, "law": lattice.law(theta), "k": np.array(cfg.clusters)}
    found |= {"t": steps(cfg, "") * cfg.dt, "map_t": steps(cfg, "map_") * cfg.dt}
    found |= {"temperature": temperature, "coupling": coupling}
    found |= {"rms": coupling * np.sqrt(lattice.law(temperature))[:, None]}
    found |= {"speckle": np.array(cfg.box**2 / 2), "launched": np.array(4 * np.pi * cfg.sigma**2)}
    move = partial(moved, cfg, cache(partial(mover, cfg, mesh)), scratch)
    if scratch.wants(*CHECKS):
        found |= scratch.cached("checks", partial(checks, cfg, mesh))
    for name, rms in {"strong": cfg.strong, "weak": cfg.weak}.items():
        pictures = {"picture", "field"} if name == "strong" else set()
        if scratch.wants(*pictures, *(f"{name}_{k}" for k in SEEN)):
            found |= scratch.cached(name, partial(released, cfg, move, name, rms))
    if scratch.wants("late_msd", "particles_msd"):
        found |= scratch.cached("late", partial(late, cfg, mesh, move))
    if scratch.wants(*CLUSTERS):
        rows = {f"row-{i}": partial(row, cfg, move, i) for i in range(cfg.map_side)}
        x = stack(scratch.cells(rows, "temperature"), axis=2)["series"]
        found |= scratch.cached("clusters", partial(clustered, cfg, x))
    return found


def box(cfg, part: str = "") -> packet.Box:
    """Of a part of the run: "", "late_" or "map_"."""
    sigma = cfg.map_sigma if part == "map_" else cfg.sigma
    return packet.Box(cfg[part + "box"], cfg[part + "grid"], cfg.dt, sigma, cfg.k0)


def steps(cfg, part: str) -> np.ndarray:
    """Steps at which packets are looked at.  -> [R]"""
    time, records = (cfg.map_time, cfg.map_records) if part == "map_" else (cfg.time, cfg.records)
    return np.arange(1, records + 1) * round(time / cfg.dt / records)


def amplitudes(cfg, L: float, coupling, theta, occupation: str) -> np.ndarray:
    """Of every case.  -> [C, W, W]"""
    each = np.broadcast(coupling, theta)
    return np.array([lattice.froehlich(L, *case, occupation, cfg.cutoff) for case in each])


def flat(cfg, L: float, rms: float) -> np.ndarray:
    """In the classical limit, of given V_rms.  -> [W, W]"""
    return lattice.froehlich(L, rms * np.sqrt(2), 1.0, "equipartition", cfg.cutoff)


def phases(cfg, L: float, draws: int = 1) -> np.ndarray:
    """Of every seed, the same for all cases.  -> [S, draws, W, W]"""
    shape = {"phase": (draws, *lattice.modes(L, cfg.cutoff)[0].shape)}
    u = keys.draws({"phase": keys.fold(cfg.seeds, 0)}, shape, keys.uniform)["phase"]
    return lattice.phases(u, cfg.standing)


def mover(cfg, mesh: Mesh, room: packet.Box) -> sharding.Placed:
    """psi [B, N, N], waves [B, W, W], speeds [B], first step, strides -> psi, seen [B, R]"""
    propagation = partial(packet.propagate, box=room)
    return sharding.vmap_over(mesh, propagation, shared=(3, 4), at_once=cfg.at_once)


def moved(cfg, movers, scratch, name: str, part: str, amplitude: np.ndarray, speeds):
    """All records of all cases.  amplitude [(C,) W, W] -> psi [B, N, N], seen [S, C, R] by name"""
    room, S, W = box(cfg, part), len(cfg.seeds), amplitude.shape[-2:]
    speed = np.tile(np.array(speeds) * cfg.motion, S)
    a = phases(cfg, room.L) * np.broadcast_to(amplitude, (len(speeds), *W))
    a = a.reshape(-1, *W).astype(np.complex64)
    start = np.tile(packet.start(room, np.complex64), (len(a), 1, 1))

    def advance(psi, first, strides):
        return movers(room)(psi, a, speed, first, strides)

    psi, seen = recorded(scratch, name, advance, start, steps(cfg, part), chunk=CHUNK)
    return psi, {k: x.reshape(S, -1, x.shape[-1]) for k, x in seen.items()}


def released(cfg, move, name: str, rms: float) -> dict[str, np.ndarray]:
    """Packets in a field of this strength at every speed; pictures of the strong one."""
    room = box(cfg)
    amplitude = flat(cfg, room.L, rms)
    psi, seen = move(name, "", amplitude, cfg.speeds)
    found = {f"{name}_{k}": seen[k].astype(np.float32) for k in SEEN}
    if name != "strong":
        return found
    field = jax.jit(lattice.field, static_argnums=(1, 2))
    V = field(phases(cfg, room.L)[0, 0] * amplitude, room.L, room.N)
    density = packet.coarse(abs(sharding.gather(psi)[: len(cfg.speeds)]) ** 2)
    return found | {"picture": density, "field": packet.middle(np.asarray(V, np.float32))}


def late(cfg, mesh: Mesh, move) -> dict[str, np.ndarray]:
    """The wide box: packets at every speed, and classical particles in the frozen field."""
    room = box(cfg, "late_")
    amplitude = flat(cfg, room.L, cfg.strong)
    _, seen = move("late", "late_", amplitude, cfg.late_speeds)
    strides = np.diff(steps(cfg, "late_"), prepend=0) * round(cfg.dt / cfg.leap)
    z = keys.draws({"z": keys.fold(cfg.seeds, 1)}, {"z": (cfg.particles, 4)})["z"]

    def particles(a, z):
        grid = classical.force(a, room.L, FINER * room.N)
        start = classical.launched(z, room.sigma, room.k0)
        return classical.spread(*start, grid, room.L, cfg.leap, strides)

    a = (phases(cfg, room.L)[:, 0] * amplitude).astype(np.complex64)
    spread = sharding.vmap_over(mesh, particles, at_once=1)(a, z)
    return {"late_msd": seen["msd"], "particles_msd": sharding.gather(spread)}


def row(cfg, move, i: int) -> dict[str, np.ndarray]:
    """One temperature, every coupling, moving and frozen.  -> series [S, 2, G, R, 3]"""
    theta, coupling = (np.geomspace(*ends, cfg.map_side) for ends in EDGES)
    A = amplitudes(cfg, cfg.map_box, np.tile(coupling, 2), theta[i], cfg.occupation)
    _, seen = move(f"row-{i}", "map_", A, np.repeat([cfg.map_speed, 0.0], cfg.map_side))
    x = np.stack([np.log(seen["msd"]), np.log(seen["pr"]), seen["auto"]], -1)
    return {"series": x.reshape(len(x), 2, cfg.map_side, *x.shape[2:])}


def clustered(cfg, x: np.ndarray) -> dict[str, np.ndarray]:
    """Clusters of the map of every seed.  x [S, 2, G, G, R, 3]"""
    streams = {"start": keys.fold(cfg.seeds, 2), "order": keys.fold(cfg.seeds, 3)}
    shapes = {"start": (cfg.restarts, max(cfg.clusters))}
    shapes |= {"order": (cfg.permutations, cfg.map_side**2)}
    u = keys.draws(streams, shapes, keys.uniform)
    each = zip(x, u["start"], u["order"].argsort(-1), strict=True)
    found = stack([regimes.clustered(*given, cfg.clusters, cfg.shuffled) for given in each])
    return found | {"centroid": found["centroid"][0], "final": np.exp(x[..., -1, 1])}


def checks(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """In double precision: fields of every temperature; the norm of a packet."""
    room, kind = box(cfg), np.complex128 if cfg.double else np.complex64
    theta, L, N = np.array(cfg.cold + cfg.hot), cfg.law_box, cfg.law_grid

    def one(phase, a, amplitude):
        def field(case):
            return lattice.measured(amplitude[case[0]] * phase[case[1]], L, N)

        by_case = jax.lax.map(field, tuple(np.indices((len(theta), len(phase))).reshape(2, -1)))
        to = jnp.array(cfg.speeds[-1]), 0, jnp.array([cfg.norm_steps])
        norm = packet.propagate(jnp.asarray(packet.start(room, kind)), a, *to, room)[1]["norm"]
        return *(x.reshape(len(theta), -1).mean(1) for x in by_case), norm[0]

    a = (phases(cfg, room.L)[:, 0] * flat(cfg, room.L, cfg.strong)).astype(kind)
    given = phases(cfg, L, cfg.law_draws), a, amplitudes(cfg, L, 1.0, theta, cfg.occupation)
    each = sharding.vmap_over(mesh, one, shared=(2,), at_once=1)(*given)
    return dict(zip(CHECKS, sharding.gather(each), strict=True))


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Packets of the map, of the wide box and of the first box."""
    many = {"map_": (cfg.map_side, 2 * cfg.map_side), "late_": (1, len(cfg.late_speeds))}
    found = []
    for part, (rows, C) in (many | {"": (2, len(cfg.speeds))}).items():
        room, B, at = box(cfg, part), len(cfg.seeds) * C, steps(cfg, part)
        W = len(lattice.modes(room.L, cfg.cutoff)[0])
        psi, a = (jax.ShapeDtypeStruct((B, n, n), np.complex64) for n in (room.N, W))
        args = psi, a, np.zeros(B), 0, np.zeros(CHUNK, int)
        calls = -(-len(at) // CHUNK)
        how = {"calls": rows * calls, "trips": at[-1] / (calls * CHUNK)}
        found.append(mover(cfg, mesh, room).program(f"packets, {part or 'box'}", *args, **how))
    return found
