"""Settings of every preset. Laptop: about a minute; smoke: seconds.

Sources: "code" = khainb/CV-SW; "recalled" = from memory; "ours".
"""

from ml_collections import ConfigDict

CHOICES = {"centre": ("mean", "sample"), "known": ("mean", "sum")}
PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of clouds, directions and flows
    "x64": True,  # identities to rounding; means of coordinates are exact
    "needs": "accelerator",  # with fast float64: a GPU
    # variance of estimates
    "n": 2048,  # recalled: points of a cloud; a power of two, so that its mean is exact
    "pool": 400_000,  # ours: directions, in groups of `sizes`
    "nodes": 64_000,  # ours: of the quadrature over the sphere
    "shifts": (0.0, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 3.0, 10.0),  # ours: |D| over the spread
    "sizes": (10, 30, 100, 300, 1000),  # abstract: L from 10 to 10^4
    "digits": 128,  # ours: images of a class
    "translations": 4_000_000,  # ours: directions for a cloud and itself, moved
    "floor_sizes": (10, 30, 100, 300),  # ours: L there
    # gradient flow
    "flow_n": 2048,  # recalled
    "offset": 10.0,  # code: source at -10, target at +10, on every axis
    "lr": 0.01,  # code
    "directions": 10,  # code: L
    "records": (1, 1000, 2000, 2999, 3999, 4999, 5400, 5700, 5999, 6500, 7000, 7999),  # code, ours
    "root": True,  # code: the loss is n sqrt(Z)
    # the estimator
    "centre": "mean",  # code: both moments with the control about its known mean; or the sample's
    # knobs that remove what a claim is about
    "paired": True,  # False, a control: the controls are those of other directions
    "known": "mean",  # "sum", a control: the controls' means without 1 / d
    "frames": True,  # False, a control: d independent directions in place of a basis
}
LAPTOP = {
    "needs": "",
    "n": 128,
    "pool": 40_000,
    "nodes": 8_000,
    "translations": 1_000_000,
    "flow_n": 64,
    "lr": 0.02,  # the shift is gone after 3,000 steps, lr / sqrt(3) each, in place of 6,000
    "records": (1, 1000, 2000, 2500, 2700, 2800, 2850, 2900, 2950, 3000, 3100, 3300, 4000),
}
SMOKE = LAPTOP | {
    "n": 16,
    "pool": 400,
    "nodes": 100,
    "shifts": (0.0, 1.0, 3.0, 10.0),
    "sizes": (10, 100),
    "digits": 16,
    "translations": 3000,
    "floor_sizes": (10, 100),
    "flow_n": 16,
    "records": (1, 10, 20),
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
