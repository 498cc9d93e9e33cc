"""The contestants of sde.py that are written in PyTorch."""

import itertools
import os

import numpy as np
import torch
from sde import EPS, HEUN_STEPS, TOL, D, judged, problem, steps_of  # beside this file

BETA_MIN, BETA_MAX = 0.1, 20.0


def beta(t):
    return BETA_MIN + t * (BETA_MAX - BETA_MIN)


def marginal(t):
    """Scale and standard deviation of VP at t."""
    whole = BETA_MIN * t + 0.5 * (BETA_MAX - BETA_MIN) * t**2
    return torch.exp(-0.5 * whole), torch.sqrt(-torch.expm1(-whole))


def setup(samples: int):
    """(score(x, t [] or [B]), x [B, D])"""
    torch.set_num_threads(int(os.environ["THREADS"]))
    weights, x = problem(samples)
    w = {n: torch.from_numpy(a) for n, a in weights.items()}

    def score(x, t):
        angles = t.expand(len(x))[:, None] * w["waves"]
        tau = torch.cat([torch.sin(angles), torch.cos(angles)], -1) @ w["wt"]
        h = torch.nn.functional.silu(torch.addmm(w["b0"], x, w["w0"]) + tau)
        for i in (1, 2):
            h = torch.nn.functional.silu(torch.addmm(w[f"b{i}"], h, w[f"w{i}"]))
        return torch.addmm(w["b3"], h, w["w3"]) - x

    return score, torch.from_numpy(x)


def times(steps: int):
    return torch.linspace(1.0, 1e-3, steps + 1)


def reverse(score, x, t, weight: float):
    return -0.5 * beta(t) * x - weight * beta(t) * score(x, t)


def bare(case, score, x):
    calls = 2 * HEUN_STEPS if case == "S1b" else steps_of(case)
    for t in times(calls)[1:]:
        x = x + 0.01 * score(x, t)
    return x, calls


def loop(case, score, x):
    grid = times(steps_of(case))
    for t, s in itertools.pairwise(grid):
        dt = s - t
        if case == "S1a":
            kick = torch.sqrt(-beta(t) * dt) * torch.randn_like(x)
            x = x + reverse(score, x, t, 1.0) * dt + kick
        else:
            slope = reverse(score, x, t, 0.5)
            x = x + 0.5 * dt * (slope + reverse(score, x + dt * slope, s, 0.5))
    return x, (1 if case == "S1a" else 2) * len(grid[1:])


def by_torchsde(case, score, x):
    import torchsde

    class Equation:
        noise_type, sde_type = "diagonal", "ito"

        def f(self, s, x):
            return -reverse(score, x, 1.0 - s, 1.0)

        def g(self, s, x):
            return torch.sqrt(beta(1.0 - s)).expand_as(x)

    ends, dt = torch.tensor([0.0, 1.0 - 1e-3]), (1.0 - 1e-3) / steps_of(case)
    return torchsde.sdeint(Equation(), x, ends, method="euler", dt=dt)[-1], steps_of(case)


def by_torchdiffeq(case, score, x):
    from torchdiffeq import odeint

    field = lambda t, x: reverse(score, x, t, 0.5)  # noqa: E731
    return odeint(field, x, times(HEUN_STEPS), method="heun2")[-1], 2 * HEUN_STEPS


def by_k_diffusion(case, score, x):
    """Its model is a denoiser of x_0 + sigma z: x is scaled and sigma turned into the time."""
    from k_diffusion import sampling

    grid = times(steps_of(case))
    scales, stds = marginal(grid)
    sigmas = stds / scales

    def denoiser(y, sigma):
        b = BETA_MAX - BETA_MIN
        t = (torch.sqrt(BETA_MIN**2 + 2 * b * torch.log1p(sigma**2)) - BETA_MIN) / b
        scale, std = (a[:, None] for a in marginal(t))
        x = scale * y
        return (x + std**2 * score(x, t)) / scale

    walk = sampling.sample_euler_ancestral if case == "S1a" else sampling.sample_heun
    calls = steps_of(case) * (1 if case == "S1a" else 2)
    return scales[-1] * walk(denoiser, x / scales[0], sigmas, disable=True), calls


def by_diffusers(case, score, x):
    import diffusers

    steps = steps_of(case)
    betas = beta(np.linspace(0, 1, steps)) / max(steps, 100)
    how = {"num_train_timesteps": steps, "trained_betas": betas}
    if case == "S1a":
        scheduler = diffusers.DDPMScheduler(clip_sample=False, **how)
    else:
        scheduler = diffusers.HeunDiscreteScheduler(**how)
    scheduler.set_timesteps(steps)
    x = x * scheduler.init_noise_sigma
    for step in scheduler.timesteps:
        given = scheduler.scale_model_input(x, step)
        t = (step + 1.0) / steps
        noise = -marginal(t)[1] * score(given, t)
        x = scheduler.step(noise, step, x).prev_sample
    return x, len(scheduler.timesteps)


def likelihood(score, x):
    """(log-likelihood [B], calls) by torchdiffeq's dopri5, one probe."""
    import jax
    from torchdiffeq import odeint

    from common.sde import calculus

    key = jax.random.key(0)  # the probe of the others
    probe = torch.from_numpy(np.array(calculus.probes(key, x.numpy(), 1)[0]))
    calls = [0]

    def field(t, state):
        calls[0] += 1
        f = lambda x: reverse(score, x, t, 0.5)  # noqa: E731
        slope, push = torch.func.jvp(f, (state[0],), (probe,))
        return slope, (probe * push).sum(-1)

    def run():
        calls[0] = 0
        ends, start = torch.tensor([EPS, 1.0]), (x, torch.zeros(len(x)))
        found = odeint(field, start, ends, rtol=TOL, atol=TOL, method="dopri5")
        latent, gained = (a[-1] for a in found)
        prior = -0.5 * (latent**2).sum(1) - 0.5 * D * np.log(2 * np.pi)
        return judged((prior + gained).numpy(), calls[0])

    return run


WAYS = {
    "network, torch": bare,
    "torch loop": loop,
    "torchsde": by_torchsde,
    "torchdiffeq": by_torchdiffeq,
    "k-diffusion euler ancestral": by_k_diffusion,
    "k-diffusion": by_k_diffusion,
    "diffusers ddpm": by_diffusers,
    "diffusers": by_diffusers,
}


def torch_run(case: str, name: str, samples: int):
    """One run of a contestant, for `serve`."""
    score, x = setup(samples)
    torch.set_grad_enabled(False)
    if case == "S1c":
        return likelihood(score, x)

    def run():
        found, calls = WAYS[name](case, score, x)
        return {"std": float(found.std()), "nfe": calls}

    return run
