"""Settings of every preset, for CPUs: one spin after the other, a few products each.

Sizes, dilutions and noise of the paper's plots are not known to us.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of patterns, examples and spins
    "x64": True,  # ours: overlaps of theory to 1e-12
    "needs": "",
    "turns": 2000,  # ours: of the mean-field equations
    "nudge": 1e-4,  # ours: by which starts are off
    # stored patterns, K = 3
    "n": 100_000,  # ours: N
    "replicas": 20,  # ours: networks a seed
    "sweeps": 12,  # ours
    "dilutions": (0.2, 0.3, 0.4, 0.5),  # ours: d of the hierarchy
    "parallel": (0.65, 0.7, 0.8, 0.9, 0.95),  # ours: d beyond it
    "temperature": 0.0,  # paper: overlaps at T = 0; positive, a control
    # where the hierarchy ends
    "counts": (3, 4, 5),  # ours: K
    "near": 0.02,  # ours: below the end
    "beyond": 0.05,  # ours: above it
    "cold": 200.0,  # ours: beta of both
    "grid": 81,  # ours: d from 0.05 below the end to 0.05 above
    "limit": 1e4,  # ours: beta of the search for the end; 50, a control
    # where the third level goes out
    "level_d": 0.3,  # ours
    "temperatures": 61,  # ours: from 0.7 to 1.3 of (1 - d) d^2
    "level": 2,  # ours: the third; 1, a control: the second
    "phases": 33,  # ours: a side of the diagram in d and T
    # learning
    "learn_n": (1000, 4000, 16_000),  # ours: N of both protocols; the last also of equal rho
    "learn_replicas": 8,  # ours
    "learn_d": 0.3,  # ours
    "r": 0.3,  # ours: quality of examples
    "examples": (20, 40, 60, 80, 120, 160, 240),  # ours: M of both protocols
    "rest": 0.9,  # ours: share of 1 - d that counts as learned
    "late": 80,  # ours: M from which protocols are compared
    "collapse_r": (0.2, 0.3, 0.5),  # ours
    "collapse_rho": (0.06, 0.1, 0.15),  # ours
    "shuffled": False,  # True: a control, examples with labels that say nothing
    "as_rho": True,  # False: a control with as many examples for all r
    # the two losses
    "small_n": 12,  # ours: N of all 2^N states
    "loss_weight": 1.0,  # ours: of L- in the product; other than 1, a control
}
LAPTOP = {"n": 20_000, "replicas": 10, "learn_n": (500, 2000)}
SMOKE = LAPTOP | {
    "turns": 100,
    "n": 200,
    "replicas": 2,
    "sweeps": 3,
    "grid": 5,
    "phases": 4,
    "temperatures": 5,
    "learn_n": (50, 100),
    "learn_replicas": 2,
    "examples": (20, 40),
    "late": 40,
    "small_n": 6,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
