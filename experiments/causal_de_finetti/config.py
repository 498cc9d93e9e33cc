"""Settings of every preset, for CPUs: kernels of some hundred samples, and tables of counts.

Generators and sizes are the paper's, as in its code.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of data sets
    "x64": True,  # ours: the ridge of 1e-3 on kernels
    "needs": "",
    "alpha": 0.05,  # [code]
    # pairs
    "environments": (100, 200, 300, 400, 500),  # [code]: two samples each
    "repetitions": 100,  # [code]: data sets a seed
    "largest_gain": 9,  # [code]: integers from 1
    "iid": False,  # True: a control, means and curvature drawn for every sample
    # three binary variables
    "many": (2000, 4000, 6000, 8000, 10_000),  # [code]: environments
    "graphs": 100,  # [code]: data sets a seed
    "beta": 3.0,  # [code]: chances are Beta(1, 3)
    "paired": True,  # False: a control, the second sample is another environment's
    # exact information
    "priors": 40,  # ours: of mechanisms a seed
    "points": 2,  # ours: of each prior; 1, a control: the same mechanism everywhere
}
LAPTOP = {
    "environments": (100, 200, 300),
    "repetitions": 40,
    "many": (2000, 4000, 10_000),
    "graphs": 40,
}
SMOKE = LAPTOP | {
    "environments": (20, 30),
    "repetitions": 4,
    "many": (100, 200),
    "graphs": 4,
    "priors": 5,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
