"""Settings of every preset, for CPUs: quadratures, and chains of a few particles.

An analytic paper: sizes and functions are ours.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of chains
    "x64": True,  # ours: fifth cumulants
    "needs": "",
    "gas": True,  # False: a control, particles that do not interact
    "sizes": (50, 100, 200, 400, 800, 1600),  # ours: N of the exact laws
    "fitted": 100,  # ours: N from which limits are extrapolated
    "names": ("square", "quartic", "gauss"),  # ours: f
    "formula_beta": 2.0,  # section on Ginibre: exact laws are of beta = 2; other values, a control
    "bump_at": 0.0,  # ours: centre of what is added inside; 0.9, a control
    "bump_width": 0.6,  # ours
    "bump_height": 0.3,  # ours; 0.03, a control
    # large deviations
    "rate_n": 400,  # ours: N
    "tilts": 19,  # ours: s from -0.3 to 0.6
    "gaussian": False,  # True: a control, the parabola of the variance in place of the rate
    # chains
    "n": 32,  # ours: particles
    "betas": (1.0, 2.0, 4.0),  # ours
    "chains": 64,  # ours: of a seed
    "moves": 6000,  # ours
    "burn": 0.2,  # ours: share left out
    "step": 0.04,  # ours: at beta = 2, as beta^-1/2 at others
    "coupling": 1.0,  # 0, a control: the trap alone; ours
}
LAPTOP = {"sizes": (50, 100, 200, 400, 800), "n": 16, "moves": 1000}
SMOKE = LAPTOP | {
    "sizes": (20, 40, 80, 200),
    "fitted": 20,
    "rate_n": 60,
    "tilts": 5,
    "n": 6,
    "chains": 4,
    "moves": 20,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
