"""Settings of every preset. Laptop: exact fields, and small networks in the plane; paper: d = 128.

"code" is malbergo/stochastic-interpolants (notebooks), "recalled" is from memory of the text.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours
    "x64": False,  # the parts "bound" and "waves" enter float64 by themselves
    "needs": "accelerator",
    "parts": ("laws", "paths", "fits", "shapes", "bound", "waves", "scatter", "nets"),  # computed
    # two modes to three modes in one dimension, with exact fields
    "means0": (-3.0, 3.0),  # [code gmm.ipynb], as the next three
    "variances0": (0.25, 0.25),
    "means1": (-6.0, 0.0, 6.0),
    "variances1": (0.5, 0.33, 0.5),
    "gammas": ("brownian", "sine"),  # table of gamma in the paper: sqrt(t(1-t)), sin^2(pi t)
    "epsilons": (0.0, 0.5, 2.0, 5.0),  # 5 [code gmm.ipynb], others ours
    "points": 20_000,  # ours
    "steps": 6400,  # ours, of Heun: 400 are seen at epsilon = 2 and this many points
    "drift_score": 1.0,  # ours: weight of epsilon s in the drift
    "path_epsilon": 5.0,  # [code gmm.ipynb]: of the trajectories drawn
    "path_steps": 1000,  # ours
    # minimisers of the losses over functions that are linear between nodes
    "times": (0.25, 0.5, 0.75),  # ours, as the next two
    "nodes": 161,
    "samples": 4_000_000,
    "latent": 1.0,  # ours: weight of z in the samples; 0 leaves it out
    # densities half-way, gamma = sqrt(a t (1 - t))
    "gains": (0.0, 1.0, 2.0, 4.0, 8.0),  # ours: a
    "jitter": 0.3,  # ours: standard deviation of a seed's shifts of the modes
    # KL divergence of Gaussians with affine errors, and of one Gaussian with a wave as its error
    "instances": 20,  # ours, as the next three; more than 13 decide a rate of 0.95 in five seeds
    "dim": 3,
    "bound_epsilons": (0.05, 0.2, 0.5, 1.0, 2.0, 5.0),
    "bound_velocity": 1.0,  # weight of the velocity's loss in the bound
    "frequencies": (1.0, 2.0, 4.0, 8.0, 16.0),  # ours, as the next three
    "amplitude": 0.3,
    "wave_noises": (0.0, 0.1, 0.5),  # epsilon
    "cells": 401,
    # gradients of the losses at the times end_times
    "end_times": (1e-5, 1e-4, 1e-3),  # ours, as the next two
    "gradients": 20_000,
    "antithetic": True,
    # learned fields
    "net_dim": 128,  # recalled
    "modes": 5,  # recalled: of the target
    "net_gammas": ("brownian", "bump", "sine"),  # section on gamma, recalled
    "width": 512,  # recalled: 256 to 512
    "depth": 4,  # hidden layers [code checker-with-score.ipynb], as the next two
    "batch": 2000,
    "lr": 2e-3,
    "train_steps": 50_000,  # ours
    "chunk": 500,  # ours: steps a call
    "end": 1e-4,  # times from here to 1 - here [code]
    "net_epsilons": (0.0, 0.5, 0.1, 1.0, 2.0),  # ours: the first two are compared
    "net_points": 10_000,  # ours, as the next two
    "net_steps": 1000,
    "net_times": 20,
}
LAPTOP = {
    "needs": "",
    "epsilons": (0.0, 0.5, 2.0),
    "points": 5000,
    "steps": 400,
    "path_steps": 400,
    "samples": 2_000_000,
    "gradients": 4000,
    "net_dim": 2,
    "net_gammas": ("brownian",),
    "width": 64,
    "depth": 3,
    "batch": 256,
    "train_steps": 3000,
    "end": 1e-3,
    "net_epsilons": (0.0, 0.5, 2.0),
    "net_points": 2000,
    "net_steps": 100,
    "net_times": 10,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "parts": ("laws", "fits", "shapes", "bound", "waves", "scatter"),
    "epsilons": (0.0, 0.5),
    "gammas": ("brownian",),
    "points": 500,
    "steps": 40,
    "path_steps": 40,
    "nodes": 81,
    "samples": 20_000,
    "cells": 81,
    "gradients": 200,
    "width": 16,
    "batch": 32,
    "train_steps": 20,
    "chunk": 10,
    "net_points": 100,
    "net_steps": 10,
    "net_times": 4,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
