"""Settings of every preset: modes {1, 2, 4, 5} on a line; modes=(1.0,2.0,3.0) is the other set.

"code" is the authors' train_toy.py and train_toy_filter.py.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of data, net and samples; the paper has 1234 alone [code]
    "x64": False,  # the density has positive terms only: float32 keeps its digits
    "needs": "accelerator",
    # data
    "modes": (1.0, 2.0, 4.0, 5.0),  # [code] and figures in 1-D
    "std": 0.05,  # [code]
    "data": 50_000,  # [code]
    "reach": 0.3,  # ours: six standard deviations, 2e-9 of the data lie farther
    # diffusion
    "levels": 1000,  # [code], as the next two
    "beta_first": 0.001,
    "beta_last": 0.2,
    "kept": 1000,  # [code]: all; see README for 400
    # network and training
    "width": 128,  # [code]
    "tied": True,  # [code]: three layers made by list multiplication are one
    "batch": 10_000,  # [code]
    "updates": 50_000,  # [code]: 10,000 epochs of 5 batches
    "lr": 1e-3,  # [code]
    "cosine": False,  # [code]: constant
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
    "updates": 16_000,
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
    "nodes": 281,
    "refine": 2,
    "samples": 8000,  # one of them more or less is no difference between devices
    "slope_points": 201,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"denoiser": ("exact",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
