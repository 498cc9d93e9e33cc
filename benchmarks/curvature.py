"""Hessian products, spectral density and eigenpairs beside every peer that installs (C1, C2, C4).

python benchmarks/curvature.py [--peers PYTHON] [--case CASE] [--rounds 3] [--images 4096]

PYTHON has requirements-bench.txt installed; without it only our own and the limits run.  All get
the same weights, examples (float32) and number of products; one JSON line each, then a table of
ratios to the limit: C1 one gradient, C2 and C4 the products alone.
"""

import argparse
import itertools
import json
import os
import sys

import numpy as np
from rounds import contest, serve  # beside this file

CASES = ("C1 mlp", "C1 cnn", "C2 slq", "C4 eigenpairs")
SIZES = (784, 512, 512, 10)
LOOP = 10  # products (or gradients) a run of C1
STEPS = 80  # C2, one probe
K, TOL, MOST = 20, 1e-3, 400  # C4: residuals of TOL x the largest eigenvalue

CONTESTANTS = {  # case -> contestant -> needs the peers' interpreter
    "C1": {
        "gradient (limit)": False,
        "gradient, im2col": False,
        "ours": False,
        "ours, im2col": False,
        "jax jvp of grad": False,
        "curvlinops": True,
        "hessian-eigenthings": True,
        "pyhessian": True,
        "torch double backward": True,
    },
    "C2": {
        "products (limit)": False,
        "ours": False,
        "matfree": True,
        "hessian-eigenthings": True,
        "pyhessian": True,
        "curvlinops": True,
    },
    "C4": {
        "ours": False,
        "ours, no restart": False,
        "scipy eigsh on our product": True,
        "curvlinops + scipy eigsh": True,
        "curvlinops + scipy lobpcg": True,
        "hessian-eigenthings lanczos": True,
    },
}


def problem(case: str, images: int):
    """Weights [in, out], biases, x [n, 784], y [n]: the same in every process."""
    rng = np.random.default_rng(0)
    if "cnn" in case:
        shapes, images = [(3, 3, 1, 16), (3, 3, 16, 16), (16 * 7 * 7, 10)], images // 8
    else:
        shapes = list(itertools.pairwise(SIZES))
    weights = [
        (rng.standard_normal(s) * np.sqrt(2 / np.prod(s[:-1]))).astype(np.float32) for s in shapes
    ]
    biases = [np.zeros(s[-1], np.float32) for s in shapes]
    x = rng.standard_normal((images, 784)).astype(np.float32)
    return weights, biases, x, rng.integers(0, 10, images)


# --- ours ----------------------------------------------------------------------------------------


def jax_loss(case: str, *, im2col: bool = False):
    import jax
    import jax.numpy as jnp

    def conv(x, w):
        if im2col:  # a convolution as one matrix product with the shifted images
            pad = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
            n, m = x.shape[1:3]
            parts = [pad[:, i : i + n, j : j + m] for i in range(3) for j in range(3)]
            return jnp.concatenate(parts, -1) @ w.reshape(-1, w.shape[-1])
        names = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=names)

    def pool(x):
        n, h, w, c = x.shape
        return x.reshape(n, h // 2, 2, w // 2, 2, c).mean((2, 4))

    def logits(params, x):
        if "cnn" in case:
            x = x.reshape(-1, 28, 28, 1)
            for w, b in params[:-1]:
                x = pool(jax.nn.relu(conv(x, w) + b))
            x = x.reshape(len(x), -1)
        else:
            for w, b in params[:-1]:
                x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return x @ w + b

    def loss(params, batch):
        log_p = jax.nn.log_softmax(logits(params, batch[0]))
        return -jnp.take_along_axis(log_p, batch[1][:, None], 1).mean()

    return loss


def jax_problem(case: str, images: int):
    import jax

    weights, biases, x, y = problem(case, images)
    return jax.device_put(list(zip(weights, biases, strict=True))), jax.device_put((x, y))


def ours(case: str, name: str, images: int):
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree

    from common.curvature.lanczos import eigsh
    from common.curvature.products import flat, hvp
    from common.curvature.slq import slq

    loss = jax_loss(case, im2col="im2col" in name)
    params, batch = jax_problem(case, images)
    key = jax.random.key(0)

    def product(params, batch):
        if name == "jax jvp of grad":
            grad = jax.grad(loss)
            return flat(lambda v: jax.jvp(lambda p: grad(p, batch), (params,), (v,))[1], params)[:2]
        return flat(hvp(loss, params, batch), params)[:2]

    def repeated(fn, v, n):
        return jax.lax.fori_loop(0, n, lambda _, v: 0.1 * fn(v), v)

    def gradients(params, batch):
        vector, unravel = ravel_pytree(params)
        grad = lambda v: ravel_pytree(jax.grad(loss)(unravel(v), batch))[0]  # noqa: E731
        return repeated(lambda v: vector + grad(v), vector, LOOP)

    def products(params, batch):
        matvec, size = product(params, batch)
        return repeated(matvec, jnp.ones(size), LOOP if case.startswith("C1") else STEPS)

    def quadrature(params, batch):
        matvec, size = product(params, batch)
        return slq(key, matvec, size, steps=STEPS, probes=1)

    def eigenpairs(params, batch):
        matvec, size = product(params, batch)
        steps, hold = (150, 150) if "no restart" in name else (MOST, None)
        found = eigsh(key, matvec, size, steps=steps, k=K, tol=TOL, hold=hold)
        return found.values, found.residuals, found.matvecs

    work = {"C1": products, "C2": quadrature, "C4": eigenpairs}[case[:2]]
    work = gradients if name.startswith("gradient") else work
    work = products if name.startswith("products") else work
    compiled = jax.jit(work).lower(params, batch).compile()

    def run():
        result = jax.block_until_ready(compiled(params, batch))
        if case.startswith("C4"):
            values, residuals, matvecs = result
            worst = float(residuals.max() / values.max())
            return {"top": float(values[0]), "worst residual": worst, "matvecs": int(matvecs)}
        return {"top": float(result.nodes.max())} if work is quadrature else {}

    return run


# --- peers ---------------------------------------------------------------------------------------


def torch_problem(case: str, images: int):
    import torch
    from torch import nn

    torch.set_num_threads(int(os.environ["THREADS"]))
    weights, biases, x, y = problem(case, images)
    layers: list[nn.Module] = []
    if "cnn" in case:
        layers.append(nn.Unflatten(1, (1, 28, 28)))
        for w in weights[:-1]:
            layers += [nn.Conv2d(w.shape[2], w.shape[3], 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)]
        layers += [nn.Flatten(), nn.Linear(*weights[-1].shape)]
    else:
        for w in weights[:-1]:
            layers += [nn.Linear(*w.shape), nn.ReLU()]
        layers.append(nn.Linear(*weights[-1].shape))
    model = nn.Sequential(*layers)
    tensors = iter(zip(weights, biases, strict=True))
    for layer in model:
        if hasattr(layer, "weight"):
            w, b = next(tensors)
            order = (3, 2, 0, 1) if w.ndim == 4 else (1, 0)
            layer.weight.data = torch.from_numpy(np.ascontiguousarray(w.transpose(order)))
            layer.bias.data = torch.from_numpy(b)
    return model, torch.from_numpy(x), torch.from_numpy(y)


def torch_product(case: str, name: str, images: int):
    """(matvec on flat tensors, size)."""
    import torch
    from torch import nn

    model, x, y = torch_problem(case, images)
    params = [p for p in model.parameters() if p.requires_grad]
    size = sum(p.numel() for p in params)
    if name.startswith("curvlinops"):
        from curvlinops import HessianLinearOperator

        H = HessianLinearOperator(
            model, nn.CrossEntropyLoss(), params, [(x, y)], check_deterministic=False
        )
        return (lambda v: H @ v), size, H
    if name.startswith("hessian-eigenthings"):
        import hessian_eigenthings as he

        H = he.HessianOperator(model, [(x, y)], he.supervised_loss(nn.CrossEntropyLoss()))
        return H.matvec, size, H
    if name == "pyhessian":
        from pyhessian import hessian

        H = hessian(model, nn.CrossEntropyLoss(), data=(x, y), cuda=False)
        from pyhessian.utils import hessian_vector_product

        shapes = [p.shape for p in H.params]
        counts = [s.numel() for s in shapes]

        def matvec(v):
            parts = [a.view(s) for a, s in zip(v.split(counts), shapes, strict=True)]
            return torch.cat(
                [g.reshape(-1) for g in hessian_vector_product(H.gradsH, H.params, parts)]
            )

        return matvec, size, H

    def double_backward(v):
        loss = nn.functional.cross_entropy(model(x), y)
        grads = torch.autograd.grad(loss, params, create_graph=True)
        dot = torch.dot(torch.cat([g.reshape(-1) for g in grads]), v)
        return torch.cat([g.reshape(-1) for g in torch.autograd.grad(dot, params)])

    return double_backward, size, None


def peer(case: str, name: str, images: int):
    if name == "matfree":
        return matfree(case, images)
    if name == "scipy eigsh on our product":
        return scipy_eigenpairs(*jax_numpy_product(case, images))
    import torch

    matvec, size, operator = torch_product(case, name, images)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(size, generator=generator)

    def products():
        v = start
        for _ in range(LOOP):
            v = 0.1 * matvec(v)
        float(v[0])
        return {}

    if case.startswith("C1"):
        return products
    if case.startswith("C2"):
        return torch_quadrature(name, operator)
    if "scipy" in name:

        def as_numpy(v):
            return matvec(torch.from_numpy(v.astype(np.float32))).detach().numpy()

        return scipy_eigenpairs(as_numpy, size, lobpcg="lobpcg" in name)

    def eigenthings():
        import hessian_eigenthings as he

        steps = 120  # no stop rule, no restart: what our run needed, and some more
        found = he.lanczos(operator, k=K, max_iter=steps, which="LA", reorthogonalize=True, seed=0)
        values = torch.as_tensor(found.eigenvalues)
        vectors = torch.as_tensor(found.eigenvectors).reshape(K, -1)
        residual = max(
            float((matvec(v) - l * v).norm())
            for l, v in zip(values[-3:], vectors[-3:], strict=True)
        )
        top = float(values.max())
        return {"top": top, "worst residual": residual / top, "matvecs": steps + 3}

    return eigenthings


def torch_quadrature(name: str, operator):
    import torch

    if name == "hessian-eigenthings":
        import hessian_eigenthings as he

        def run():
            found = he.spectral_density(operator, num_runs=1, lanczos_steps=STEPS, seed=0)
            return {"top": float(found.grid.max())}

        return run
    if name == "pyhessian":
        # torch.eig was removed from PyTorch: its result, for the symmetric T it is called with
        def eig(T, eigenvectors):
            values, vectors = torch.linalg.eigh(T)
            return torch.stack([values, torch.zeros_like(values)], 1), vectors

        torch.eig = eig

        def density():
            nodes, _ = operator.density(iter=STEPS, n_v=1)
            return {"top": float(max(nodes[0]))}

        return density
    from curvlinops import LanczosApproximateSpectrumCached

    def spectrum():
        cached = LanczosApproximateSpectrumCached(operator, STEPS, boundaries=(-10.0, 100.0))
        grid, _ = cached.approximate_spectrum(num_repeats=1)
        return {"top": float(grid.max())}

    return spectrum


def matfree(case: str, images: int):
    import jax
    from jax.flatten_util import ravel_pytree
    from matfree import decomp, funm, stochtrace

    loss = jax_loss(case)
    params, batch = jax_problem(case, images)
    vector, unravel = ravel_pytree(params)

    def matvec(v, params, batch):
        grad = jax.grad(loss)
        image = jax.jvp(lambda p: grad(p, batch), (params,), (unravel(v),))[1]
        return ravel_pytree(image)[0]

    tridiagonal = decomp.tridiag_sym(STEPS, reortho="full")
    integrand = funm.monte_carlo_funm_sym(funm.dense_funm_sym_eigh(lambda x: x), tridiagonal)
    sampler = stochtrace.sampler_signs(vector, num=1)
    estimate = stochtrace.estimator_monte_carlo(integrand, sampler)

    @jax.jit
    def trace(params, batch):
        return estimate(lambda v: matvec(v, params, batch), jax.random.key(0))

    return lambda: {"trace": float(np.asarray(trace(params, batch)).reshape(-1)[0])}


def jax_numpy_product(case: str, images: int):
    """Our product, called from Python one vector at a time, as scipy's eigsh needs it."""
    import jax

    from common.curvature.products import flat, hvp

    loss = jax_loss(case)
    params, batch = jax_problem(case, images)
    size = sum(a.size for a in jax.tree.leaves(params))
    product = jax.jit(lambda v: flat(hvp(loss, params, batch), params)[0](v))
    return (lambda v: np.asarray(product(v.astype(np.float32)))), size


def scipy_eigenpairs(product, size: int, *, lobpcg: bool = False):
    from scipy.sparse.linalg import LinearOperator, eigsh
    from scipy.sparse.linalg import lobpcg as block_method

    count = [0]

    def matvec(v):
        count[0] += 1
        return product(v.reshape(-1))

    def matmat(V):
        return np.stack([matvec(v) for v in V.T], 1)

    operator = LinearOperator((size, size), matvec=matvec, matmat=matmat, dtype=np.float32)

    def run():
        count[0] = 0
        rng = np.random.default_rng(0)
        if lobpcg:
            start = rng.standard_normal((size, K)).astype(np.float32)
            values, vectors = block_method(operator, start, tol=TOL * 60, maxiter=40)
        else:
            start = rng.standard_normal(size).astype(np.float32)
            values, vectors = eigsh(operator, k=K, which="LA", tol=TOL, v0=start)
        spent, top = count[0], float(values.max())
        worst = int(np.argmin(values))
        residual = np.linalg.norm(product(vectors[:, worst]) - values[worst] * vectors[:, worst])
        return {"top": top, "worst residual": float(residual / top), "matvecs": spent}

    return run


# --- the rounds ----------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="an interpreter with requirements-bench.txt")
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    images = int(os.environ.get("IMAGES", options.images))
    if options.worker:
        theirs = CONTESTANTS[options.case[:2]][options.worker]
        serve((peer if theirs else ours)(options.case, options.worker, images))
        return
    os.environ["IMAGES"] = str(options.images)
    for case in [options.case] if options.case else CASES:
        names = CONTESTANTS[case[:2]]
        pythons = {n: options.peers if p else sys.executable for n, p in names.items()}
        pythons = {n: p for n, p in pythons.items() if p and ("cnn" in case or "im2col" not in n)}
        kept = {"rounds": options.rounds, "threads": options.threads}
        records = contest(__file__, case, pythons, **kept)
        limit = "gradient, im2col" if "cnn" in case else next(iter(records))
        unit = records[limit].get("minimum", np.nan)
        for record in records.values():
            print(json.dumps(record), flush=True)
        for name, record in records.items():
            spent = f"{record['matvecs']:4d} products" if "matvecs" in record else ""
            ratio = f"{record['minimum'] / unit:6.2f}" if "minimum" in record else "failed"
            print(f"# {case:14} {name:28} {ratio} x {limit} {spent}", flush=True)


if __name__ == "__main__":
    main()
