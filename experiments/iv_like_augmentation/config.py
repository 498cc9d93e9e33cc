"""Settings of every preset, for CPUs: the laptop has the paper's own sizes.

The paper's numbers are those of its code: config.yaml, src/sem, src/experiments/simulation.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # a seed is `sems` models, one simulation of the paper
    "x64": True,  # exact covariances are held to 1e-10
    "needs": "",
    # the model
    "sems": 32,  # [code]: models
    "d": 32,  # [code]: treatments; as many confounders
    "n": 2048,  # [code]: rows
    "noise": 0.1,  # [code]: standard deviation, of X and of Y
    "kappa": 1.0,  # [code]: strength of confounding
    "gamma": 1.0,  # [code]: strength of the augmentation
    "shift": "null",  # [code]: null space of f; "random", a control: of another vector
    "permuted": False,  # True: a control, rows of the instrument G permuted
    # estimators
    "alpha": 0.01,  # ours: of the IVL that is shown beside the others
    "tie": "norm",  # [code]: DA+IV has least norm; "erm", a control: it follows DA+ERM
    "kappas": (0.0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7, 1.0),  # [code]
    "gammas": tuple(10 ** (-2.5 + i / 2) for i in range(8)),  # [code]
    "alphas": tuple(10 ** (i / 2) for i in range(-10, 11)),  # [code]: 1e-5 to 1e5, in 8 values
    "exact_alphas": (1e-3, 0.1, 10.0),  # ours: on exact covariances
    # selection of alpha
    "draws": 10,  # [code]: values offered, log-uniform
    "low": 1e-4,  # [code]
    "high": 1.0,  # [code]
    "wide": 1e4,  # ours: upper end of a wider range
    "held_out": 0.2,  # [code]: share of rows
    "score": "held_out",  # [code]: error of prediction; "oracle", a control: distance from f
    # samples
    "sizes": (1024, 4096, 16_384, 65_536),  # ours: n
}
LAPTOP = {"sizes": (1024, 4096, 16_384)}
SMOKE = LAPTOP | {
    "sems": 3,
    "d": 6,
    "n": 200,
    "sizes": (50, 100, 500),
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {
    "shift": ("null", "random"),
    "tie": ("norm", "erm"),
    "score": ("held_out", "oracle"),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
