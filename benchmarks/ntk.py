"""Empirical NTK of n x n examples, beside neural-tangents and torch.func, in interleaved rounds.

python benchmarks/ntk.py --neural-tangents PYTHON --torch PYTHON [--n 512] [--rounds 5]

Each peer runs with the interpreter given: neural-tangents needs an older jax (0.4.23 with 0.6.5).
All get the same weights, examples and dtype. Prints one JSON line a measurement and a table;
`limit` is one pass for the Jacobians and one matrix product, in plain JAX.
"""

import argparse
import itertools
import json
import os
import sys

import numpy as np
from rounds import contest, serve  # beside this file

CASES = ("mlp trace", "cnn trace", "cnn full", "mlp full")
SIDE, OUTPUTS = 8, 10
MLP = (SIDE * SIDE, 128, 128, OUTPUTS)
CNN = (1, 8, 16)  # channels of two 3 x 3 convolutions, before a mean and a dense layer
PEERS = {
    "ours": ("ours",),
    "limit": ("ours",),
    "nt jacobian contraction": ("nt", 1),
    "nt vector products": ("nt", 2),
    "nt structured": ("nt", 3),
    "torch.func": ("torch",),
}


def problem(case: str, n: int):
    """Weights, as a list, and examples [n, …]: the same in every process."""
    rng = np.random.default_rng(0)
    if case.startswith("mlp"):
        shapes = list(itertools.pairwise(MLP))
        x = rng.standard_normal((n, MLP[0]))
    else:
        shapes = [(3, 3, a, b) for a, b in itertools.pairwise(CNN)]
        shapes.append((CNN[-1], OUTPUTS))
        x = rng.standard_normal((n, SIDE, SIDE, 1))
    weights = [rng.standard_normal(s) * np.prod(s[:-1]) ** -0.5 for s in shapes]
    return [w.astype(np.float32) for w in weights], x.astype(np.float32)


# --- the workers ---------------------------------------------------------------------------------


def jax_model(case: str):
    import jax

    def mlp(weights, x):
        for w in weights[:-1]:
            x = jax.nn.relu(x @ w)
        return x @ weights[-1]

    def cnn(weights, x):
        for w in weights[:-1]:
            names = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=names)
            x = jax.nn.relu(x)
        return x.mean((1, 2)) @ weights[-1]

    return mlp if case.startswith("mlp") else cnn


def ours(case: str):
    from functools import partial

    from common.ntk.empirical import ntk

    return partial(ntk, jax_model(case), full=case.endswith("full"))


def limit(case: str):
    """One pass for the Jacobians, one matrix product."""
    import jax
    import jax.numpy as jnp

    model = jax_model(case)

    def kernel(weights, x):
        def one(a):
            jacobian = jax.jacrev(lambda w: model(w, a[None])[0])(weights)
            return jnp.concatenate([j.reshape(OUTPUTS, -1) for j in jacobian], axis=1)

        jacobian = jax.vmap(one)(x)
        if case.endswith("trace"):
            jacobian = jacobian.reshape(len(x), -1)
            return jacobian @ jacobian.T / OUTPUTS
        jacobian = jacobian.reshape(len(x) * OUTPUTS, -1)
        square = (jacobian @ jacobian.T).reshape(len(x), OUTPUTS, len(x), OUTPUTS)
        return square.swapaxes(1, 2)

    return kernel


def neural_tangents(case: str, implementation: int):
    import neural_tangents as nt

    kernel = nt.empirical_ntk_fn(
        lambda weights, x: jax_model(case)(weights, x),
        trace_axes=(-1,) if case.endswith("trace") else (),
        vmap_axes=0,
        implementation=nt.NtkImplementation(implementation),
    )
    return lambda weights, x: kernel(x, None, weights)


def torch_func(case: str):
    import torch
    from torch.func import jacrev, vmap

    def model(weights, x):
        if case.startswith("mlp"):
            for w in weights[:-1]:
                x = torch.relu(x @ w)
            return x @ weights[-1]
        x = x.permute(2, 0, 1)[None]
        for w in weights[:-1]:
            x = torch.relu(torch.nn.functional.conv2d(x, w.permute(3, 2, 0, 1), padding=1))
        return x.mean((2, 3))[0] @ weights[-1]

    def kernel(weights, x):
        jacobian = vmap(jacrev(model), (None, 0))(weights, x)
        parts = [j.flatten(2) for j in jacobian]
        if case.endswith("trace"):
            return sum(torch.einsum("nop,mop->nm", j, j) for j in parts) / OUTPUTS
        return sum(torch.einsum("nop,mqp->nmoq", j, j) for j in parts)

    return kernel


def run_of(peer: str, case: str, n: int):
    """What a worker repeats: one kernel, and the sum of its entries' sizes."""
    kind, *options = PEERS[peer]
    weights, x = problem(case, n)
    if kind == "torch":
        import torch

        torch.set_num_threads(int(os.environ["THREADS"]))
        weights, x = [torch.from_numpy(w) for w in weights], torch.from_numpy(x)
        kernel = torch_func(case)
        return lambda: {"last": float(kernel(weights, x).reshape(-1)[-1])}
    import jax

    make = {"ours": ours, "limit": limit}.get(peer)
    kernel = jax.jit(make(case) if make else neural_tangents(case, *options))
    weights, x = jax.device_put((weights, x))
    return lambda: {"last": float(jax.block_until_ready(kernel(weights, x)).reshape(-1)[-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neural-tangents", help="an interpreter that can import it")
    parser.add_argument("--torch", help="an interpreter that can import torch")
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    n = int(os.environ.get("EXAMPLES", options.n))
    if options.worker:
        serve(run_of(options.worker, options.case, n))
        return
    os.environ["EXAMPLES"] = str(options.n)
    found = {"ours": sys.executable, "nt": options.neural_tangents, "torch": options.torch}
    pythons = {peer: found[kind] for peer, (kind, *_) in PEERS.items() if found[kind]}
    for case in [options.case] if options.case else CASES:
        kept = {"rounds": options.rounds, "threads": options.threads}
        records = contest(__file__, case, pythons, **kept)
        for record in records.values():
            print(json.dumps({"item": "N1", "n": options.n} | record), flush=True)
        unit = records["ours"]["minimum"]
        for peer, record in records.items():
            ratio = f"{record['minimum'] / unit:8.2f} x ours" if "minimum" in record else "failed"
            print(f"# {case:10} {peer:24} {ratio}", flush=True)


if __name__ == "__main__":
    main()
