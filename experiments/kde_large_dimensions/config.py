"""Settings of every preset. Laptop: a minute of one core; smoke: seconds; paper: 8 GPUs.

The paper's own sizes are not known to us: every number is ours.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: a seed is `realisations` of the data
    "x64": True,  # ours: weights span 200 decades and more
    "needs": "accelerator",  # with fast float64: a GPU, not a TPU
    "alpha": 0.2,  # ours: n = exp(alpha d); corrections at 0.5 are larger than the effects
    "dims": (40, 50, 60, 80, 100),  # ours: n from 2981 to 4.9e8
    "samples": 0,  # ours, a control: this many data at every d in place of exp(alpha d)
    "norm": 1.0,  # ours: |x| / sqrt(d) of the point; 0, a control: not a typical one
    "squares": (0.25, 0.5, 1.5),  # ours: (h / h_G)^2, two below condensation and one above
    "ratios": (
        0.67, 0.7, 0.75, 0.8, 0.825, 0.85, 0.875, 0.9, 0.925, 0.95, 0.975, 1.0,
        1.05, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0,
    ),  # ours: h / h_G, 0.7 <= h <= 2.1
    "realisations": 200,  # ours
    "far": (250, 1000, 4000),  # ours: d of the exact law alone
    "map": (0.1, 0.3, 0.4, 0.5),  # ours: alphas of the phase diagram
    "map_log_n": 16.0,  # ours: their d is this / alpha
    "border_alphas": (0.1, 0.2, 0.3, 0.5, 1.0),  # ours
    "moment": 2.0,  # ours: whose level is empty below h_CLT; 3, a control
    # tails
    "tail_dims": (40, 50, 60, 70, 80),  # ours: n up to 8.9e6
    "tail_squares": (0.5, 1.2, 1.5, 1.8, 8.0),  # ours: below h_G, three between, above h_CLT
    "tail_realisations": 10_000,  # ours
    "top": 0.02,  # ours: share of the largest that Hill's estimator takes
    # vectors in place of sums of two numbers
    "vector_dim": 40,  # ours
    "vector_squares": (0.5, 1.5, 8.0),  # ours
    "vector_realisations": 1000,  # ours
    "vector_fixed": True,  # ours: |x|^2 = d; False, a control: x as it is drawn
    "block": 1_048_576,  # ours: data in one turn of the loop
    "at_once": 1,  # ours: realisations side by side on a device
}  # fmt: skip
LAPTOP = {
    "needs": "",
    "dims": (20, 30, 40, 50, 60),  # n from 55 to 162,755
    "realisations": 80,
    "map_log_n": 9.0,
    "tail_dims": (20, 30, 40, 45, 50),
    "tail_realisations": 2000,
    "vector_dim": 30,
    "vector_realisations": 600,
    "block": 256,  # times at_once, three numbers each: what a cache holds
    "at_once": 100,
}
SMOKE = LAPTOP | {
    "dims": (20, 22, 24, 26, 28),
    "ratios": (0.8, 0.9, 1.0, 1.2),
    "realisations": 8,
    "far": (60, 100),
    "map_log_n": 4.0,
    "tail_dims": (20, 22, 24, 26, 28),
    "tail_realisations": 100,
    "vector_dim": 20,
    "vector_realisations": 20,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
