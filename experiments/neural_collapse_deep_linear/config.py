"""Settings: the paper's, and what changes on a laptop and in a smoke test.

Sources: "code" = the authors' scripts and README; "ours" = chosen here.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # code: 2
    "x64": True,  # ours: collapse goes on to 1e-12, below float32
    "needs": "accelerator",  # ours: too large for a laptop
    # free features under linear layers, by heavy ball on all examples
    "balanced": (100, 100, 100, 100),  # code: examples a class; with and without a last-layer bias
    "imbalanced": (200, 100, 50, 50),  # code: as many in all; without bias
    "dim": 2048,  # code: of the imbalanced command; 64 in the balanced one
    "depths": (1, 3, 6, 9),  # code: linear layers M
    "decay": 5e-4,  # code: lambda of every layer and of the features
    "lr": 0.1,  # code
    "momentum": 0.9,  # code
    "scale": 0.1,  # code: sd of every initial entry
    "steps": 30_000,  # code
    "records": 60,  # ours
    "penalty": 1.0,  # ours: factor on lambda in training alone; 0 removes the mechanism
    "bias": True,  # ours: whether the case "with a bias" has one
    # the threshold, by lambda over the one at which the smallest class vanishes
    "collapse": (200, 100, 50, 20),  # ours
    "collapse_dim": 64,  # ours: as in the balanced command
    "collapse_steps": 30_000,  # ours: as above
    "sweep": (0.25, 0.5, 0.75, 0.9, 0.95, 1.0, 1.05, 1.1, 1.32288, 1.5, 1.8),  # ours, M = 1
    "deep": 3,  # ours: layers of the second sweep
    "deep_sweep": (0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2),  # ours
    "deep_steps": 6000,  # ours: planted starts lie near their minima
    "nudge": 1e-3,  # ours: sd of the noise on the planted starts
    # a multilayer perceptron, imbalanced
    "dataset": "cifar10",  # code
    "net_counts": (100, 100, 200, 200, 300, 300, 400, 400, 500, 500),  # code
    "net_layers": 6,  # code: ReLU layers
    "net_width": 2048,  # code
    "heads": (1, 3),  # ours: linear layers after them, of the depths above
    "net_decay": 1e-5,  # code
    "net_lr": 1e-4,  # code: Adam, a tenth from half way on
    "net_steps": 12_000,  # code
    "net_records": 200,  # ours
    "net_dtype": "float32",  # ours: PyTorch's default
}
LAPTOP = {
    "needs": "",
    "dim": 64,
    "depths": (1, 3, 6),
    "steps": 12_000,  # exp(-12_000 lambda lr / (1 - momentum)) = 0.2 %
    "records": 40,
    "collapse_dim": 16,
    "collapse_steps": 10_000,
    "deep_steps": 3000,
    "dataset": "digits",  # 8 x 8; mnist and cifar10 work as well
    "net_counts": (10, 10, 20, 20, 30, 30, 40, 40, 50, 50),
    "net_layers": 3,
    "net_width": 96,  # with 64 and a larger step some digit loses all its ReLU features for good
    "net_decay": 5e-4,  # a larger penalty collapses sooner
    "net_lr": 2e-3,
    "net_steps": 6000,
    "net_records": 100,  # often enough to see NC2 when the last training error goes
}
# a tenth of the examples and ten times the penalty: the same minima, ten times as fast
SMOKE = LAPTOP | {
    "balanced": (10, 10, 10, 10),
    "imbalanced": (20, 10, 5, 5),
    "dim": 16,
    "scale": 0.2,  # makes matrices of side 16 as large as 0.1 makes those of side 64
    "depths": (2,),
    "decay": 5e-3,
    "steps": 1200,
    "records": 10,
    "collapse": (20, 10, 5, 2),
    "collapse_dim": 8,
    "collapse_steps": 1200,
    "deep_steps": 600,
    "net_counts": (2, 2, 4, 4, 6, 6, 8, 8, 10, 10),
    "net_layers": 1,
    "net_width": 16,
    "heads": (1,),
    "net_steps": 60,
    "net_records": 5,
    "net_dtype": "float64",
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"dataset": ("mnist", "fashion_mnist")}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
