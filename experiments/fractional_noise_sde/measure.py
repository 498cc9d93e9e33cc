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
    likeliest = arrays["hurst_grid"][arrays["profile"].argmax(axis=-1)]
    return np.abs(likeliest - arrays["known"]).mean(axis=1)


def net_spread(arrays):
    """As bridge_spread, of the networks.  -> [S]"""
    return off(arrays["net_std"], arrays["net_exact"]).max(axis=1)


def net_gap(arrays):
    """-ELBO less that of the best control of the same chain, worst case.  -> [S]"""
    return (arrays["net_bound"][..., 0] - arrays["net_best"]).max(axis=1)


def net_above(arrays):
    """-ELBO less -log evidence of the same chain, least case.  -> [S]"""
    return (arrays["net_bound"][..., 0] - arrays["net_evidence"]).min(axis=1)
