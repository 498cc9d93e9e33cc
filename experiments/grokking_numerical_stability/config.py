"""Settings of every preset. Laptop: about 80 seconds on 2 cores; smoke: seconds; paper: one GPU.

Sources: "code" = the authors' scripts; "ours" = chosen here. Losses are places in losses.LOSSES.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of splits and weights; the scripts have 42 alone
    "x64": True,  # of losses alone: data, weights and optimiser are float32
    "needs": "accelerator",
    "records": 120,  # ours: steps that are observed, evenly spaced in their logarithm
    # parity of some bits, with biases: cross-entropy, StableMax, and this after collapse
    "bits": 3,  # code, as the next six
    "noise": 40,
    "strings": 1000,  # half of 2000
    "unseen": 1000,
    "parity_hidden": (200, 200),
    "parity_lr": 0.01,
    "parity_beta2": 0.999,
    "parity_eps": 1e-18,  # code
    "parity_steps": 100_000,  # code, fig. 4
    "continued_steps": 10_000,  # ours: from the collapsed checkpoint on
    "plain": "float32",  # the loss that collapses
    "remedy": "stablemax",
    "continued": "stablemax",
    # addition modulo p, without biases: the loss in three precisions
    "collapse_p": 113,  # code, fig. 2, as the next three
    "collapse_train": 0.4,
    "collapse_hidden": (200, 200),
    "collapse_lr": 5e-4,
    "collapse_beta2": 0.999,  # recalled
    "collapse_eps": 1e-30,  # code, fig. 2 at 40 %
    "precisions": ("float16", "float32", "float64"),
    "collapse_steps": (20_000, 20_000, 20_000),  # code, fig. 2
    "aligned_perp": False,  # ours, a control: the last of them with perpendicular gradients
    # addition modulo p, without biases: perpendicular gradients, weight decay, neither
    "p": 113,  # code, fig. 1, as the next five
    "train": 0.4,
    "hidden": (200, 200),
    "lr": 0.01,
    "beta2": 0.99,
    "perp_steps": 300,
    "eps": 1e-25,  # code
    "perp": True,  # False, a control: AdamW alone
    "decay": 1.0,  # ours; the script has 1.5 for a transformer
    "decay_steps": 2000,  # ours
    "adam_steps": 2000,  # ours
    "biased": False,  # True, a control: logits are no longer homogeneous
    "scales": (1.1, 2.0),  # ours: of the weights
}
LAPTOP = {
    "needs": "",
    "noise": 27,
    "strings": 700,  # as many a bit as above
    "parity_hidden": (96, 96),
    "parity_beta2": 0.99,  # the loss falls no faster than beta2 lets it: collapse at 1,500 steps
    "parity_steps": 2500,
    "continued_steps": 4000,
    "collapse_p": 23,
    "collapse_train": 0.6,
    "collapse_hidden": (64, 64),
    "collapse_lr": 0.01,
    "collapse_beta2": 0.99,
    "collapse_eps": 1e-25,
    "collapse_steps": (400, 2400, 6000),
    "p": 47,
    "train": 0.6,
    "hidden": (128, 128),
    "decay_steps": 700,
    "adam_steps": 400,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "records": 12,
    "noise": 5,
    "strings": 24,
    "unseen": 24,
    "parity_hidden": (16, 16),
    "parity_steps": 60,
    "continued_steps": 60,
    "collapse_p": 5,
    "collapse_hidden": (8, 8),
    "collapse_steps": (60, 60, 60),
    "p": 5,
    "hidden": (8, 8),
    "perp_steps": 60,
    "decay_steps": 60,
    "adam_steps": 60,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"plain": ("stablemax", "float64"), "remedy": ("float64",), "continued": ("float32",)}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
