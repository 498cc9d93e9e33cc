"""Runs that are perturbed, or begun late from the closed form: their rows and what they show.

Shapes: M rows, D pixels, B trajectories, P times, K components, J jumps, N steps.
"""

import jax
import numpy as np

from common.sde import distances
from common.sde.path import At

from . import gaussian
from .sampling import Rows


def nodes(at, steps: int) -> np.ndarray:
    """Numbers of the nodes of a uniform grid nearest to times `at` in [0, 1]."""
    return np.rint((1.0 - np.asarray(at)) * steps).astype(int)


def kicked(x, times, pushes) -> Rows:
    """Runs from x [B, D] with pushes [P, K, D] added at times [P], and one without.

    -> rows of (P K + 1) B
    """
    count, several, pixels = pushes.shape
    give = np.concatenate([pushes.reshape(-1, pixels), np.zeros((1, pixels), x.dtype)])
    when = np.append(np.repeat(times, several), -1.0)
    rows = [np.repeat(a, len(x), axis=0) for a in (when, np.ones_like(when), give)]
    return _single(np.tile(x, (count * several + 1, 1)), *rows)


def begun_late(x, times, states) -> Rows:
    """Runs that are set to states [J, B, D] at times [J], and one from x [B, D] that is not.

    -> rows of (J + 1) B
    """
    give = np.concatenate([*states, x])
    when = np.repeat(np.append(times, -1.0), len(x))
    return _single(np.tile(x, (len(states) + 1, 1)), when, np.zeros_like(when), give)


def _single(*fields) -> Rows:
    return Rows(*(np.asarray(a, np.float32) for a in fields))


def joined_seeds(rows) -> Rows:
    """[S, M, …] of the rows of every seed."""
    return Rows(*(np.stack(field) for field in zip(*rows, strict=True)))


def joined(parts) -> Rows:
    """One set of rows, those of the parts in turn."""
    return Rows(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def pushes(model, here: At, pcs, size: float):
    """`size` standard deviations of x_t along components.  At of [P] -> [P, K, D]"""
    scale = size * np.sqrt(gaussian.spread(model, here)[:, pcs])
    return scale[..., None] * model.basis[:, pcs].T


def gains(ends, pushed, directions):
    """Where a push ends along its own direction, over its size, mean over trajectories.

    ends [P K + 1, B, D], pushed [P, K, D], directions u_k [K, D] -> [P, K]
    """
    moved = (ends[:-1] - ends[-1]).mean(1).reshape(pushed.shape)
    return (moved * directions).sum(-1) / (pushed * directions).sum(-1)


def apart(ends):
    """Mean distance of late starts from the full run, the last.  [J + 1, B, D] -> [J]"""
    return np.linalg.norm(ends[:-1] - ends[-1], axis=-1).mean(-1)


def study(
    net, normals, *, steps, kicks, kick_pcs, kick_size, kick_paths, jumps, images, weights
) -> dict:
    """Perturbations and late starts of all seeds' denoisers; `net.theory` predicts.

    normals [S, B, D], images [n, D], weights [S, D, F] of the features -> gain, gain_theory
    [S, P, K]; jump_distance [S, theory or isotropic, J] from the full run; frechet [S, 1 + J] to
    the images: of the full run, and of the late starts by the theory
    """
    times, here = net.grid(steps)
    kick, jump, pcs = nodes(kicks, steps), nodes(jumps, steps), np.array(kick_pcs)
    at_kick, at_jump, start = (gaussian.of(here, index) for index in (kick, jump, 0))
    pushed, directions = pushes(net.moments, at_kick, pcs, kick_size), net.moments.basis[:, pcs].T
    begun = net.theory, gaussian.isotropic(net.moments)
    rows = []
    for x in net.starts(normals):
        late = np.concatenate([gaussian.states(m, x, at_jump, start) for m in begun])
        changed = begun_late(x, np.tile(times[jump], 2), late)
        rows.append(joined((kicked(x[:kick_paths], times[kick], pushed), changed)))
    ends = net.sample(joined_seeds(rows), times)
    count, pixels = (len(kick) * len(pcs) + 1) * kick_paths, normals.shape[-1]
    after_kick = ends[:, :count].reshape(len(ends), -1, kick_paths, pixels)
    late = ends[:, count:].reshape(len(ends), -1, normals.shape[1], pixels)
    predicted = gaussian.gain(net.theory, at_kick, gaussian.of(here, -1))[:, pcs]
    return {
        "gain": np.stack([gains(end, pushed, directions) for end in after_kick]),
        "gain_theory": np.stack([predicted] * len(ends)),
        "jump_distance": np.stack([apart(end).reshape(2, -1) for end in late]),
        "frechet": quality(weights / pixels**0.5, late, images)[:, [-1, *range(len(jump))]],
    }


def quality(weights, samples, images) -> np.ndarray:
    """Frechet distance to images [n, D] in rectified random features, which see more than moments.

    weights [S, D, F], samples [S, J, B, D] -> [S, J]
    """
    of_samples = np.maximum(samples @ weights[:, None], 0.0)
    of_images = np.maximum(images @ weights, 0.0)
    over_jumps = jax.vmap(distances.frechet, in_axes=(0, None))
    found = jax.jit(jax.vmap(over_jumps))(np.float32(of_samples), np.float32(of_images))
    return np.asarray(found)
