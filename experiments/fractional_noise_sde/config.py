"""Settings of every preset. Exact claims in float64 on the host; networks for the bridge.

"code" is VideoNeuralSDE/MAFBM (experiments/bridge/main.py unless said otherwise).
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of Hurst indices, perturbations, paths and networks
    "x64": False,  # what needs float64 is computed on the host
    "needs": "accelerator",
    # the approximation, on the horizon 1 where nothing else is said
    "rates": 5,  # code
    "gamma_max": 20.0,  # code
    "gamma": "regularised",  # code: incomplete gamma functions
    "weights": "optimal",  # the paper's proposition
    "moved": 0.01,  # ours: Hurst indices of a seed are this far from the nominal ones, at most
    "instances": 6,  # ours: of formula and quadrature, a seed and kind of process
    "centres": (0.2, 0.4, 0.7),  # ours: Hurst indices of the comparison with earlier weights
    "counts": (5, 9, 17),  # ours: numbers of rates there
    "perturbations": 40,  # ours
    "nested": (3, 5, 9, 17),  # ours: each has the rates of the last one among its own
    "low": (0.2, 0.3),  # ours: Hurst indices of the law in gamma_max
    "reaches": (100.0, 500.0, 2500.0, 12500.0, 62500.0),  # ours: values of gamma_max
    "density": 1.35,  # ours: rates a unit of log(gamma_max)
    "reach": "grows",  # ours: of the rates; "fixed" (a control): the number of rates alone grows
    # covariance
    "band": (0.3, 0.9),  # ours: Hurst indices
    "laws": 24,  # ours: drawn a seed, one in each of as many equal parts of the band
    "times": 20,  # ours
    "paths": 4096,  # ours
    "noise": "shared",  # the paper: one Brownian motion for all OU processes
    # the bridge in closed form
    "end": 2.0,  # code
    "sigma": 0.1,  # code: noise of the observation
    "hursts": (0.3, 0.5, 0.7, 0.9),  # code, among others
    "chains": (1600, 2800, 5000, 9000, 16000),  # ours: numbers of Euler steps
    "control": "all",  # the paper: u sees X and the OU processes
    # the Hurst index from paths
    "known": (0.3, 0.7),  # ours: of the exact paths, as the next three
    "series": 16,
    "points": 50,
    "grid": 81,  # ours: Hurst indices from 0.1 to 0.9
    "order": "true",  # ours; "shuffled" (a control): increments of a path in random order
    # trained controls
    "net_hursts": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.6, 0.7, 0.8, 0.9,
                   0.6, 0.7, 0.8, 0.9),  # code
    "net_thetas": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0,
                   2.0, 2.0, 2.0, 2.0),  # code
    "width": 1000,  # code
    "depth": 2,  # code
    "batch": 32,  # code
    "steps": 200,  # code
    "train_steps": 2000,  # code
    "lr": 1e-3,  # code
    "chunk": 100,  # ours: steps a call
    "samples": 5000,  # ours
    "kl": 1.0,  # the paper: weight of 1/2 u^2
    "gain": 1.0,  # ours: times the network; 0 is the prior
}  # fmt: skip
LAPTOP = {
    "needs": "",
    "net_hursts": (0.3, 0.7),
    "net_thetas": (0.0, 0.0),
    "width": 32,
    "lr": 3e-3,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "instances": 3,
    "paths": 512,
    "chains": (100, 175, 310, 560, 1000),
    "grid": 41,
    "width": 8,
    "batch": 16,
    "steps": 50,
    "train_steps": 20,
    "chunk": 10,
    "samples": 100,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {  # of the controls, in no preset
    "gamma": ("unregularised",),
    "weights": ("riemann",),
    "reach": ("fixed",),
    "noise": ("own",),
    "control": ("position",),
    "order": ("shuffled",),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
