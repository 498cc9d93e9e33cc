"""The contestants of sde.py that are written in JAX: ours, the limits and peers."""

import os

import jax
import jax.numpy as jnp
import numpy as np
from sde import CHECKED, EPS, HEUN_STEPS, TOL, D, judged, problem, steps_of  # beside this file

from common.sde import calculus, ode, path, processes, samplers, simulate, solvers


def embedded(w, t):
    """What the first layer adds of the time: t [...] -> [..., WIDTH]."""
    angles = t[..., None] * w["waves"]
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1) @ w["wt"]


def network(w, x, tau):
    """The score at x [B, D], tau [B, WIDTH] or [WIDTH]: near that of N(0, 1)."""
    h = jax.nn.silu(x @ w["w0"] + w["b0"] + tau)
    for i in (1, 2):
        h = jax.nn.silu(h @ w[f"w{i}"] + w[f"b{i}"])
    return h @ w["w3"] + w["b3"] - x


def trained(w, x, t):
    """The network as it was trained, with a time for every sample: t [] or [B]."""
    return network(w, x, embedded(w, jnp.broadcast_to(t, x.shape[:1])))


def limits(case: str, name: str, calls: int):
    """`calls` evaluations one after the other; S1c with a tangent."""

    def evaluations(w, x, key):
        times = jnp.linspace(1.0, 1e-3, calls)
        nodes = jax.vmap(lambda t: embedded(w, t))(times) if "embedded" in name else times
        net = network if "embedded" in name else trained
        return jax.lax.scan(lambda x, t: (x + 0.01 * net(w, x, t), None), x, nodes)[0]

    def tangents(w, x, key):
        def body(x, t):
            slope, push = jax.jvp(lambda x: trained(w, x, t), (x,), (x,))
            return x + 0.01 * slope + 1e-6 * push, None

        return jax.lax.scan(body, x, jnp.linspace(EPS, 1.0, calls))[0]

    return tangents if case == "S1c" else evaluations


def sampler(case: str, name: str):
    """(w, x, key) -> samples [B, D] of S1a and S1b, by the library."""
    sde, steps = processes.vp(), steps_of(case)

    def run(w, x, key):
        embed = None if "in the loop" in name else lambda t: embedded(w, t)
        score = lambda x, t: (network if embed else trained)(w, x, t)  # noqa: E731
        denoise = lambda x, t, tau: path.from_score(network(w, x, tau), x, path.at(sde, t))  # noqa: E731
        if "solvers" in name:
            rule = solvers.euler_maruyama() if case == "S1a" else solvers.heun(sde)
            grid = solvers.uniform(sde, steps)
            return solvers.solve(key, sde, denoise, x, grid, rule, embed=embed).x
        if "simulate" in name:
            field = processes.reverse(sde, lambda x, t: trained(w, x, t))
            return simulate.simulate(key, field, sde.diffusion, x, jnp.linspace(1, 1e-3, steps + 1))
        if case == "S1b":
            return ode.flow(sde, score, x, steps=steps, embed=embed)
        rule = samplers.euler_maruyama
        return samplers.sample(key, sde, score, x, steps=steps, predictor=rule, embed=embed)

    return run


def likelihood(name: str):
    def run(w, x, key):
        one = {"rtol": TOL, "atol": TOL, "eps": EPS, "per_sample": "a sample" in name}
        found = ode.log_likelihood(key, processes.vp(), lambda x, t: trained(w, x, t), x, **one)
        return found.logp, found.nfe

    return run


def score_sde_loop(w, x, key):
    """The structure of score_sde's sampler: pmap of a fori_loop over predictor objects, t [B]."""
    sde, steps = processes.vp(), steps_of("S1a")
    times = jnp.linspace(1.0, 1e-3, steps)

    class Reverse:
        def sde(self, x, t):
            g = sde.diffusion(t)
            return sde.drift(x, t) - g[:, None] ** 2 * trained(w, x, t), g

    class Predictor:
        def __init__(self, rsde):
            self.rsde = rsde

        def update(self, key, x, t):
            z = jax.random.normal(key, x.shape)
            drift, g = self.rsde.sde(x, t)
            mean = x - drift / steps
            return mean + jax.vmap(lambda a, b: a * b)(g * steps**-0.5, z), mean

    class Corrector:
        def update(self, key, x, t):
            return x, x

    def body(i, carry):
        key, x, mean = carry
        t = jnp.ones(len(x)) * times[i]
        for part in (Corrector(), Predictor(Reverse())):
            key, other = jax.random.split(key)
            x, mean = part.update(other, x, t)
        return key, x, mean

    return jax.lax.fori_loop(0, steps, body, (key, x, x))[2]


def diffrax_field(w):
    sde = processes.vp()

    def field(t, x, _, weight=0.5):
        return sde.drift(x, t) - weight * sde.diffusion(t) ** 2 * trained(w, x, t)

    return sde, field


def diffrax_sampler(case: str, name: str):
    import diffrax as dx
    import lineax

    steps = steps_of(case)

    def run(w, x, key):
        sde, field = diffrax_field(w)
        times = jnp.linspace(1.0, 1e-3, steps + 1)
        terms, solver = dx.ODETerm(field), dx.Heun()
        if case == "S1a":
            like = jax.ShapeDtypeStruct(x.shape, x.dtype)
            tree = dx.VirtualBrownianTree(1e-3, 1.0, tol=0.5 / steps, shape=like, key=key)
            motion = dx.UnsafeBrownianPath(like, key) if "unsafe" in name else tree

            def noise(t, x, _):
                return lineax.DiagonalLinearOperator(jnp.full_like(x, sde.diffusion(t)))

            drift = dx.ODETerm(lambda t, x, a: field(t, x, a, 1.0))
            terms, solver = dx.MultiTerm(drift, dx.ControlTerm(noise, motion)), dx.Euler()
        how = {"stepsize_controller": dx.StepTo(times), "max_steps": None}
        how |= {"adjoint": dx.ForwardMode(), "saveat": dx.SaveAt(t1=True)}
        return dx.diffeqsolve(terms, solver, 1.0, 1e-3, None, x, **how).ys[0]

    return run


def diffrax_likelihood(name: str):
    import diffrax as dx

    def run(w, x, key):
        _, field = diffrax_field(w)
        probe = calculus.probes(key, x, 1)[0]

        def augmented(t, state, _):
            slope, push = jax.jvp(lambda x: field(t, x, None), state[:1], (probe,))
            return slope, jnp.sum(probe * push, -1)

        solver = dx.Tsit5() if "tsit5" in name else dx.Dopri5()
        how = {"stepsize_controller": dx.PIDController(rtol=TOL, atol=TOL), "max_steps": None}
        how |= {"adjoint": dx.ForwardMode()}
        start = (x, jnp.zeros(len(x)))
        found = dx.diffeqsolve(dx.ODETerm(augmented), solver, EPS, 1.0, None, start, **how)
        latent, gained = (a[0] for a in found.ys)
        nfe = 6 * found.stats["num_steps"] + 2
        return processes.gaussian_logp(latent, 1.0) + gained, nfe

    return run


def scipy_likelihood(w, x, probe, *, tol: float = TOL, method: str = "RK45", dtype=np.float32):
    """score_sde's likelihood: one flat float64 state on the host, a compiled field, RK45."""
    from scipy.integrate import solve_ivp

    shape, sde = x.shape, processes.vp()

    def drift(w, x, t):
        return sde.drift(x, t) - 0.5 * sde.diffusion(t)[:, None] ** 2 * trained(w, x, t)

    field = jax.jit(lambda w, x, t: drift(w, x, t))
    pulled = jax.grad(lambda x, w, t: jnp.sum(drift(w, x, t) * probe))
    trace = jax.jit(lambda w, x, t: jnp.sum(pulled(x, w, t) * probe, -1))

    def flat(t, state):
        x = jnp.asarray(state[: -shape[0]].reshape(shape), dtype)
        t = jnp.full(shape[0], t, dtype)
        return np.concatenate([np.asarray(field(w, x, t)).reshape(-1), np.asarray(trace(w, x, t))])

    def run():
        start = np.concatenate([np.asarray(x, float).reshape(-1), np.zeros(shape[0])])
        found = solve_ivp(flat, (EPS, 1.0), start, rtol=tol, atol=tol, method=method)
        latent, gained = found.y[: -shape[0], -1].reshape(shape), found.y[-shape[0] :, -1]
        prior = -0.5 * np.sum(latent**2, 1) - 0.5 * D * np.log(2 * np.pi)
        return prior + gained, found.nfev

    return run


def planned_mb(compiled) -> float:
    """What the program allocates besides its arguments; XLA keeps freed memory from the system."""
    plan = compiled.memory_analysis()
    return (plan.temp_size_in_bytes + plan.output_size_in_bytes) / 2**20


def jax_run(case: str, name: str, samples: int):
    w, x = jax.device_put(problem(samples))
    key = jax.random.key(0)
    if name.startswith("scipy"):
        found = scipy_likelihood(w, x, calculus.probes(key, x, 1)[0])
        return lambda: judged(*found())
    calls = {"S1a": steps_of("S1a"), "S1b": 2 * HEUN_STEPS, "S1c": 100}[case]
    if name.startswith("network"):
        work = limits(case, name, calls)
    elif case == "S1c":
        work = (diffrax_likelihood if "diffrax" in name else likelihood)(name)
    elif name.startswith("score_sde"):
        mapped = jax.pmap(score_sde_loop, in_axes=(None, 0, 0))
        compiled = mapped.lower(w, x[None], key[None]).compile()
        planned = {"peak_mb": planned_mb(compiled)}

        def mapped_run():
            jax.block_until_ready(compiled(w, x[None], key[None]))
            return planned | {"nfe": calls}

        return mapped_run
    else:
        work = (diffrax_sampler if "diffrax" in name else sampler)(case, name)
    compiled = jax.jit(work).lower(w, x, key).compile()
    planned = {"peak_mb": planned_mb(compiled)}

    def run():
        found = jax.block_until_ready(compiled(w, x, key))
        if name.startswith("network"):
            return planned | {"nfe": calls}
        return planned | (judged(*found) if case == "S1c" else {"nfe": calls})

    return run


def refer(samples: int) -> None:
    """Write the likelihoods of the checked samples, by another method in float64."""
    w, x = problem(samples)
    probe = np.asarray(calculus.probes(jax.random.key(0), x, 1), float)[0, :CHECKED]
    with jax.enable_x64(True):
        w = {n: a.astype(float) for n, a in w.items()}
        some, how = x[:CHECKED].astype(float), {"tol": 1e-10, "method": "DOP853", "dtype": float}
        logp, _ = scipy_likelihood(w, some, probe, **how)()
    np.savez(os.environ["REFERENCE"], logp=logp)
