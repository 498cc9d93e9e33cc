"""Entropic and sliced transport beside POT and OTT-JAX (O1).

python benchmarks/transport.py --peers PYTHON [--case CASE] [--rounds 3]

PYTHON: an interpreter with jax, POT and ott-jax; without it ours alone.  Entropic: 1000 x 1000
costs U[0, 1], uniform masses, eta 500 and 1200, float64, to an L1 error of 1e-9; each tells
the error that its plan has. Sliced: W_2^2 of 2,000 against 2,000 points in 10 dimensions, float32;
peers take 1,000 directions, ours with a control variate as many as give their standard error.  One
thread; one JSON line each, then a table of CPU-seconds in ours.
"""

import argparse
import json
import os
import sys

import numpy as np
from rounds import ROOT, contest, serve  # beside this file

sys.path.insert(0, str(ROOT))

N, TARGET = 1000, 1e-9
POINTS, DIM, DIRECTIONS, CONTROLLED = 2000, 10, 1000, 410
ENTROPIC = ("ours, Newton after 20 sweeps", "ours, sweeps", "ours, sweeps in logs", "POT sinkhorn",
            "POT sinkhorn_stabilized", "POT sinkhorn_log", "OTT, kernel", "OTT, logs")  # fmt: skip
SLICED = ("ours, control variate", "ours, plain", "POT", "OTT")
LARGE = (*ENTROPIC[:2], "OTT, kernel")  # with every form it takes minutes
CASES = {"eta 500": ENTROPIC, "eta 1200": LARGE, "sliced": SLICED}


def problem() -> dict[str, np.ndarray]:
    """Alike in every process."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(POINTS, DIM)).astype(np.float32) for _ in range(2))
    y = y * np.linspace(0.5, 2, DIM, dtype=np.float32) + np.float32(0.5)
    return {"cost": rng.random((N, N)), "mass": np.full(N, 1 / N), "x": x, "y": y}


def l1(plan: np.ndarray) -> float:
    return float(sum(np.abs(plan.sum(axis) - 1 / N).sum() for axis in (0, 1)))


def entropic(name: str, eta: float, data: dict):
    """(run, plan of what it returns)"""
    import jax

    jax.config.update("jax_enable_x64", True)
    cost, mass = (jax.device_put(data[key]) for key in ("cost", "mass"))
    if name.startswith("ours"):
        from common.ot import newton, sinkhorn

        def sweeps(*problem, count=20_000, absorb=1 if "logs" in name else 50):
            return sinkhorn.sinkhorn(*problem, eta, tol=TARGET, sweeps=count, absorb=absorb)

        def stages(*problem):
            s = sweeps(*problem, count=20)
            return newton.newton(*problem, eta, (s.x, s.y), newton.sparse(10 * N), tol=TARGET)

        run = jax.jit(stages if "Newton" in name else sweeps)
        return lambda: run(cost, mass, mass), lambda s: sinkhorn.plan(cost, eta, s.x, s.y)
    if name.startswith("OTT"):
        from ott.geometry import geometry
        from ott.problems.linear import linear_problem
        from ott.solvers.linear import sinkhorn as peer

        solver = peer.Sinkhorn(
            lse_mode="logs" in name, threshold=TARGET, max_iterations=20_000, norm_error=1
        )

        @jax.jit
        def run(cost, mass):
            geom = geometry.Geometry(cost_matrix=cost, epsilon=1 / eta)
            return solver(linear_problem.LinearProblem(geom, mass, mass))

        return lambda: run(cost, mass), lambda out: out.matrix
    import ot

    method, mass, cost = name.split()[1], data["mass"], data["cost"]
    how = {"stopThr": TARGET / (2 * N / np.pi) ** 0.5, "numItermax": 20_000}  # its norm is L2
    return (lambda: ot.sinkhorn(mass, mass, cost, 1 / eta, method, **how)), lambda plan: plan


def sliced(name: str, data: dict):
    """(run, its estimate and standard error or nan)"""
    x, y = data["x"], data["y"]
    if name == "POT":
        import ot

        def run():
            return ot.sliced_wasserstein_distance(x, y, n_projections=DIRECTIONS, seed=0) ** 2

        return run, lambda value: (value, np.nan)
    import jax

    if name == "OTT":
        from ott.tools import sliced as peer

        key = jax.random.key(0)
        chosen = jax.jit(lambda x, y: peer.sliced_wasserstein(x, y, n_proj=DIRECTIONS, rng=key)[0])
        return (lambda: chosen(x, y)), lambda value: (value, np.nan)
    from common.ot import sliced as slices

    count = CONTROLLED if "control" in name else DIRECTIONS

    @jax.jit
    def ours(x, y):
        theta = slices.directions(jax.random.key(0), count, DIM)
        values = slices.costs(x, y, theta)
        if count == DIRECTIONS:
            return values.mean(), values.std() / count**0.5
        control = slices.upper(x, y, theta)
        return slices.control_variate(values, *control, centre="sample")[:2]

    return (lambda: ours(x, y)), lambda pair: pair


def start(case: str, name: str, data: dict):
    """One run of a contestant, for `serve`; what it found is looked at after the first alone."""
    if case == "sliced":
        run, seen = sliced(name, data)
    else:
        run, seen = entropic(name, float(case.split()[1]), data)
    told: dict = {}

    def once():
        found = run()
        if hasattr(found, "block_until_ready") or not isinstance(found, np.ndarray):
            import jax

            jax.block_until_ready(found)
        if not told and case != "sliced":
            told["error"] = l1(np.asarray(seen(found)))
        if not told:
            told.update(zip(("value", "error"), map(float, seen(found)), strict=True))
        return told

    return once


def table(case: str, records: dict[str, dict]) -> None:
    unit = next(iter(records.values())).get("cpu", np.nan)
    for name, record in records.items():
        if "cpu" not in record:
            print(f"# {case:9} {name:30} failed: {record['failed']}")
            continue
        ratio = record["cpu"] / unit
        print(f"# {case:9} {name:30} {ratio:7.2f}  {record['cpu']:7.3f} s  {record['error']:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default="", help="an interpreter with jax, POT and ott-jax")
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(start(options.case, options.worker, problem()))
        return
    os.environ |= {"PJRT_NPROC": "1", "OPENBLAS_NUM_THREADS": "1"}
    for case in [options.case] if options.case else CASES:
        names = [n for n in CASES[case] if options.peers or n.startswith("ours")]
        pythons = {n: sys.executable if n.startswith("ours") else options.peers for n in names}
        records = contest(__file__, case, pythons, rounds=options.rounds, threads=1)
        for record in records.values():
            print(json.dumps(record), flush=True)
        table(case, records)


if __name__ == "__main__":
    main()
