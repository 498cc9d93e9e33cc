"""The denoisers of all seeds on the mesh, and what the Gaussian theory believes of the data.

Shapes: S seeds, M rows, n images, D pixels, T times, N steps.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import sharding
from common.sde import path, solvers

from . import gaussian, model, sampling


def samplers(mesh: Mesh, sde, rule, kind: str) -> tuple[sharding.Placed, ...]:
    """Of every seed's denoiser (weights, moments): changed runs, trajectories, estimates."""

    def denoiser(params, moments):
        if kind == "net":
            return model.denoiser(params, sde, gaussian.square(moments))
        chosen = gaussian.isotropic(moments) if kind == "isotropic" else moments
        return lambda x, t: gaussian.denoise(chosen, x, path.at(sde, t))

    def sample(params, moments, key, rows, times):
        return sampling.run_rows(key, sde, denoiser(params, moments), rows, times, rule)

    def follow(params, moments, key, x, times):
        return sampling.trajectory(key, sde, denoiser(params, moments), x, times, rule)

    def estimate(params, moments, states, times):
        return sampling.estimates(denoiser(params, moments), states, times)

    fns = (sample, (1, 4)), (follow, (1, 4)), (estimate, (1, 3))
    return tuple(sharding.vmap_over(mesh, fn, shared=shared) for fn, shared in fns)


class Net:
    """The denoisers of all seeds; results are NumPy arrays.

    sample(rows [S, M, …], times [N+1]) -> [S, M, D]; follow(x [S, M, D], times) -> [S, N+1, M, D];
    estimate(states [S, T, n, D], times [T]) -> [S, T, n, D]
    """

    def __init__(self, samplers, sde, params, key, moments, theory) -> None:
        self.sde, self.moments, self.theory = sde, moments, theory
        own = params, jax.tree.map(np.float32, moments)
        sample, follow, estimate = (partial(self._gathered, fn, *own) for fn in samplers)
        self.sample, self.follow = partial(sample, key), partial(follow, key)
        self.estimate = estimate

    @staticmethod
    def _gathered(fn, *args):
        return sharding.gather(fn(*args))

    def grid(self, steps: int) -> tuple[np.ndarray, path.At]:
        """Uniform times and where the path is at them, [N+1]."""
        times = jax.jit(lambda: solvers.uniform(self.sde, steps))()
        return np.asarray(times), self.at(times)

    def at(self, times) -> path.At:
        return sharding.gather(jax.jit(partial(path.at, self.sde))(times))

    def starts(self, normals) -> np.ndarray:
        return normals * np.float32(self.sde.prior_std)
