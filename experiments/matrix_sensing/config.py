"""Settings of every preset. Laptop: about 2 minutes on 2 cores; smoke: seconds; paper: 8 GPUs.

The sizes behind the paper's plots are not known to us: scalings are checked, not its numbers.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of targets, measurements and starts
    "x64": True,  # ours: linear phases run to 1e-24; float32 stops at about 1e-13
    "needs": "accelerator",  # with fast float64: a GPU, not a TPU
    "n": 200,  # ours: a size whose measurements want sharding
    "rank": 5,  # ours
    "kappa": 3.0,  # ours: condition number of the second target; the first has 1
    "measurements": (20_000,),  # ours: 20 n r
    "assembled": False,  # ours: A*A as one matrix [n^2, n^2]: the same numbers, faster if it fits
    "lr": 0.1,  # ours: lr sigma_1 <= 0.1 keeps F^T F - G^T G conserved to O(lr^2)
    "spares": (0, 3, 15),  # ours: k - r of the symmetric runs; the first is the exact width
    "alpha": 0.5,  # ours: scale of X_0, entries alpha N(0, 1/k)  [N(0, 1/k): recalled]
    "spare": 3,  # ours: k - r of the asymmetric runs; at least spares[1]
    "alphas": (0.1, 0.2, 0.4, 0.8),  # ours: of F_0, entries alpha N(0, 1/n); 0.8 is not small
    "imbalance": 3.0,  # F_0 over G_0 in scale  [recalled]
    "balanced": False,  # ours, a control: G_0 = F_0: no imbalance at all
    "switch": 400,  # ours: step before which the factors are re-balanced once
    "rebalance": True,  # section 5 [recalled]
    "beta": 1.0,  # of order sqrt(sigma_1), section 5 [recalled]
    "tilt": 0.0,  # ours, a control: relative excess of G_0 over F_0 where they should be equal
    "records": (50, 120, 95),  # ours: observations at each of the strides below: 100,000 steps
    "strides": (4, 40, 1000),  # ours
}
LAPTOP = {
    "needs": "",
    "n": 30,
    "rank": 3,
    "measurements": (500, 400),  # 400 is fewer than the n (n + 1) / 2 = 465 symmetric unknowns
    "assembled": True,
    "spares": (0, 1, 3),
    "spare": 2,
    "records": (50, 70, 85),  # 20,000 steps
    "strides": (4, 40, 200),
}
SMOKE = LAPTOP | {
    "n": 12,
    "measurements": (90, 70),
    "records": (50, 45, 10),  # 4,000 steps
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
