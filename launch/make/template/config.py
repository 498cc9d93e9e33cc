"""Settings of every preset. Laptop and smoke: seconds; paper: one accelerator.

TODO: name the source of every number ("table 2", "code", "recalled"); "ours" = chosen here.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # of the start
    "x64": True,  # the loss falls below what float32 holds
    "needs": "accelerator",
    "dim": 100,  # ours: directions of the quadratic
    "flattest": 0.02,  # ours: curvatures are spaced evenly from here to 1
    "lr": 0.5,  # ours
    "momentum": 0.0,  # ours: 0.9 is another method, with another rate
    "steps": 10_000,  # ours
    "every": 100,  # ours: steps between two records
}
LAPTOP = {"needs": "", "dim": 20, "steps": 1000, "every": 10}
SMOKE = LAPTOP | {"dim": 10, "steps": 200, "every": 5}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
