"""Settings of every preset, for CPUs: thousands of steps of a few thousand operations each.

The paper's experiments, sizes and constants are not known to us beyond its abstract; what is
marked recalled was not checked against its text.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of data, starts and batches
    "x64": True,  # ours: recursions add up rounding between full passes
    "needs": "",
    # Algorithm 1 on least squares
    "dim": 100,  # ours: unknowns; covariance of the rows 1/j before they get length 1, so L = 1
    "sizes": (256, 1024, 4096, 16_384),  # ours: n; the largest over the smallest a decade or more
    "noise": 0.5,  # ours: what keeps the components inconsistent at the solution
    "steps": (1.0, 0.25, 0.5, 2.0, 4.0, 8.0),  # ours: eta L; 1/4 is the paper's [recalled]
    "accuracy": 1 / 3000,  # ours: epsilon, of L |u_0 - u*|
    "long": 4.0,  # ours: horizon at the first step, in 1 / (eta epsilon); the bound needs 2
    "short": 2.4,  # ours: at the others
    "burn": 50,  # ours: steps before residuals are held against the bound
    # Algorithm 2 on games
    "side": 8,  # ours: unknowns of each player
    "game_sizes": (64, 256, 1024, 4096, 16_384),  # ours
    "game_spread": 0.7,  # ours: of a component about the mean matrix diag(j^-1.5)
    "game_noise": 0.125,  # ours: of the entries of its offset
    "strong": 0.0,  # ours: added strong monotonicity; positive, a control: forward steps converge
    "game_accuracy": 2e-3,  # ours: epsilon, of L |u_0 - u*|
    # which mechanism is at work; controls take it away
    "recursive": True,  # False: fresh mini-batches in place of the recursive estimator
    "resolvent": True,  # False: Algorithm 1 on the game in place of Algorithm 2
    "baseline_full": True,  # False: the baseline of Algorithm 1 is Algorithm 1
}
LAPTOP = {
    "dim": 40,
    "sizes": (64, 256, 1024, 4096),
    "accuracy": 1 / 1000,
    "game_sizes": (64, 256, 1024, 4096),
    "game_accuracy": 5e-3,
}
SMOKE = LAPTOP | {
    "dim": 10,
    "sizes": (64, 256, 1024),
    "steps": (1.0, 0.5, 4.0),
    "accuracy": 1 / 200,
    "game_sizes": (64, 256, 1024),
    "game_accuracy": 0.02,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
