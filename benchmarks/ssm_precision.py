"""Errors of the forms in float32 against float64, over the length.

python benchmarks/ssm_precision.py

S4D-Lin, S4D-Inv and S4D-Real (32 pairs) at steps of 1e-3 and 1e-1, and 32 pairs without decay; the
float64 value takes the same rounded eigenvalues.  Largest error over the largest value; of the
gradient to log a, of a sum of outputs with normal weights, likewise.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from common.ssm import discrete, hippo, kernels

ROWS = [f"{kind} {step:g}" for kind in ("lin", "inv", "real") for step in (1e-3, 1e-1)]
LENGTHS = [2**p for p in (8, 12, 15, 18)]


def models(rng) -> tuple[np.ndarray, np.ndarray]:
    """log a, c [7, 32] in complex64"""
    found = []
    for row in ROWS:
        kind, step = row.split()
        log_a, gain = discrete.zoh_diagonal(jnp.asarray(hippo.initial(kind, 64)), float(step))
        found.append((np.asarray(log_a), np.asarray(gain)))
    found.append((1j * rng.uniform(-np.pi, np.pi, 32), np.ones(32)))
    log_a, gain = (np.stack(x) for x in zip(*found, strict=True))
    c = gain * (rng.normal(size=log_a.shape) + 1j * rng.normal(size=log_a.shape))
    return log_a.astype(np.complex64), c.astype(np.complex64)


def forms(log_a, c, u, weights):
    """Every form's numbers, [7, …] each."""

    def size(log_a):
        return jnp.sum(weights * kernels.chunked(log_a, c, u))

    kernel = kernels.vandermonde(log_a, c, u.shape[-1])
    return {
        "kernel": kernel,
        "FFT": kernels.convolve(kernel, u),
        "chunked": kernels.chunked(log_a, c, u),
        "scan": kernels.recurrent(log_a, c, u),
        "gradient": jax.grad(size)(log_a),
    }


def main() -> None:
    rng = np.random.default_rng(0)
    log_a, c = models(rng)
    u, weights = rng.normal(size=(2, len(log_a), LENGTHS[-1])).astype(np.float32)
    for length in LENGTHS:
        given = log_a, c, u[:, :length], weights[:, :length]
        got = jax.jit(forms)(*given)
        with jax.enable_x64(True):
            wide = [x.astype(complex if np.iscomplexobj(x) else float) for x in given]
            want = jax.jit(forms)(*wide)
        powers = np.exp(wide[0][..., None] * np.arange(length))  # by NumPy, not by our tables
        want["kernel"] = 2 * np.einsum("hn,hnl->hl", wide[1], powers, optimize=True).real
        for name in got:
            off = np.abs(np.asarray(got[name]) - np.asarray(want[name])).max(axis=-1)
            off /= np.abs(want[name]).max(axis=-1)
            row = " ".join(f"{x:.1e}" for x in off)
            print(f"2^{int(np.log2(length)):<2} {name:9} {row}", flush=True)


if __name__ == "__main__":
    main()
