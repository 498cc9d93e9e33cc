"""Settings of every preset. Laptop: 10 CPU-seconds; smoke: 6; paper: half a CPU-minute.

What is rerun of the paper is linear algebra in float64 (`hardware = "cpu"`); nothing is trained.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of frequencies and components, outputs, targets and steps
    "x64": True,  # eigenvectors of LegS's normal part lose their digits in float32 from N = 64 on
    "needs": "",
    # claim 1: S4D-LegS at fixed frequencies
    "sizes": (64, 128, 256, 512, 1024),  # ours
    "band": (1.0, 16.0),  # ours: frequencies are drawn from; at most a quarter of the smallest N
    "count": 16,  # ours: frequencies a seed, each with a component of 0 .. 3
    "share": 0.5,  # theorem 3: of B; 1.0 (a control) is what trained models start from
    # claim 2: the largest frequencies
    "spectrum": "legs",  # section 4: whose frequencies
    "law": "inv",  # section 4: S4D-Inv
    # claim 3: one layer's channels, of the ablation's models
    "states": 64,  # code: cifar/s4-cifar-ablation.yaml
    "channels": 128,  # code: cifar/s4-cifar-ablation.yaml
    "length": 1024,  # code: cifar/s4-cifar-ablation.yaml, 32 x 32 pixels
    "kept": 32,  # ours: outputs of every sequence that are kept
    "initials": ("legs", "inv", "lin", "real"),  # section 4
    "steps": (1e-3, 1e-1),  # code: log-uniform in between, as of the probe
    "pairs": 2.0,  # section 3: of each conjugate pair one is stored; 1.0 is a control
    # claim 5: least squares of a kernel
    "probed": "lin",  # section 4
    "others": ("legs", "inv", "lin", "real", "quad", "inverse2", "slow", "fast", "random"),  # code
    "window": 256,  # ours: length of the kernels
    "lags": (8, 32, 128),  # ours: of the targets, each moved by up to a tenth
    "width": 3.0,  # ours: of the targets, standard deviation in steps
    "tried": 33,  # ours: step sizes a seed
    "cut": 1.2e-7,  # ours: singular values left out, to the largest: digits of single precision
    # figures
    "drawn": (16, 64, 256),  # ours: states of the kernels
    "shown": 64,  # ours: states of the spectra
    "bins": 200,  # ours: of time
}
LAPTOP = {
    "sizes": (16, 32, 64, 128, 256, 512),
    "band": (1.0, 4.0),
    "channels": 2,
    "tried": 9,
}
SMOKE = LAPTOP | {
    "sizes": (16, 32, 64, 128, 256),
    "count": 4,
    "length": 128,
    "others": ("legs", "inv", "lin", "real"),
    "tried": 5,
    "drawn": (8, 16),
    "shown": 16,
    "bins": 40,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {  # of the controls, in no preset
    "spectrum": ("lin",),
    "law": ("inverse2",),
    "probed": ("real", "slow"),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
