"""Settings of every preset, for CPUs: equations of a few numbers, and one spin after the other.

The paper's own constants are not known to us; all is told in Gamma = (P-1)! gamma.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of networks
    "x64": True,  # ours: ground states to 1e-4
    "needs": "",
    "orders": (3, 4, 6),  # ours: P of the glass; 3 for the literature alone
    "breaking": True,  # False: a control, replica symmetric energies in its place
    "cold": 0.02,  # ours: T of the entropy, J = 1
    # retrieval
    "even": (4, 6),  # paper: P even, above 2
    "loads": 61,  # ours: Gamma from 0.02 to 0.25
    "inverse": 45,  # ours: beta x from 3 to 14
    "turns": 2000,  # ours
    # networks
    "n": 96,  # ours: N
    "gammas": (0.005, 0.01, 0.015, 0.02),  # ours: K / N^3 of P = 4
    "replicas": 8,  # ours
    "distinct": True,  # False: a control, plain powers
    "pair_n": 1600,  # ours
    "pair_load": 0.2,  # ours: K / N of P = 2; 0.02, a control
    "sweeps": 12,  # ours
}
LAPTOP = {"loads": 25, "inverse": 23, "turns": 600, "n": 64, "pair_n": 800}
SMOKE = LAPTOP | {
    "orders": (4,),
    "loads": 4,
    "inverse": 4,
    "turns": 20,
    "n": 12,
    "replicas": 2,
    "pair_n": 40,
    "sweeps": 3,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
