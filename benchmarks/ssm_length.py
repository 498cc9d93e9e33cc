"""Time and memory over the length, forward and gradient: table, exponents, ssm_length.png (K1).

python benchmarks/ssm_length.py [--annotated-s4 DIR]

16 models of 32 pairs, one sequence, float32, one thread; CPU-seconds, minima of three interleaved
rounds; memory as XLA plans it: arguments, results and what the program allocates between.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ["PJRT_NPROC"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import matplotlib.pyplot as plt
import numpy as np
import ssm  # beside this file
import ssm_jax

LENGTHS = [2**p for p in (8, 10, 12, 14, 16, 18)]
MARKS = {"ours, chunked": "o-", "ours, kernel and FFT": "s--", "annotated-s4": "^:"}


def measured(name: str, length: int):
    data = ssm.problem(length)
    small = {n: data[n][:16] for n in ("values", "step", "c")}
    small |= {n: data[n][:1, :16] for n in ("u", "slope")}
    compiled, given = ssm_jax.compile_case("S4D gradient", name, small)
    jax.block_until_ready(compiled(*given))
    return compiled, given, ssm_jax.planned_mb(compiled)


def seconds(compiled, given) -> float:
    start = time.process_time()
    jax.block_until_ready(compiled(*given))
    return time.process_time() - start


def draw(found: dict[str, np.ndarray]) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, column, label in zip(axes, (0, 1), ("CPU-seconds", "MiB"), strict=True):
        for name, rows in found.items():
            axis.loglog(LENGTHS, rows[:, column], MARKS[name], label=name)
        law = np.array(LENGTHS) * (np.log2(LENGTHS) if column == 0 else 1)
        law = law / law[-1] * found["ours, kernel and FFT"][-1, column]
        axis.loglog(LENGTHS, law, "k-", lw=0.8, label="L log L" if column == 0 else "L")
        axis.set(xlabel="length L", ylabel=label)
        axis.set_xscale("log", base=2)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0].set_title("forward and gradient: time")
    axes[1].set_title("memory, arguments and results included")
    figure.savefig(Path(__file__).with_name("ssm_length.png"), dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotated-s4", default="", metavar="DIR")
    options = parser.parse_args()
    os.environ["ANNOTATED_S4"] = options.annotated_s4
    names = [name for name in MARKS if options.annotated_s4 or name != "annotated-s4"]
    found = {name: np.empty((len(LENGTHS), 2)) for name in names}
    for i, length in enumerate(LENGTHS):
        ready = {name: measured(name, length) for name in names}
        rounds = [[seconds(*ready[name][:2]) for name in names] for _ in range(3)]
        for j, name in enumerate(names):
            found[name][i] = min(r[j] for r in rounds), ready[name][2]
            print(f"{length:7} {name:21} {found[name][i, 0]:.5f} s {found[name][i, 1]:8.1f} MiB")
    upper = np.array(LENGTHS) >= 2**12
    for name, rows in found.items():
        slopes = [np.polyfit(np.log(LENGTHS)[upper], np.log(y[upper]), 1)[0] for y in rows.T]
        print(f"{name}: time L^{slopes[0]:.2f}, memory L^{slopes[1]:.2f}, from 2^12 on")
    draw(found)


if __name__ == "__main__":
    main()
