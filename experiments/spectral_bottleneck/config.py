"""Settings of every preset. Laptop: about a minute and a half on 2 cores; smoke: seconds.

"code": the authors' learn_audios.py, modules/networks.py. First-layer frequencies are angular, per
unit of a coordinate in [-1, 1]: those fitted to 150,000 samples are scaled by points / 150,000.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of phases, weights and noise; the code has one run
    "x64": False,  # phases of a few hundred radians
    "needs": "accelerator",
    # targets: unit magnitudes and random phases in bands, as fractions of Nyquist; the first is
    # the high one, the last the low one of the claims
    "points": 150_000,  # code: samples of a clip
    "lows": (0.6, 0.3, 0.0),  # ours
    "highs": (0.8, 0.5, 0.1),  # ours
    # networks
    "width": 222,  # code
    "layers": 4,  # code: hidden ones
    "omega": 30.0,  # code: of hidden layers, and of WINNER's first
    "tuned": 3000.0,  # code: of the baseline's first layer, at 150,000 samples
    "sweep": (0.1, 0.15, 0.2),  # ours: further first-layer frequencies, over Nyquist's
    "s0_scale": 1.0,  # ours, a control: of the noise in W_1
    "s1_scale": 1.0,  # ours, a control: of the noise in W_2
    # training
    "lr": 1e-4,  # code: Adam
    "decay": 0.99,  # code
    "decay_every": 20,  # code
    "steps": 1000,  # code: full batches
    "every": 50,  # ours: steps of one call
    "bins": 300,  # ours: of power spectra, up to Nyquist
    # kernels at initialisation
    "kernel_points": 512,  # ours
    "kernel_s1": (0.0, 0.3, 0.6, 1.0, 2.0, 4.0),  # ours
}
LAPTOP = {
    "needs": "",
    "points": 4096,
    "width": 48,  # 7,249 weights, 1.8 a sample (paper: 1.0)
    "lr": 1e-3,
    "steps": 160,
    "every": 40,
    "bins": 64,
    "kernel_points": 256,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "points": 256,
    "width": 16,
    "steps": 20,
    "every": 10,
    "bins": 16,
    "kernel_points": 32,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
