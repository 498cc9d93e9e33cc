"""Settings of every preset. The paper's sizes and functions are not known to us: these are ours.

Laptop: about a minute; paper: 8 GPUs with fast float64.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # of draws; a seed is a batch of repetitions
    "x64": True,  # Gram-Schmidt within the sampler
    "needs": "accelerator",
    "measures": ("legendre", "hermite"),  # recalled: uniform and Gaussian
    "functions": ("kink", "runge"),  # ours: |t| + e^t, 1 / (1 + 25 t^2)
    "dim": 2,  # ours: total degree; 1 on a laptop
    "candidates": 10_000,  # ours: points of the discrete measure, `dim`-th powers
    "sizes": (25, 50, 100, 200),  # ours: m
    "repetitions": 20_000,  # ours: a seed
    "blocks": 30,  # ours: n to blocks m
    "at_once": 64,  # ours: repetitions side by side on a device
    "determinantal": (0, 1, 30),  # abstract: blocks from the DPP, of i.i.d., VS, repeated DPP
    "delta": 0.5,  # ours: stable is lambda_min(G) >= 1 - delta
    "conditioned": True,  # abstract; False, a control: draws that are not stable are kept
    "log_factor": 4.0,  # ours: n = ceil(4 log m) m is the theorem's; 0, a control: n = m
    # every draw from a small measure, with its probability
    "points": 12,  # ours
    "unknowns": 3,  # ours: m there
    "law": "volume",  # abstract; "iid", a control: of the exact means
    "rival": "iid",  # abstract; "volume", a control: of the bias
    "reference": "nu",  # abstract: Christoffel; "mu", a control: i.i.d. points of mu instead
    # a picture of samples in the square
    "picture": (5, 30),  # ours: degrees below and candidates a side, n = 2 m
}
LAPTOP = {
    "needs": "",
    "dim": 1,
    "candidates": 400,
    "sizes": (5, 10, 20),
    "repetitions": 2000,
    "blocks": 20,
    "at_once": 50,
}
SMOKE = LAPTOP | {
    "candidates": 64,
    "sizes": (5,),  # a program each
    "repetitions": 20,
    "blocks": 9,
    "at_once": 20,
    "picture": (3, 8),
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {
    "measures": ("legendre", "hermite"),
    "functions": ("kink", "runge"),
    "law": ("volume", "iid"),
    "rival": ("volume", "iid"),
    "reference": ("nu", "mu"),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
