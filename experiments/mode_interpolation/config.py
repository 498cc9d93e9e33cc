"""Settings of every preset: one dimension, modes {1, 2, 4, 5}. "code": train_toy*.py of the authors.

The other data set of the paper is modes=(1,2,3).
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of data, net and samples; the paper has 1234 alone [code]
    "x64": False,  # the density has positive terms only: float32 keeps its digits
    "needs": "accelerator",
    # data
    "modes": (1.0, 2.0, 4.0, 5.0),  # figures in 1-D, as the next
    "std": 0.05,
    "data": 50_000,  # [code]
    "reach": 0.3,  # ours: six standard deviations, 2e-9 of the data lie farther
    # diffusion
    "levels": 1000,  # [code], as the next two
    "beta_first": 0.001,
    "beta_last": 0.2,
    "kept": 1000,  # [code]: all; see README for 400
    # network and training
    "width": 128,  # [code], as all that follow up to cosine
    "tied": True,  # three layers made by list multiplication are one
    "batch": 10_000,
    "updates": 50_000,  # 10,000 epochs of 5 batches
    "lr": 1e-3,
    "cosine": False,
    # what is looked at
    "denoiser": "net",  # "exact": of the data's mixture
    "low": -6.0,  # ours: ends of the grid, as the next two
    "high": 8.0,
    "nodes": 1401,
    "coarse": 2,  # ours: the network is computed on every second node
    "refine": 8,  # ours: of the exact denoiser's chain
    "samples": 1_000_000,  # ours: 10^7 in figures [code]
    "window": (0, 10),  # [code]: levels of the detector, the last ten steps
    "slope_points": 2001,  # ours: between the outer modes
}
LAPTOP = {
    "needs": "",
    "kept": 400,
    "width": 64,
    "batch": 128,
    "updates": 14_400,
    "lr": 2e-3,
    "cosine": True,
    "refine": 4,
    "samples": 100_000,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "data": 1000,
    "width": 16,
    "batch": 32,
    "updates": 64,
    "nodes": 561,
    "refine": 2,
    "samples": 1000,
    "slope_points": 201,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
