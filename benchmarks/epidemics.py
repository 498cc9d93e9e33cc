"""SIR epidemics on networks beside EoN, whose last author is the paper's (G1).

    PYTHON benchmarks/epidemics.py [--rounds 3]

PYTHON: an interpreter with jax, SciPy and EoN.  Ten epidemics on ten random spatial networks of
20,000 nodes and mean degree 6 on the unit square, beta = gamma = 1, from the same nodes to time 16:
first passage over all edges at once, and EoN's event-driven fast_SIR.  Rounds alternate in one
process; both are exact in time, so their shares of infected nodes agree. One JSON line a round.
"""

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import EoN
import jax
import networkx
import numpy as np

from experiments.random_spatial_networks import epidemic, kernels, network

N, KAPPA, MANY, UNTIL, MEDIAN = 20_000, 6.0, 10, 16.0, 0.02


def drawn():
    """(pairs, first infected) of ten networks, Gaussian edges."""
    density = kernels.on_torus(kernels.by_median(MEDIAN, None), 2)
    for key in jax.random.split(jax.random.key(0), MANY):
        x = network.positions(key, N, 2)
        pairs = network.edges(key, x, np.full(N, KAPPA), density)
        yield pairs, (abs(x - 0.5) < 1.5 * MEDIAN).all(axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds, nets = parser.parse_args().rounds, list(drawn())
    edges = epidemic.batch(nets, N, epidemic.room(N, KAPPA))
    graphs = [networkx.Graph(pairs.tolist()) for pairs, _ in nets]
    for graph in graphs:
        graph.add_nodes_from(range(N))
    spread = jax.jit(partial(epidemic.spread, beta=1.0, gamma=1.0, horizon=UNTIL))

    def ours(i: int) -> float:
        caught, _ = spread(jax.random.key(1 + i), *(part[i] for part in edges))
        return float(np.isfinite(caught).mean())

    def theirs(i: int) -> float:
        first = np.flatnonzero(nets[i][1]).tolist()
        _, S, _, _ = EoN.fast_SIR(graphs[i], 1.0, 1.0, initial_infecteds=first, tmax=UNTIL)
        return float(1 - S[-1] / N)

    ours(0)  # compiles
    for _ in range(rounds):
        line = {}
        for name, run in (("ours", ours), ("EoN", theirs)):
            start = time.perf_counter()
            line[f"{name}, infected"] = float(np.mean([run(i) for i in range(MANY)]))
            line[f"{name}, seconds"] = time.perf_counter() - start
        ratio = line["EoN, seconds"] / line["ours, seconds"]
        print(json.dumps({k: round(v, 4) for k, v in (line | {"ratio": ratio}).items()}))


if __name__ == "__main__":
    main()
