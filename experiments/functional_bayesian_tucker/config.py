"""Settings of every preset. Laptop: under a minute on 2 cores; smoke: seconds; paper: 8 GPUs.

The paper preset has the shape of US-TEMP; its data are not bundled, random tensors stand in.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # of data, held-out entries and starts
    "x64": True,  # gaps between coordinates down to 1e-6, whose noise is their third power
    "needs": "accelerator",  # with fast float64
    # the released surface, f(x) g(z), rank 1
    "blocks": 6,  # code: disjoint random grids
    "side": 15,  # code: coordinates of a block in a mode
    "block_lengthscale": 0.1,  # code
    "block_variance": 0.5,  # code
    "block_epochs": 100,  # code
    "block_damping": (0.1, 0.2),  # code: of factors, noise
    # random Tucker tensors
    "coordinates": (15, 95, 267),  # code: latitude, longitude, time of US-TEMP
    "rank": 7,  # code: the largest of 2, 3, 5, 7; here also the truth's
    "entries": (11_189, 22_378, 44_755),  # code: the last; ours: increasing
    "tests": 11_189,  # code
    "batch": 512,  # ours: observations whose products of moments are held at once
    "smoothness": 0.5,  # code: Matern-1/2; of model and truth
    "lengthscale": 0.5,  # code; of model and truth
    "variance": 1.0,  # code
    "noise": 0.1,  # ours: of observations of mean square 1
    "epochs": 200,  # code
    "damping": (0.9, 0.9, 0.95),  # code: of factors, noise, core
    "starts": 3,  # ours: the one with the largest E[tau] counts
    "start_variance": 0.01,  # ours: of a factor's value before the first message
    # counted multiply-adds of a sweep, rank 3
    "count_entries": (10_000, 20_000, 40_000, 80_000, 160_000),  # ours: at 40 coordinates
    "count_coordinates": (100, 200, 400, 800, 1600),  # ours: at 100 observations
    # which mechanism is at work; controls take it away
    "functional": True,  # False: independent values at coordinates in place of the process
    "smooth": True,  # False: the filter alone stands for the smoother
    "dense": False,  # True: Gaussian processes by matrices, in what is counted
    "truth_diagonal": False,  # True: the truth is a CP tensor
    "noisy_intervals": True,  # False: intervals hold the surface alone
}
LAPTOP = {
    "needs": "",
    "coordinates": (40, 40, 40),
    "rank": 3,
    "entries": (600, 1200, 3200),  # 0.9, 1.9, 5 % of the tensor
    "tests": 2000,
    "batch": 400,
    "smoothness": 1.5,
    "lengthscale": 0.2,
    "epochs": 100,
    "damping": (0.5, 0.6, 0.9),
}
SMOKE = LAPTOP | {
    "coordinates": (8, 10, 12),
    "rank": 2,
    "entries": (60, 120, 240),
    "tests": 200,
    "batch": 60,
    "epochs": 20,
    "starts": 2,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
