"""Sampling and likelihood with a fixed score network beside every peer that installs (S1a, b, c).

python benchmarks/sde.py [--peers PYTHON] [--case CASE] [--rounds 5] [--samples 4096] [--steps 100]

PYTHON has torch, torchsde, torchdiffeq, k-diffusion, diffusers, diffrax and our JAX; without it
only our own, the loop of score_sde and the limits run.  All get the same weights, start (float32)
and number of steps, on one thread; one JSON line each, then a table of CPU-seconds in those of the
bare evaluations of the network (S1c: of the network and its tangent, as many as `ours` made).
"""

import argparse
import ctypes
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from rounds import ROOT, contest, serve  # beside this file

sys.path.insert(0, str(ROOT))

D, WIDTH, WAVES = 64, 256, 32
HEUN_STEPS, TOL, EPS = 100, 1e-5, 1e-5
CHECKED = 64  # samples whose likelihood is known to ten digits

CONTESTANTS = {  # case -> contestant -> the interpreter it needs
    "S1a": {
        "network (limit)": "ours",
        "network, times embedded": "ours",
        "ours": "ours",
        "ours, times in the loop": "ours",
        "ours, solvers": "ours",
        "ours, simulate": "ours",
        "score_sde's loop": "ours",
        "diffrax": "peers",
        "diffrax, unsafe path": "peers",
        "network, torch": "torch",
        "torch loop": "torch",
        "torchsde": "torch",
        "k-diffusion euler ancestral": "torch",
        "diffusers ddpm": "torch",
    },
    "S1b": {
        "network (limit)": "ours",
        "network, times embedded": "ours",
        "ours": "ours",
        "ours, times in the loop": "ours",
        "ours, solvers": "ours",
        "diffrax": "peers",
        "network, torch": "torch",
        "torch loop": "torch",
        "torchdiffeq": "torch",
        "k-diffusion": "torch",
        "diffusers": "torch",
    },
    "S1c": {
        "network (limit)": "ours",
        "ours": "ours",
        "ours, step a sample": "ours",
        "diffrax dopri5": "peers",
        "diffrax tsit5": "peers",
        "scipy, as score_sde": "ours",
        "torchdiffeq": "torch",
    },
}


def problem(samples: int):
    """Weights of the network and a standard normal start [samples, D]: alike in every process."""
    rng = np.random.default_rng(0)
    shapes = {"w0": (D, WIDTH), "w1": (WIDTH, WIDTH), "w2": (WIDTH, WIDTH), "w3": (WIDTH, D)}
    shapes |= {"wt": (2 * WAVES, WIDTH)}
    w = {n: rng.standard_normal(s) * np.sqrt(2 / s[0]) for n, s in shapes.items()}
    w |= {f"b{i}": 0.1 * rng.standard_normal(w[f"w{i}"].shape[1]) for i in range(4)}
    w |= {"waves": np.exp(np.linspace(0, np.log(100), WAVES)), "w3": 0.1 * w["w3"]}
    x = rng.standard_normal((samples, D)).astype(np.float32)
    return {n: a.astype(np.float32) for n, a in w.items()}, x


def steps_of(case: str) -> int:
    return {"S1a": int(os.environ["STEPS"]), "S1b": HEUN_STEPS, "S1c": 0}[case]


def peak(run):
    """The run with the memory it took above what was held before, on Linux with glibc."""

    def status(key: str) -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024

    def measured():
        try:
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # what earlier runs freed goes back
            Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again
            before = status("VmRSS")
        except OSError:
            return run()
        found = run()  # a program that knows its own plan tells that
        return {"peak_mb": status("VmHWM") - before} | found

    return measured


def judged(logp, nfe) -> dict:
    """Calls, and the error of the checked samples against ten digits."""
    error = np.asarray(logp, float)[:CHECKED] - np.load(os.environ["REFERENCE"])["logp"]
    return {"nfe": int(nfe), "error": float(np.sqrt(np.mean(error**2)))}


def table(case: str, records: dict[str, dict]) -> None:
    limit = records["network (limit)"]
    unit = limit.get("cpu", np.nan)
    if case == "S1c":
        unit *= records["ours"].get("nfe", np.nan) / limit["nfe"]
    for name, record in records.items():
        if "cpu" not in record:
            print(f"# {case} {name:28} failed: {record['failed']}")
            continue
        more = " ".join(f"{k} {record[k]:.3g}" for k in ("nfe", "error", "peak_mb") if k in record)
        print(f"# {case} {name:28} {record['cpu'] / unit:6.2f} x the network  {more}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="an interpreter with the peers")
    parser.add_argument("--case", choices=CONTESTANTS)
    parser.add_argument("--only", help="contestants whose names hold one of these, by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=100, help="of S1a")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        samples = int(os.environ["SAMPLES"])
        if CONTESTANTS[options.case][options.worker] == "torch":
            from sde_torch import torch_run as start  # beside this file
        else:
            from sde_jax import jax_run as start
        serve(peak(start(options.case, options.worker, samples)))
        return
    folder = tempfile.mkdtemp()
    os.environ |= {"SAMPLES": str(options.samples), "STEPS": str(options.steps)}
    os.environ |= {"REFERENCE": f"{folder}/reference.npz", "PJRT_NPROC": str(options.threads)}
    if options.case in (None, "S1c"):
        from sde_jax import refer

        refer(options.samples)
    for case in [options.case] if options.case else CONTESTANTS:
        chosen = CONTESTANTS[case]
        if options.only:
            names = ["network (limit)", *options.only.split(",")]
            chosen = {n: p for n, p in chosen.items() if any(part in n for part in names)}
        pythons = {n: sys.executable if p == "ours" else options.peers for n, p in chosen.items()}
        pythons = {n: p for n, p in pythons.items() if p}
        records = contest(__file__, case, pythons, rounds=options.rounds, threads=options.threads)
        for record in records.values():
            print(json.dumps(record), flush=True)
        table(case, records)


if __name__ == "__main__":
    main()
