"""Settings of every preset. A theory paper without experiments: its statements decide, in float64.

Laptop: about a minute; paper: 8 GPUs with fast float64.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # of matrices and of samples
    "x64": True,
    "needs": "accelerator",
    # exact sensitivities
    "rows": 2048,  # ours: n, a multiple of every d
    "dims": (4, 8, 16, 32),  # ours: columns d
    "exponents": (1.0, 1.5, 3.0, 4.0),  # ours: p on both sides of 2, where all is known
    "turns": (60, 12),  # ours: of the iteration, at p = 1 and at other p
    "families": ("gaussian", "identity", "polynomial", "sparse"),  # ours; Gaussian, identity first
    "score": "exact",  # "root", a control: leverage to the power p / 2 in its place
    # distortion against the budget m: Gaussian rows beside a few copies of the identity
    "n": 2**18,  # ours: Gaussian rows, 12 times the largest m or more
    "dim": 8,  # ours: columns of each block
    "copies": 1,  # ours: of the identity; uniform sampling misses some of its rows
    "ps": (1.5, 3.0),  # ours: one p on each side of 2
    "budgets": (400, 862, 1857, 4000),  # ours: m, a decade
    "schemes": ("sensitivity", "uniform", "leverage", "root", "lewis"),  # theorem: the first; the
    # others are drawn beside it, at the first p
    "draws": 12,  # ours: samples a seed
    "subset": 200,  # ours: rows whose sensitivities are computed exactly
    "weighted": True,  # False, a control: kept rows without their weights
    # rows that are enough, Gaussian rows without end
    "low": (1.0, 1.5),  # ours: p < 2
    "low_dims": (8, 16, 32, 64, 128),  # ours: columns, a decade
    "low_ratios": (2.5, 5.0, 10.0, 20.0),  # ours: m / d; distortion 1/2 lies between
    "high": 4.0,  # ours: p > 2
    "high_dims": (8, 16, 32, 64),  # ours: from 16 on total sensitivities are far apart
    "high_ratios": (8.0, 16.0, 32.0, 64.0, 128.0, 256.0),  # ours
    "samples": 20,  # ours: draws a seed
    # rows that keep the rank of a Gaussian block beside an identity block: counts alone
    "rank_dims": (8, 32, 128, 512, 2048),  # ours
    "rank_ps": (1.0, 1.25, 1.5, 1.75),  # ours
    "repetitions": 4000,  # ours
    "weights": ("sensitivity", "leverage"),  # theorem and baseline; one in both places, controls
    # leverage to the power p / 2, again and again
    "begin": 2**18,  # ours: rows
    "side": 16,  # ours: columns
    "p": 1.0,  # ours
    "tail": 0.3,  # ours: rows have lengths U^-tail
    "beta": 8.0,  # ours: oversampling
    "rounds": 4,  # ours: the fixed point is then near
    "root": True,  # False, a control: leverage itself
    "runs": 10,  # ours: a seed
    # search for the worst direction
    "starts": 8,  # ours: up and down each, the best of the candidates
    "steps": 24,  # ours
}
LAPTOP = {
    "needs": "",
    "rows": 400,
    "dims": (4, 8, 16),
    "n": 16_000,
    "dim": 5,
    "budgets": (160, 345, 743, 1600),
    "subset": 48,
    "low_dims": (4, 8, 16, 32, 64),
    "high_dims": (8, 16, 32),
    "high_ratios": (8.0, 16.0, 32.0, 64.0, 128.0),
    "samples": 10,
    "begin": 20_000,
    "side": 8,
}
SMOKE = LAPTOP | {
    "rows": 60,
    "dims": (4,),
    "n": 600,
    "dim": 3,
    "budgets": (40, 80),
    "draws": 2,
    "subset": 8,
    "low_dims": (3,),
    "high_dims": (3,),
    "samples": 2,
    "begin": 1000,
    "side": 4,
    "runs": 2,
    "starts": 2,
    "steps": 6,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
SCHEMES = ("sensitivity", "uniform", "leverage", "root", "lewis")
FAMILIES = ("gaussian", "identity", "polynomial", "sparse")
CHOICES = {
    "families": FAMILIES,
    "score": ("exact", "root"),
    "schemes": SCHEMES,
    "weights": ("sensitivity", "leverage"),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
