"""Settings: the paper's, and what changes on a laptop and in a smoke test.

Sources: "abstract" = arXiv 2006.09092; "recalled" = from memory of it, not checked against the
text; "ours" = not stated there or chosen here. No code of the authors is known.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),
    "x64": False,
    "needs": "accelerator",
    "dataset": "cifar10",  # abstract: CIFAR-100 and ImageNet
    "samples": 50_000,  # recalled: all of the training set
    "hidden": (512, 256),  # ours; abstract: VGG-16 and WideResNet
    "train_lr": 0.1,  # ours: full-batch descent to the point w of all spectra
    "train_loss": 0.25,  # ours: descent stops there, so that seeds are compared at one loss
    "train_steps": 5000,  # ours: at most
    "sizes": (8, 16, 32, 64, 128, 256, 512, 1024, 2048),  # recalled
    "capacities": (
        64,
        512,
        2048,
    ),  # ours: batches are padded to these, sizes share programs
    "epochs": 4,  # ours: each cut into batches without replacement
    "most_batches": 128,  # ours: of a size
    "lanczos": 100,  # recalled: about 100 steps
    "together": 8,  # ours: batches side by side, split over the mesh
    "density_sizes": (16, 128),  # and all samples; ours
    # the largest stable learning rate; ours, but for the idea of a grid until divergence
    "sgd_lrs": (0.002, 4.0),
    "adam_lrs": (1e-5, 0.05),
    "grid": 40,
    "trials": 2,  # orders of the data
    "search_steps": 300,
    "warmup": 100,  # steps at learning rate 0 that fill Adam's averages
    "records": 20,
    # the spiked Wigner model
    "thetas": (0.5, 1.5, 2.0, 3.0),  # ours: outlier over the scale of the noise
    "side": 2000,  # ours
    "draws": 16,  # ours
    # knobs that remove a mechanism
    "noise": True,  # ours: false: every batch is the whole data set, and the Wigner matrix is zero
    "frozen_batch": 0,  # ours: above 0, every batch has this size, whatever it is called
}
LAPTOP = {
    "x64": True,
    "needs": "",
    "dataset": "digits",
    "samples": 1024,
    "hidden": (16,),  # 1,210 parameters; with 610 the edge is still some way from its law
    "train_lr": 0.5,
    "train_steps": 400,
    "sizes": (1, 2, 4, 8, 16, 32, 64, 128, 256),
    "capacities": (16, 64, 128, 256),
    "lanczos": 64,
    "sgd_lrs": (0.01, 2.0),
    "adam_lrs": (0.001, 0.4),  # a factor 1.2 from one to the next, nearly
    "grid": 32,
    "side": 400,
    "draws": 12,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "samples": 16,
    "hidden": (4,),
    "train_steps": 20,
    "sizes": (4, 8),
    "capacities": (16,),
    "epochs": 1,
    "lanczos": 12,
    "together": 2,
    "density_sizes": (4,),
    "grid": 6,
    "trials": 1,
    "search_steps": 20,
    "warmup": 2,
    "records": 2,
    "side": 40,
    "draws": 2,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"dataset": ("mnist",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
