"""What is looked at along trajectories, and denoisers compared on noised images. NumPy alone.

Shapes: T times from noise to data, B trajectories, D pixels, K features, n images; At of [T].
"""

import numpy as np

from common.sde.path import At

from . import gaussian

STRIP = 9  # pictures of an endpoint estimate on its way


def explained(states):
    """Share of a trajectory's variance about its mean in PC 1 and PC 2.  [T, B, D] -> [B, 2]"""
    x = np.swapaxes(states - states.mean(0), 0, 1).astype(float)
    turned = np.swapaxes(x, 1, 2)
    gram = turned @ x if x.shape[1] > x.shape[2] else x @ turned
    top = np.linalg.eigvalsh(gram)[:, -1:-3:-1]
    return top / np.trace(gram, axis1=1, axis2=2)[:, None]


def plane(states, mean, here: At):
    """Coordinates of x_t - alpha_t mean in the plane of its two ends, and the energy it misses.

    The first axis is that of the noise x_T.  -> [B, T, 2], [B]
    """
    x = np.swapaxes(states - here.alpha[:, None, None] * mean, 0, 1)
    first = x[:, 0] / np.linalg.norm(x[:, 0], axis=1, keepdims=True)
    last = x[:, -1] - (x[:, -1] * first).sum(1, keepdims=True) * first
    second = last / np.linalg.norm(last, axis=1, keepdims=True)
    along = x @ np.stack([first, second], 2)
    return along, 1.0 - (along**2).sum((1, 2)) / (x**2).sum((1, 2))


def rotation_error(states, here: At):
    """|x_t - (alpha_t x_0 + sigma_t x_T)| / |x_t|.  [T, B, D] -> [T, B]"""
    alpha, sigma = here.alpha[:, None, None], here.sigma[:, None, None]
    turned = alpha * states[-1] + sigma * states[0]
    return np.linalg.norm(states - turned, axis=-1) / np.linalg.norm(states, axis=-1)


def half_time(times, curves):
    """Where a curve first reaches half of its last value.  times [T], curves [T, K] -> [K]"""
    part = curves / curves[-1]
    after = np.argmax(part >= 0.5, axis=0)
    before, columns = np.maximum(after - 1, 0), np.arange(part.shape[1])
    low, high = part[before, columns], part[after, columns]
    share = np.where(after > 0, (0.5 - low) / np.where(high > low, high - low, 1.0), 0.0)
    return times[before] + share * (times[after] - times[before])


def features(estimates, model, pcs: int):
    """Mean over trajectories of the estimate along u_k, turned so that its end is positive.

    A single projection is too noisy for its half-time.  [T, B, D] -> [T, K]
    """
    along = (estimates - model.mean) @ model.basis[:, :pcs]
    return (np.sign(along[-1]) * along).mean(1)


def paths(net, normals, *, steps: int, pcs: int, shown: int, scaled: bool) -> dict:
    """Trajectories of all seeds and, from the same starts, those of the Gaussian theory.

    Features are predicted by the moments, trajectories by `net.theory`.  normals [S, B, D] -> the
    arrays of `run`
    """
    times, here = net.grid(steps)
    x, start = net.starts(normals), gaussian.of(here, 0)
    ours = net.follow(x, times)
    estimates = net.estimate(ours, times)
    theirs = np.stack([gaussian.states(net.theory, one, here, start) for one in x])
    unscaled = 1.0 if scaled else here.alpha[:, None, None]
    both = [[states / unscaled for states in kind] for kind in (ours, theirs)]
    planes = [[plane(states, net.moments.mean, here) for states in kind] for kind in (ours, theirs)]
    curves = [features(one, net.moments, pcs) for one in estimates]
    predicted = half_time(times, gaussian.xi(net.moments, here, start)[:, :pcs])
    strip = np.rint(np.linspace(0, steps, STRIP)).astype(int)
    at_strip = gaussian.of(here, strip)
    drawn = np.stack([estimates[0][strip, :shown], denoised(net.theory, theirs[0][strip, :shown],
                                                            at_strip)])  # fmt: skip
    turns = [[rotation_error(states, here).mean(1) for states in kind] for kind in (ours, theirs)]
    return {
        "explained": np.array([[explained(x).mean(0) for x in kind] for kind in both]).swapaxes(
            0, 1
        ),
        "outside": np.array([[miss.mean() for _, miss in kind] for kind in planes]).T,
        "rotation": np.array(turns).swapaxes(0, 1),
        "half_time": np.stack([half_time(times, curve) for curve in curves]),
        "half_predicted": np.stack([predicted] * len(x)),
        "turned": np.stack([kind[0][0][:shown] for kind in planes]),
        "pictures": drawn.swapaxes(1, 2),
        "strip_times": times[strip],
    }


def denoised(model, states, here: At):
    """The Gaussian denoiser on states [T, n, D].  -> [T, n, D]"""
    each = [gaussian.denoise(model, x, gaussian.of(here, i)) for i, x in enumerate(states)]
    return np.stack(each)


def rms(x):
    """Of the norms.  [..., n, D] -> [...]"""
    return np.sqrt((x.astype(float) ** 2).sum(-1).mean(-1))


def errors(net, normals, images, times) -> dict:
    """RMS distance of Gaussian denoisers from all seeds', on images noised to each of the times.

    normals [S, n, D], images [n, D] -> error [S, reference, T]; size, departure [S, T]: RMS of the
    denoiser's values and of their distance from the mean
    """
    times = np.float32(times)
    here = net.at(times)
    alpha, sigma = here.alpha[:, None, None], here.sigma[:, None, None]
    states = alpha * images + sigma * normals[:, None]
    values = net.estimate(states, times)
    models = net.theory, gaussian.isotropic(net.moments), gaussian.constant(net.moments)
    apart = [
        [rms(value - denoised(model, x, here)) for model in models]
        for value, x in zip(values, states, strict=True)
    ]
    mean = net.moments.mean
    return {"error": np.array(apart), "size": rms(values), "departure": rms(values - mean)}
