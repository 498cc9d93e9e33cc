"""What the claims are decided on: arrays of a run -> numbers, one row a seed; axes of `run.run`."""

import numpy as np

INSIDE = slice(3, 36)  # of 40 times: from T/10 to 9T/10


def formula(arrays):
    """By A, b, c and by quadrature.  -> [instance, 2, 1]"""
    return arrays["formula"].reshape(-1, 2, 1)


def earlier(arrays):
    """Error of Riemann's weights over ours, the least of all but the first Hurst index.  -> [S]"""
    return advantage(arrays)[:, 1:].min(axis=1)


def earlier_rough(arrays):
    """The same of the first Hurst index.  -> [S]"""
    return advantage(arrays)[:, 0]


def advantage(arrays):
    """Least over the numbers of rates.  -> [S, C]"""
    return (arrays["compared"][..., 0] / arrays["compared"][..., 1]).min(axis=-1)


def unbeaten(arrays):
    """Perturbed weights that are worse.  -> [S x perturbation]"""
    return (arrays["perturbed"][:, 1:] > arrays["perturbed"][:, :1]).ravel().astype(float)


def more_rates(arrays):
    """log10 of the error of more and more rates.  -> [S, N]"""
    return np.log10(arrays["nested"])


def wider(arrays):
    """gamma_max^(2H) and the error.  -> [S, 2, R]"""
    x = arrays["wide"] ** (2 * arrays["low"][:, None])
    return np.stack([x, arrays["reached"]], axis=1)


def covariance(arrays):
    """Of the worst pair of times and Hurst index.  -> [S]"""
    return arrays["covariance_error"].max(axis=1)


def two_sided(arrays):
    """Of the worst time and Hurst index.  -> [S]"""
    return arrays["variance_two_sided"].max(axis=1)


def sampled(arrays):
    """Largest deviation in standard errors, over times and Hurst indices.  -> [S]"""
    return np.abs(arrays["scatter"]).max(axis=(1, 2))


def bridge_spread(arrays):
    """Mean relative error of the controlled standard deviation, worst Hurst index.  -> [S]"""
    _, exact, controlled = np.moveaxis(arrays["spread"], 2, 0)
    return off(controlled, exact).max(axis=1)


def off(std, exact):
    """Mean relative error over T/10 to 9T/10.  [..., T] -> [...]"""
    return np.abs(std / exact - 1)[..., INSIDE].mean(axis=-1)


def evidence(arrays):
    """-ELBO of the finest chain less -log p, worst Hurst index.  -> [S]"""
    return np.abs(arrays["bound"][..., -1] - arrays["evidence"]).max(axis=1)


def bridge_order(arrays):
    """Steps and the gap of the ELBO, summed over Hurst indices.  -> [S, 2, E]"""
    gap = (arrays["bound"] - arrays["chain_evidence"]).sum(axis=1)
    return np.stack([np.broadcast_to(arrays["chain_steps"], gap.shape), gap], axis=1)


def hurst(arrays):
    """Mean distance of the likeliest Hurst index to the true one.  -> [S]"""
    return np.abs(likeliest(arrays["hurst_grid"], arrays["profile"]) - arrays["known"]).mean(axis=1)


def likeliest(grid, profile):
    """Peak of the parabola through the largest value and its neighbours; at an end, the end.

    The grid point alone would be the true index at times, an error of 0.  [G], [..., G] -> [...]
    """
    top = profile.argmax(axis=-1)
    inner = np.clip(top, 1, len(grid) - 2)
    before, here, after = (
        np.take_along_axis(profile, (inner + i)[..., None], -1)[..., 0] for i in (-1, 0, 1)
    )
    bend, step = np.where(top == inner, before - 2 * here + after, 1.0), grid[1] - grid[0]
    shift = 0.5 * (before - after) / bend
    return np.where(top == inner, grid[inner] + step * shift, grid[top])


def net_spread(arrays):
    """As bridge_spread, of the networks.  -> [S]"""
    return off(arrays["net_std"], arrays["net_exact"]).max(axis=1)


def net_gap(arrays):
    """-ELBO less that of the best control of the same chain, worst case.  -> [S]"""
    return (arrays["net_bound"][..., 0] - arrays["net_best"]).max(axis=1)


def net_above(arrays):
    """-ELBO less -log evidence of the same chain, least case.  -> [S]"""
    return (arrays["net_bound"][..., 0] - arrays["net_evidence"]).min(axis=1)
