"""Settings. The paper's tables (HELOC, German Credit, Adult, ...) are not at hand: all presets draw
synthetic ones. Laptop: a minute on two cores; paper: minutes on an accelerator.

Sources: "recalled" = the paper's from memory, "ours" = not known or chosen here.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of a table, its networks, its queries
    "x64": False,
    "needs": "accelerator",
    # table
    "features": 8,  # ours: 23 for HELOC
    "train": 10_000,  # ours: about HELOC's
    "pool": 2_000,  # ours: test points; queries are refused ones, ranks are of accepted ones
    "queries": 60,  # ours: of each m
    "ranked": 400,  # ours: accepted test points of each m, claim t5
    # networks
    "hidden": (128, 128),  # recalled
    "lr": 1e-3,  # ours: Adam, recalled
    "batch": 128,  # ours
    "steps": 4_000,  # ours
    "every": 500,  # ours: steps between two records
    "bases": 4,  # ours: networks that are m in turn; none of them is a new one
    "restarts": 50,  # recalled: new networks by other initial weights and batches
    "left_out": 50,  # recalled: new networks that lack some rows, too
    "share": 0.02,  # recalled, 1 to few %: of rows left out
    "same_seed": False,  # a control: True, all have m's initial weights and batches
    "relabelled": False,  # a control: True, new networks learn permuted labels
    # counterfactuals
    "margin": 0.52,  # ours: what the base reaches; 0.999, a control
    "stricter": (0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99),  # ours: margins of further closest points
    "base_steps": 600,  # ours
    "base_lr": 0.02,  # ours: Adam, falling to 0
    "sigma": 0.1,  # recalled: sigma^2 = 0.01; 0, a control: R is then m
    "k": 1_000,  # recalled; 2, a control
    "taus": (0.5, 0.6, 0.7, 0.8),  # ours
    "eta": 0.01,  # ours: length of a step; 0.5, a control
    "ascent_steps": 150,  # ours
    "direction": "gradient",  # random, a control: as far as the gradient went
    "candidates": "stable",  # of T-Rex:NN; accepted, wide: controls
    "levels": (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999),  # ours: m raised
    "fresh": 1_000,  # ours: new noise that judges the ends
    "neighbours": 20,  # recalled: of the local outlier factor
    "plane": 41,  # ours: points a side of the plane of figure 1
    # models drawn around m, theorem
    "draws": 20_000,  # ours
    "dim": 10,  # ours
    "frequency": 1.0,  # ours: of the random features
    "amplitude": 0.1,  # ours: standard deviation of their coefficients
    "slope": 0.1,  # ours: Lipschitz constant of m
    "counts": (25, 100, 400),  # ours: k
    "tails": (0.5, 1.0, 1.5, 2.0, 2.5, 3.0),  # ours: eps over the length of concentration
    "corrected": True,  # False, a control: the mean error of the drawn model forgotten
    "samples": "independent",  # repeated, a control: one noisy point taken k times
}
LAPTOP = {
    "needs": "",
    "train": 1_000,
    "pool": 400,
    "queries": 15,
    "ranked": 100,
    "hidden": (64, 64),
    "steps": 600,
    "every": 150,
    "lr": 3e-3,
    "restarts": 20,
    "left_out": 20,
    "base_steps": 400,
    "k": 200,
    "ascent_steps": 120,
    "fresh": 400,
    "plane": 33,
    "draws": 2_000,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "features": 4,
    "train": 150,
    "pool": 100,
    "bases": 2,
    "queries": 4,
    "ranked": 20,
    "hidden": (8, 8),
    "lr": 1e-2,
    "steps": 40,
    "every": 20,
    "restarts": 2,
    "left_out": 2,
    "base_steps": 20,
    "k": 10,
    "ascent_steps": 20,
    "fresh": 20,
    "neighbours": 5,
    "plane": 9,
    "draws": 500,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {  # in no preset
    "direction": ("random",),
    "candidates": ("accepted", "wide"),
    "samples": ("repeated",),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
