"""Settings of every preset. Laptop: a minute on 2 cores; smoke: seconds; paper: one accelerator.

Sources: "code" = the authors' repository; "derived" = from the paper's definitions; "ours".
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),  # code: ten splits; ours: a data set each
    "x64": False,
    "needs": "accelerator",
    # discrete laws
    "laws": 10_000,  # ours: random ones of a seed
    "levels": (2, 3),  # ours: of Y, M and X; the first decides
    "y_to_k": True,  # False: a control, no edge from Y to X (or X2)
    "edge_back": False,  # True: a control, the edge whose absence the theorem needs
    # classes of subsets
    "missing": (),  # a control: edges that the grouping does not know
    "sizes": (4, 6, 8, 10, 12),  # ours: stable variables of random graphs
    "degree": 2.0,  # ours: mean degree of their nodes; a control: complete graphs
    "graphs": 30,  # ours: of each size
    "told": 1e-9,  # ours: least difference of two predictors; a control: coarse
    # simulation
    "environments": 20,  # code
    "rows": 100,  # code: of an environment
    "frozen": False,  # True: a control, one mechanism in all environments
    "by_class": False,  # code: all 256 subsets; True: one of each class
    "subsets": 256,  # code: at most so many of them
    "hidden": 12,  # code
    "lr": 0.02,  # code: of both
    "steps": 10_001,  # code: of a predictor
    "ascent": 10_001,  # code: of the adversary; ours: without its early stop
    "penalty": 0.01,  # code: on the norms of J's weights
    "restarts": 5,  # ours: the code starts once, at all weights 1
    "thin": 1,  # code: the adversary sees all rows
    "records": 20,  # ours: of the adversary
    "at_once": 513,  # ours: networks side by side on a device; 0: one after the other
}
LAPTOP = {
    "seeds": (0, 1, 2, 3, 4),
    "needs": "",
    "by_class": True,
    "steps": 600,
    "ascent": 400,
    "restarts": 3,
    "thin": 4,
    "at_once": 0,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "laws": 500,
    "graphs": 3,
    "rows": 20,
    "subsets": 6,
    "steps": 20,
    "ascent": 20,
    "records": 5,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"missing": ("X11->X10",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
