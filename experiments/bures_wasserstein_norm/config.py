"""Settings of every preset. Laptop: about a minute of two cores; smoke: seconds; paper: CPU-hours.

"code": the authors' repository, its settings for MAMEM-SSVEP-II.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # code: 5 runs; of the matrices, the data, the network
    "x64": True,  # code: float64; the centred mean is lost in float32 beyond a condition of 1e4
    "needs": "",
    # geometry: batches of matrices of these condition numbers, largest eigenvalue 1
    "size": 15,  # code: 15 x 15 covariances after the convolutions
    "batch": 30,  # code
    "conditions": (1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8),  # ours
    "mean_steps": 400,  # ours: turns of the fixed point, to convergence; code: 1
    "first_steps": 1,  # code; a control takes many
    "variance_about": "mean",  # section 3; "identity" (a control): as the code, of what is centred
    "spread": 1.0,  # code: s at the start, the deviation that the layer gives
    "tiny": 1e-5,  # code: epsilon, added to the variance
    "noise": 1e-6,  # ours: what is added to the eigenvalues of a matrix
    "perturbation": "floor",  # abstract: "relative" (a control) turns X^1/2 (1 + noise E) X^1/2
    "metric": "bures",  # abstract; "affine" (a control): which distance has to be small
    "powers": (1.0, 0.5, 0.25, 0.1, 0.03, 0.01),  # ours: theta, of the limit
    "limit": 0.01,  # ours: the theta at which the limit is looked at; a control takes 1
    "pulled": True,  # section 3: the metric of M; a control leaves M out
    # networks: five classes of Wishart matrices
    "classes": 5,  # code
    "train": 300,  # code: trials a subject
    "test": 100,  # code
    "freedom": 2.0,  # ours: degrees of freedom of a Wishart matrix, times its side
    "signal": 0.3,  # ours: sd of the entries of log of what sets a class apart
    "levels": (1e2, 1e4, 1e6),  # ours: condition numbers of what classes have in common
    "kept": 12,  # code: rows after BiMap
    "thetas": (0.25, 0.5, 0.75),  # ours: at the first level
    "epochs": 200,  # code
    "lr": 2.5e-3,  # code
    "momentum": 0.9,  # code
    "decay": 5e-2,  # code
    "steps": 1,  # code: turns of the mean in a network
    "floor": 1e-5,  # code: of eigenvalues in ReEig
}
LAPTOP = {
    "size": 12,
    "kept": 10,
    "train": 600,
    "test": 400,
    "epochs": 20,
    "levels": (1e2, 1e4),
    "thetas": (0.5,),
}
SMOKE = LAPTOP | {
    "size": 5,
    "kept": 4,
    "batch": 10,
    "conditions": (1e1, 1e2, 1e3, 1e6, 1e7),
    "train": 40,
    "test": 40,
    "epochs": 2,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {  # of the controls, in no preset
    "variance_about": ("identity",),
    "perturbation": ("relative",),
    "metric": ("affine",),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
