"""Products until a trace is known to 1 %, beside matfree and traceax (item C3 of the targets).

    python benchmarks/trace.py [--runs 200] [--case exp20 …]

In an environment that has matfree and traceax; a peer that does not import is left out. `trace`
stops by itself: `matvecs` is its mean over the runs, `most` the largest, `promise` the fraction of
runs whose true error is within the stated bound; `trace, psd` is told that A is semidefinite;
`hutchinson` is the same loop without directions (rank 0). The others take a fixed number of
products and have no rule to choose it: theirs is the least number on a ladder of steps of 1.25
whose root mean square error over 50 runs, known only to us who know the trace, is 1 %. null: none
below P, where the exact trace takes P. One JSON line a measurement, then a table; `times` is a
method's products by those of `trace`.
"""

import argparse
import importlib
import json
import sys
from functools import cache, partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature.dense import dense
from common.curvature.probes import hutchpp, xtrace
from common.curvature.products import flat, ggn_vp, hvp
from common.curvature.trace import trace

P, RTOL, KEYS = 400, 0.01, 50
LADDER = [round(4 * 1.25**j) for j in range(21)]  # 4, 5, 6, 8, … 347


def network():
    """Hessian and Gauss-Newton matrix [P, P] of a classifier 12-25-4 after some training."""
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (300, 12))
    y = jnp.argmax(x[:, :4] + 0.3 * jax.random.normal(keys[1], (300, 4)), axis=1)
    w = jax.random.normal(keys[2], (P,)) / 4

    def model(w, batch):
        return jnp.tanh(batch[0] @ w[:300].reshape(12, 25)) @ w[300:].reshape(25, 4)

    def criterion(logits, batch):
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), batch[1][:, None], 1))

    loss = lambda w, batch: criterion(model(w, batch), batch)  # noqa: E731
    step = lambda w, _: (w - 0.5 * jax.grad(loss)(w, (x, y)), None)  # noqa: E731
    w = jax.lax.scan(step, w, length=200)[0]
    hessian = flat(hvp(loss, w, (x, y)), w)[0]
    return dense(hessian, P), dense(ggn_vp(model, criterion, w, (x, y)), P)


def cases():
    """Name, matrix [P, P], and whether it is positive semidefinite."""
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(P, P)))[0]
    i = np.arange(1, P + 1)
    spectra = {
        "flat": np.linalg.svd(rng.normal(size=(2 * P, P)), compute_uv=False) ** 2 / (2 * P),
        "exp5": np.exp(-i / 5),
        "exp20": np.exp(-i / 20),
        "1/i": 1.0 / i,
        "1/i^2": 1.0 / i**2,
        "outliers": np.r_[np.linspace(1, 5, 10), np.full(P - 10, 0.02)],
        "indefinite": np.r_[np.full(10, 10.0), np.linspace(-0.3, 0.3, P - 10)],
        "Pareto 1.2": rng.pareto(1.2, P),
    }
    for name, values in spectra.items():
        yield name, jnp.asarray((rotation * values) @ rotation.T), values.min() >= 0
    hessian, gauss_newton = network()
    yield "network GGN", gauss_newton, True
    yield "network Hessian", hessian, False


def fixed():
    """Name -> ((key, A, n) -> estimate from n products, whether A has to be semidefinite)."""
    methods = {
        "our hutchpp": (lambda key, A, n: hutchpp(key, A.dot, P, matvecs=n).estimate, False),
        "our xtrace": (lambda key, A, n: xtrace(key, A.dot, P, matvecs=n).estimate, False),
    }
    for library, build in (("matfree", matfree), ("traceax", traceax)):
        try:
            methods |= build(importlib.import_module(library))
        except ImportError:
            print(json.dumps({"method": library, "failed": "not installed"}), flush=True)
    return methods


def matfree(library):
    stochtrace = importlib.import_module("matfree.stochtrace")

    def method(integrand, cost, key, A, n):
        sampler = stochtrace.sampler_sphere(jnp.zeros(P), num=max(n // cost, 2))
        return stochtrace.estimator_leave_one_out(integrand, sampler)(A.dot, key)

    return {
        "matfree xtrace": (partial(method, stochtrace.leave_one_out_xtrace(), 2), False),
        "matfree xnystrace": (partial(method, stochtrace.leave_one_out_xnystrace(), 1), True),
    }


def traceax(library):
    lineax = importlib.import_module("lineax")

    def method(estimator, key, A, n):
        operator = lineax.MatrixLinearOperator(A, lineax.positive_semidefinite_tag)
        return estimator(key, operator, n)[0]

    return {
        "traceax hutch++": (partial(method, library.HutchPlusPlusEstimator()), False),
        "traceax xtrace": (partial(method, library.XTraceEstimator()), False),
        "traceax xnystrace": (partial(method, library.XNysTraceEstimator()), True),
    }


@cache
def many(method, n):
    """Compiled once for all matrices: A -> estimates [KEYS]."""
    keys = jax.random.split(jax.random.key(1), KEYS)
    return jax.jit(lambda A: jax.lax.map(lambda key: method(key, A, n), keys))


def products_needed(method, A):
    """The least n on the ladder, by bisection."""

    def good(n):
        error = np.asarray(many(method, n)(A)) / np.trace(A) - 1
        return np.sqrt(np.mean(error**2)) <= RTOL  # nan: no

    low, high = -1, len(LADDER)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(LADDER[middle]) else (middle, high)
    return LADDER[high] if high < len(LADDER) else None


def stopping(A, runs, **options):
    """What `trace` spends, and whether it keeps its promise."""
    truth = float(jnp.trace(A))
    call = partial(trace, matvec=lambda v: A @ v, size=P, rtol=RTOL, max_matvecs=100_000, **options)
    found = [call(jax.random.key(run)) for run in range(runs)]
    off = np.array([abs(run.estimate - truth) for run in found])
    spent = [run.matvecs for run in found]
    return {
        "matvecs": float(np.mean(spent)),
        "most": max(spent),
        "promise": float(np.mean(off <= [run.bound for run in found])),
        "rms": float(np.sqrt(np.mean(off**2))) / abs(truth),
        "runs": runs,
    }


def table(lines):
    """Products of each method, by case; in brackets, times those of `trace`."""
    names, methods = ([*dict.fromkeys(line[k] for line in lines)] for k in ("case", "method"))
    text = ["| method | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for method in methods:
        row = {line["case"]: line for line in lines if line["method"] == method}
        cells = []
        for name in names:
            spent = row[name]["matvecs"] if name in row else None
            cells.append(f"{spent:.0f} ({row[name]['times']:.2f})" if spent else "-")
        text.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--case", nargs="*", default=[])
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    lines, methods = [], fixed()
    for name, A, semidefinite in cases():
        if args.case and name not in args.case:
            continue
        square = float(jnp.sum(A**2) - jnp.sum(jnp.diag(A) ** 2))
        expected = 2 * square / (RTOL * float(jnp.trace(A))) ** 2
        budgets = {m: f for m, (f, needs) in methods.items() if semidefinite or not needs}
        work = {
            "trace": lambda A=A: stopping(A, args.runs),
            "hutchinson": lambda A=A: stopping(A, args.runs, rank=0),
            "hutchinson's variance": lambda n=expected: {"matvecs": round(n, 1)},
        }
        if semidefinite:
            work["trace, psd"] = lambda A=A: stopping(A, args.runs, psd=True)
        work |= {m: lambda A=A, f=f: {"matvecs": products_needed(f, A)} for m, f in budgets.items()}
        ours = None
        for method, measure in work.items():
            result = measure()
            ours = ours or result["matvecs"]
            times = result["matvecs"] and round(result["matvecs"] / ours, 3)
            lines.append({"case": name, "size": P, "method": method, **result, "times": times})
            print(json.dumps(lines[-1]), flush=True)
    print(table(lines))


if __name__ == "__main__":
    main()
