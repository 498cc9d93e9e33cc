"""Chains, automata, fermions, movers that scatter, qubits: both sides of every identity."""

from functools import partial
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import automata, chain, cycles, fermions, qubits, waves


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Axes of length 2 hold both sides of an identity: what is, and what it should be.

    local [seed, 2, A, N + 1], ordered [seed, 2, pair]: averages of A = 2 observables
    commutator [seed, N]; evolution [seed, 2, N, n, n]: rho'(t + 1); power [seed, N + 1, n]: traces
    of powers; pure [seed, N + 1, n, n]: rho' of the automaton
    beta [seed, B], mean [seed, B, T + 1]: of the Ising spin
    norm [seed, rule, R]: over its first value, shift and random rule; returned [seed, 2, state];
    bit [seed, T + 1]: <s_0> under the shift, no other being known
    one [seed, 2, M, k]: energies in 2 pi / M; many [seed, 2, M, number, k]: counts of levels
    evolved [seed, 2, state, 2]: real and imaginary part
    cycle [seed, ring, sample]: lengths at random states; lengths [ring, 2, L]: states in cycles of
    length L, free and scattering; pair [ring, 2, k]: counts; products [seed, 2, 3]
    density [2, T + 1, site]: colour a less colour b, free and scattering, all seeds; species
    [seed, T + 1, 4, walker]: right, left, a, b
    vector [seed, D, 3]; turned, squared [seed, 2, G, judged(, 3)]; linear [seed, P]: share
    assigned [16]; joints [seed, J]; fifteen [seed]: CHSH
    place [seed, T + 1]: angle; spectrum [seed, T + 1, k]: of the packet
    sites, rings, pairs, packet: of cfg
    """
    found = {name: np.array(cfg[name]) for name in ("sites", "rings", "pairs", "packet")}
    found["assigned"] = qubits.assignments(cfg.joint)
    draw = drawn(cfg, shapes(cfg))
    for fn, arrays in (SEEDS | HOST).items():
        if scratch.wants(*arrays):
            of_all = partial(of_seeds, cfg, mesh, fn) if fn in SEEDS else partial(fn, cfg)
            found |= scratch.cached(fn.__name__, partial(of_all, draw))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def of_seeds(cfg, mesh: Mesh, fn, draw) -> dict[str, np.ndarray]:
    """A part of every seed in one program."""
    if fn is ensemble:  # many numbers, only when they are wanted
        draw = drawn(cfg, {"walkers": (cfg.walkers, cfg.lattice, 4)})
    found = sharding.gather(sharding.vmap_over(mesh, partial(fn, cfg), at_once=1)(draw))
    if "density" in found:
        found["density"] = found["density"].mean(axis=0)
    return found


FILLING = 0.3  # of the sites whose species are counted


def shapes(cfg) -> dict[str, tuple]:
    """Of what is drawn for every part."""
    n, mixed = 2**cfg.bits, (cfg.mixed, 2**cfg.bits)
    sizes = {"noise": (cfg.layers, n, n), "start": mixed, "end": mixed, "values": (2, n)}
    sizes |= {"beta": (len(cfg.betas),), "first": (), "wave": (2**cfg.ring,), "rule": (4,)}
    sizes |= {"order": (len(cfg.sites), max(cfg.sites)), "fock": (2**cfg.fock,)}
    sizes |= {"distribution": (cfg.distributions, 8)}
    sizes |= {"sample": (len(cfg.rings), cfg.sample), "packet": (4,), "frame": (3, 3)}
    return sizes | {"permutation": (cfg.permutations, 8), "joint": (cfg.joints, 16)}


def drawn(cfg, sizes: dict) -> dict[str, np.ndarray]:
    """Numbers in [0, 1): name -> [seed, ...]."""
    streams = {name: keys.fold(cfg.seeds, crc32(name.encode())) for name in sizes}
    return keys.draws(streams, sizes, keys.uniform)


def signed(u):
    return 2 * u - 1


def started(draw):
    """<s> at the boundary, from 1/2 to 1."""
    return (1 + draw["first"]) / 2


def lasting(cfg, draw) -> dict:
    """Wave functions under the shift and under a random rule of neighbours."""
    q, strides = signed(draw["wave"]), np.full(cfg.records, cfg.long // cfg.records)
    shift = jnp.asarray(automata.shifted(cfg.ring, 1))
    rules = jnp.stack([shift, automata.blocks(cfg.ring, draw["rule"].argsort())])
    last, norm = jax.vmap(lambda p: waves.lasting(p, q, cfg.slip, strides))(rules)
    bit = waves.bit(shift, started(draw), cfg.steps)
    return {"norm": norm, "returned": jnp.stack([last[0], q]), "bit": bit}


def ensemble(cfg, draw) -> dict:
    """Two packets of unlike colours, without and with scattering; random sites."""
    free, rule = (jnp.asarray(automata.table(name)) for name in ("none", cfg.scatter))
    sites = waves.bumps(draw["walkers"])
    density = [waves.colour(sites, r, cfg.times) for r in (free, rule)]
    full = waves.filled(draw["walkers"][: cfg.shown], FILLING)
    return {"density": jnp.stack(density), "species": waves.species(full, rule, cfg.times)}


def packet(cfg, draw) -> dict:
    """A real wave packet of one particle on the ring."""
    q = waves.packet(draw["packet"], cfg.packet)
    place, spectrum = waves.carried(q, cfg.hop, cfg.slip, cfg.packet_steps)
    return {"place": place, "spectrum": spectrum}


SEEDS = {
    lasting: ("norm", "returned", "bit"),
    ensemble: ("density", "species"),
    packet: ("place", "spectrum"),
}


def chains(cfg, draw) -> dict:
    """Histories against density matrices, of any chain and of an automaton with matched ends."""

    def of(noise, start, end, values):
        noise = cfg.spread * signed(noise)
        kinds = {"weights": chain.weights(noise, cfg.coupling), "jumps": chain.jumps(noise)}
        how = {"conjugate": cfg.conjugate, "heisenberg": cfg.heisenberg}
        found = chain.compared(kinds[cfg.chain], start, end, signed(values), **how)
        return found | {"pure": chain.matched(kinds[cfg.automaton], start[0])}

    names = ("noise", "start", "end", "values")
    return loops.stack([of(*each) for each in zip(*(draw[n] for n in names), strict=True)])


def ising(cfg, draw) -> dict:
    """<s(t)> of the Ising spin from a random <s(0)>."""
    beta = np.array(cfg.betas) + cfg.shift * signed(draw["beta"])
    step = chain.ising(beta) if cfg.ising == "weights" else np.tile(np.eye(2), (*beta.shape, 1, 1))
    return {"beta": beta, "mean": chain.means(step, started(draw)[:, None], cfg.steps)}


def movers(cfg, draw) -> dict:
    """Right-movers in a random order of sites; a wave function of all bits and exp(-i H) of it."""
    spectra = fermions.spectra(draw["order"], cfg.sites, cfg.hop, cfg.twist)
    return spectra | {"evolved": fermions.both(cfg.fock, cfg.twist, signed(draw["fock"]))}


def rings(cfg, draw) -> dict:
    """Cycles of all states of two colours, levels of a pair."""
    found = cycles.rings(cfg.rings, cfg.scatter, draw["sample"])
    return found | {"pair": cycles.couples(cfg.pairs, cfg.scatter)}


def orthogonality(cfg, draw) -> dict:
    """Scalar products after a step with scattering."""
    q = signed(drawn(cfg, {"square": (2, 16**cfg.square)})["square"])
    return {"products": cycles.stepped(cfg.square, cfg.scatter, q)}


def one_qubit(cfg, draw) -> dict:
    """Distributions of 8 states under permutations of the states."""
    probability = qubits.dirichlet(draw["distribution"], cfg.concentration)

    def of(p, permutation):
        generic = permutation.argsort(axis=-1)
        moves, others = (qubits.named(kind, generic) for kind in (cfg.moves, cfg.others))
        found = qubits.compared(moves[:24], p[: cfg.judged])
        return found | {"linear": (qubits.linear_part(others) ** 2).sum(axis=(1, 2)) / 3}

    each = [of(*pair) for pair in zip(probability, draw["permutation"], strict=True)]
    return loops.stack(each) | {"vector": qubits.bloch(probability)}


def two_qubits(cfg, draw) -> dict:
    """CHSH of 15 classical spins that are two qubits; of joint distributions."""
    frames = np.linalg.qr(signed(draw["frame"]))[0]
    weight = -np.log1p(-draw["joint"])  # uniform on the simplex
    joints = weight @ qubits.assignments(cfg.joint) / weight.sum(axis=-1)
    u = drawn(cfg, {"fifteen": (cfg.draws, 4, 4)})["fifteen"]
    tables = qubits.averages(u, qubits.TABLES[cfg.state])
    fifteen = [qubits.chsh(T, frame) for T, frame in zip(tables, frames, strict=True)]
    return {"fifteen": np.array(fifteen), "joints": joints}


HOST = {
    one_qubit: ("vector", "turned", "squared", "linear"),
    two_qubits: ("fifteen", "joints"),
    chains: ("local", "ordered", "commutator", "evolution", "power", "pure"),
    ising: ("beta", "mean"),
    movers: ("one", "many", "evolved"),
    rings: ("lengths", "cycle", "pair"),
    orthogonality: ("products",),
}
