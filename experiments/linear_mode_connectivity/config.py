"""Settings of every preset. Laptop: about a minute on 2 cores; smoke: seconds; paper: one GPU.

Sources: "code" = samuela/git-re-basin, whose search the paper analyses; "recalled" = of the paper,
from memory; "ours" = chosen here.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # recalled: five searches; ours: of three networks each
    "x64": False,
    "needs": "accelerator",
    "dataset": "mnist",  # recalled
    "depth": 3,  # code: hidden layers
    "widths": (32, 64, 128, 256, 512),  # code: the last; ours: the rest, for LM7 alone
    # training
    "lr": 0.1,  # ours
    "momentum": 0.9,  # code
    "decay": 5e-4,  # ours: an L2 penalty
    "batch": 500,  # code
    "steps": 12_000,  # derived: 100 epochs, as in the code
    "every": 1000,  # ours: steps between two looks at the clock
    # the line
    "points": 25,  # code
    "test": 10_000,  # ours: at most so many images
    "train": 10_000,  # ours: the same of the training images
    # matching
    "matching": "weights",  # a control: random
    "restarts": 3,  # ours: orders of layers, the best of which counts
    "gammas": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),  # recalled: 0, and larger ones; 0.3 decides
    "small_below": 0.3,  # ours: of the largest singular value; a control: 2, all of them
    "large_above": 0.3,  # ours: the same; a control: 0
    "large_below": 2.0,  # ours: all above; a control: 0.3, the small ones
    "soften": 0.0,  # ours, a control: how far from permutations to the mean of all units
    "same_start": False,  # ours, a control: the networks of a seed begin at the same weights
    "top": 30,  # ours: singular directions on the heat map
    # straight-through estimator
    "ste_steps": 15_000,  # code: 250 epochs
    "ste_lr": 0.01,  # code
    "ste_batch": 1000,  # code
}
LAPTOP = {
    "needs": "",
    "dataset": "digits",
    "widths": (8, 14, 24, 40, 64),
    "batch": 100,
    "steps": 1000,
    "every": 250,
    "points": 11,
    "ste_steps": 400,
    "ste_lr": 1.0,
    "ste_batch": 500,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "depth": 2,
    "widths": (8, 12),
    "batch": 20,
    "steps": 20,
    "every": 10,
    "points": 5,
    "test": 100,
    "train": 100,
    "restarts": 2,
    "top": 6,
    "ste_steps": 4,
    "ste_batch": 50,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"matching": ("random",), "dataset": ("fashion_mnist", "mnist_small")}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
