"""A diagonal state-space model over a long sequence beside its peers (K1).

python benchmarks/ssm.py [--annotated-s4 DIR] [--s5 DIR] [--state-spaces DIR --torch PYTHON]
                         [--case CASE] [--rounds 3] [--length 16384]

DIR: a checkout of srush/annotated-s4, lindermanlab/S5, state-spaces/s4, of which one function is
imported (flax is needed, PyTorch and einops for the third); without it that peer is left out.  S4D:
128 models of 32 pairs, batch 4; S5: one model of 32 pairs, 128 inputs and outputs.  All get the
same numbers in float32, on one thread; one JSON line each, then a table of CPU-seconds in those of
the bare FFT convolution (S5: of ours).  `ssm_length.py`: over L; `ssm_precision.py`: errors.
"""

import argparse
import json
import os
import sys

import numpy as np
from rounds import ROOT, contest, serve  # beside this file
from sde import peak

sys.path.insert(0, str(ROOT))

H, N, BATCH = 128, 32, 4
S4D = {  # contestant -> what it needs
    "FFT convolution": "ours",
    "ours, chunked": "ours",
    "ours, kernel and FFT": "ours",
    "ours, kernel": "ours",
    "annotated-s4": "annotated_s4",
    "annotated-s4, kernel": "annotated_s4",
    "state-spaces/s4": "state_spaces",
}
S5 = {"ours": "ours", "lindermanlab/S5": "s5"}
CASES = {"S4D": S4D, "S4D gradient": S4D, "S5": S5, "S5 gradient": S5}


def problem(length: int) -> dict[str, np.ndarray]:
    """Eigenvalues of S4D-Lin, steps in 1e-3..1e-1, the rest normal: alike in every process."""
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.normal(size=shape).astype(np.float32)  # noqa: E731
    pairs = lambda *shape: normal(*shape) + 1j * normal(*shape)  # noqa: E731
    values = np.broadcast_to(-0.5 + 1j * np.pi * np.arange(N), (H, N)).astype(np.complex64)
    found = {"values": values, "step": (10 ** rng.uniform(-3, -1, (H, 1))).astype(np.float32)}
    found |= {"c": pairs(H, N), "u": normal(BATCH, H, length), "slope": normal(BATCH, H, length)}
    return found | {"b_in": pairs(N, H) / H**0.5, "c_out": pairs(H, N) / N**0.5}


def table(case: str, records: dict[str, dict]) -> None:
    unit = next(iter(records.values())).get("cpu", np.nan)
    for name, record in records.items():
        if "cpu" not in record:
            print(f"# {case:13} {name:22} failed: {record['failed']}")
            continue
        ratio, held = record["cpu"] / unit, record["peak_mb"]
        print(f"# {case:13} {name:22} {ratio:6.2f}  {held:6.0f} MiB  |y| {record['size']:.6g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for peer in ("annotated-s4", "s5", "state-spaces"):
        parser.add_argument(f"--{peer}", default="", metavar="DIR")
    parser.add_argument("--torch", default="", help="an interpreter with PyTorch and einops")
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--length", type=int, default=16384)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        if CASES[options.case][options.worker] == "state_spaces":
            from ssm_torch import torch_run as start  # beside this file
        else:
            from ssm_jax import jax_run as start
        serve(peak(start(options.case, options.worker, problem(int(os.environ["LENGTH"])))))
        return
    given = {peer: getattr(options, peer) for peer in ("annotated_s4", "s5", "state_spaces")}
    os.environ |= {peer.upper(): folder for peer, folder in given.items()}
    os.environ |= {"LENGTH": str(options.length), "PJRT_NPROC": "1"}
    for case in [options.case] if options.case else CASES:
        names = [n for n, need in CASES[case].items() if need == "ours" or given[need]]
        pythons = {n: options.torch if n == "state-spaces/s4" else sys.executable for n in names}
        records = contest(__file__, case, pythons, rounds=options.rounds, threads=1)
        for record in records.values():
            print(json.dumps(record), flush=True)
        table(case, records)


if __name__ == "__main__":
    main()
