"""Work and precision of our samplers where the score is exact: a figure, and peers beside them.

    python benchmarks/sde_precision.py           # benchmarks/sde_work_precision.png and a table
    PYTHON benchmarks/sde_precision.py --agree   # ours, diffusers and k-diffusion on one grid

Eight Gaussians on a circle of the plane, VP from t = 1 to 1e-3.  A flow is judged by the mean
distance to where the exact flow ends (float64, the same starts), a sampler with noise by sliced
Wasserstein-1 to exact samples (float32); a dashed line has it for two exact samples.
Levels: the noise-to-signal ratios of Karras et al. (2022), rho = 7, between the two times.
"""

import argparse
import functools
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import jax.numpy as jnp

from common import ode as steppers
from common import plot
from common.sde import distances, mixture, ode, path, processes, samplers, solvers

POINTS, SAMPLES, DIRECTIONS = 512, 16384, 32
COUNTS = (8, 16, 32, 64, 128, 256, 512)
LEVELS = (1e-1, 1e-2, 1e-3, 1e-4)  # errors of a flow whose calls are told
SDE = processes.vp()


def times_of(ratio):
    """The times at which VP has these ratios of noise to signal: B(t) = log(1 + ratio^2)."""
    low, slope = 0.1, 19.9
    return (jnp.sqrt(low**2 + 2 * slope * jnp.log1p(ratio**2)) - low) / slope


def levels(steps: int):
    """Times of the levels of Karras et al., from t = 1 to SDE.eps.  -> [N+1]"""
    low, high = (std / scale for scale, std in map(SDE.marginal, (SDE.eps, SDE.end)))
    grid = times_of(solvers.karras(steps + 1, low, high)[:-1])
    return grid.at[0].set(SDE.end).at[-1].set(SDE.eps)


def ring():
    return mixture.ring(8, 1.0, 0.1, jnp.result_type(float))


def solved(key, x, steps: int, rule, grid=levels):
    denoise = path.denoiser(SDE, mixture.exact_score(ring(), SDE))
    return solvers.solve(key, SDE, denoise, x, grid(steps), rule)[:2]


def equal_times(key, x, steps: int, tableau):
    score = mixture.exact_score(ring(), SDE)
    return ode.flow(SDE, score, x, steps=steps, tableau=tableau), steps * len(tableau.b)


def adaptive(key, x, tol):
    field = processes.probability_flow(SDE, mixture.exact_score(ring(), SDE))
    end = steppers.dopri5(field, x, SDE.end, SDE.eps, rtol=tol, atol=tol, max_steps=10000)
    return end.y, end.nfe


def chained(key, x, steps: int, predictor):
    score = mixture.exact_score(ring(), SDE)
    return samplers.sample(key, SDE, score, x, steps=steps, predictor=predictor), steps


def by(rule):
    return functools.partial(solved, rule=rule)


def through(predictor):
    return functools.partial(chained, predictor=predictor)


FLOWS = {  # name -> (run(key, x, n), every n)
    "Euler, equal times": (functools.partial(equal_times, tableau=steppers.EULER), COUNTS),
    "Heun, equal times": (functools.partial(equal_times, tableau=steppers.HEUN), COUNTS[:-1]),
    "DDIM": (by(solvers.exponential(1)), COUNTS),
    "DPM-Solver++(2M)": (by(solvers.exponential(2)), COUNTS),
    "Heun": (by(solvers.heun(SDE)), COUNTS[:-1]),
    "dopri5, tolerance 1e-2 … 1e-9": (adaptive, 10.0 ** -np.arange(2, 10)),
}
NOISY = {
    "Euler-Maruyama, equal times": (through(samplers.euler_maruyama), COUNTS),
    "reverse diffusion, equal times": (through(samplers.reverse_diffusion), COUNTS[2:]),
    "ancestral, equal times": (through(samplers.ancestral), COUNTS[2:]),
    "exponential(1, eta=1)": (by(solvers.exponential(1, 1.0)), COUNTS),
    "exponential(2, eta=1)": (by(solvers.exponential(2, 1.0)), COUNTS),
    "DDIM": (by(solvers.exponential(1)), COUNTS),
    "DPM-Solver++(2M)": (by(solvers.exponential(2)), COUNTS),
}


def curve(run, counts, x, error):
    """Calls and errors of one sampler.  -> [n], [n]"""
    found = []
    for n in counts:
        fixed = functools.partial(run, jax.random.key(1))
        end, nfe = jax.jit(fixed, static_argnums=1)(x, n if n < 1 else int(n))
        found.append((int(nfe), float(error(end))))
    return np.array(found).T


def flows():
    """name -> (calls, mean distance to the exact end), in float64."""
    with jax.enable_x64(True):
        x = processes.prior_sample(jax.random.key(0), SDE, (POINTS, 2), jnp.float64)
        exact = jax.jit(adaptive, static_argnums=2)(None, x, 1e-13)[0]
        error = lambda end: jnp.mean(jnp.linalg.norm(end - exact, axis=1))  # noqa: E731
        return {name: curve(*how, x, error) for name, how in FLOWS.items()}


def laws():
    """name -> (calls, sliced W1 to exact samples), and that of two exact samples."""
    keys = jax.random.split(jax.random.key(0), 12)
    scale, std = SDE.marginal(SDE.eps)
    noised = ring()._replace(means=scale * ring().means, stds=jnp.hypot(scale * 0.1, std)[None])
    noised = noised._replace(stds=jnp.broadcast_to(noised.stds, (8,)))
    drawn = [mixture.sample(key, noised, SAMPLES) for key in keys[:9]]
    theta = distances.directions(keys[9], DIRECTIONS, 2)
    apart = jax.jit(distances.sliced_w1)
    floor = np.mean([float(apart(drawn[0], other, theta)) for other in drawn[1:]])
    x = processes.prior_sample(keys[10], SDE, (SAMPLES, 2))
    error = lambda end: apart(end, drawn[0], theta)  # noqa: E731
    return {name: curve(*how, x, error) for name, how in NOISY.items()}, floor


def needed(calls, errors, level: float) -> str:
    """Calls at which the curve falls to a level, on straight lines between its points."""
    below = np.flatnonzero(errors <= level)
    if not len(below):
        return f"> {int(calls[-1])}"
    k = below[0]
    if not k:
        return f"<= {int(calls[0])}"
    ends = np.log(errors[k - 1 : k + 1])[::-1], np.log(calls[k - 1 : k + 1])[::-1]
    return f"{np.exp(np.interp(np.log(level), *ends)):.0f}"


def draw() -> None:
    deterministic, (noisy, floor) = flows(), laws()
    for name, (calls, errors) in deterministic.items():
        print(f"{name:32}", *(needed(calls, errors, level) for level in LEVELS), sep=" | ")
    for name, (calls, errors) in noisy.items():
        print(f"{name:32}", *(f"{int(n)}: {e:.4f}" for n, e in zip(calls, errors, strict=True)))
    print(f"two exact samples {floor:.4f}")
    caption = "Error against calls of the score: flows (left) and laws of samples (right)."
    with plot.styled():
        fig, (left, right) = plot.figure(1, 2, size=(10.0, 4.2), caption=caption)
        order = list(FLOWS) + [name for name in NOISY if name not in FLOWS]
        for ax, curves in ((left, deterministic), (right, noisy)):
            for name, (calls, errors) in curves.items():
                look = plot.style(order.index(name) if ax is left else RIGHT[name])
                ax.plot(calls, errors, label=name, **(look | {"markevery": 1}))
            ax.set(xscale="log", yscale="log", xlabel="calls of the score")
        left.set(ylabel="mean distance to the end of the exact flow", ylim=(1e-9, 3))
        right.set(ylabel="sliced Wasserstein distance to exact samples", ylim=(floor / 2, 1))
        plot.law(right, [COUNTS[0], COUNTS[-1]], [floor, floor], label="two exact samples")
        left.legend(loc="lower left"), right.legend(loc="upper right")
        plot.save(fig, Path(__file__).parent, "sde_work_precision", kinds=("png",))


RIGHT = dict(zip(NOISY, (0, 1, 5, 6, 4, 2, 3), strict=True))  # DDIM and 2M look alike in both


# --- the peers' numbers on the same grid ---------------------------------------------------------


def agree(steps: int = 20) -> None:
    """Print the largest difference of each peer's samples from ours: same start, same levels."""
    import torch

    with jax.enable_x64(True):
        x = processes.prior_sample(jax.random.key(0), SDE, (POINTS, 2), jnp.float64)
        grid = levels(steps)
        scale, std = SDE.marginal(grid)
        denoise = jax.jit(path.denoiser(SDE, mixture.exact_score(ring(), SDE)))
        key = jax.random.key(0)
        ours = {name: np.asarray(FLOWS[name][0](key, x, steps)[0]) for name in SHARED}
        start = torch.from_numpy(np.array(x))
        call = lambda x, i: torch.from_numpy(np.array(denoise(x.double().numpy(), grid[i])))  # noqa: E731
        theirs = by_diffusers(start, call, np.array(scale), np.array(std))
        theirs |= by_k_diffusion(start, call, np.array(scale), np.array(std))
        for (peer, name), end in theirs.items():
            print(f"{peer:12} {name:18} {np.abs(end.numpy() - ours[name]).max():.1e}")


SHARED = ("DDIM", "DPM-Solver++(2M)", "Heun")


def by_diffusers(x, call, scale, std):
    import diffusers
    import torch

    steps = len(scale) - 1
    how = {"num_train_timesteps": steps, "prediction_type": "sample"}
    ddim = diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False, **how)
    ddim.alphas_cumprod = torch.from_numpy(scale[:-1][::-1].copy() ** 2)
    ddim.final_alpha_cumprod = torch.tensor(scale[-1] ** 2)
    how |= {"lower_order_final": False, "final_sigmas_type": "sigma_min"}  # else it ends by order 1
    multistep = diffusers.DPMSolverMultistepScheduler(**how)
    found = {}
    for name, scheduler in (("DDIM", ddim), ("DPM-Solver++(2M)", multistep)):
        scheduler.set_timesteps(steps)
        if name != "DDIM":
            scheduler.sigmas = torch.from_numpy(std / scale)
        y = x
        for i, step in enumerate(scheduler.timesteps):
            y = scheduler.step(call(y, i), step, y).prev_sample
        found["diffusers", name] = y
    return found


def by_k_diffusion(x, call, scale, std):
    """Its x is ours over the scale."""
    import torch
    from k_diffusion import sampling

    ratio = torch.from_numpy(std / scale)

    def denoiser(y, sigma):
        i = int(torch.argmin(torch.abs(ratio - sigma[0])))
        return call(scale[i] * y, i)

    ways = (sampling.sample_euler, sampling.sample_dpmpp_2m, sampling.sample_heun)
    return {
        ("k-diffusion", name): scale[-1] * way(denoiser, x / scale[0], ratio, disable=True)
        for name, way in zip(SHARED, ways, strict=True)
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--agree", action="store_true", help="needs diffusers and k-diffusion")
    agree() if parser.parse_args().agree else draw()
