"""Settings of every preset. Laptop: the paper's random assignment, about a minute; smoke: seconds.

Sources: "table" = of the paper, as a public note has it; "recalled" = from memory; "ours".
"""

from ml_collections import ConfigDict

CHOICES = {
    "entries": ("largest", "random"),
    "diagonals": ("full", "thresholded"),
    "predicted": ("cycle", "vertex"),
    "image_cost": ("l1", "l2"),
}
PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of costs and of pairs of digits
    "x64": True,  # masses are 1 / n and errors 1e-9 of them: float32 stops at 1e-7
    "needs": "accelerator",  # with fast float64: a GPU, not a TPU
    # random assignment
    "n": 500,  # table
    "eta": 1200.0,  # table
    "warm": 20,  # table: Sinkhorn's sweeps before Newton's steps
    "densities": (2, 3, 5, 10, 0),  # table: 2 / n; others ours: entries a row kept; 0: dense Newton
    "entries": "largest",  # table; ours: "random", a control
    "diagonals": "full",  # recalled; ours: "thresholded", a control, sums the kept entries alone
    "tol": 1e-12,  # ours: L1 error where Newton stops; "machine precision" in the table
    "steps": 150,  # ours: of Newton, at most
    "target": 1e-9,  # ours: L1 error at which Sinkhorn stops and iterations are compared
    "sweeps": 60_000,  # ours: of Sinkhorn, at most; 56,199 in the table
    "records": 60,  # ours: of its errors
    # how the plan leaves the best vertex
    "small_n": 20,  # ours: small enough that costs are no near ties
    "instances": 4,  # ours: a seed
    "depths": (8.0, 10.0, 12.0, 14.0, 16.0),  # ours: eta in units of one over the rate
    "predicted": "cycle",  # ours: the rate is the least mean cycle; "vertex": the gap over n
    # work of a step
    "sizes": (500, 1500, 5000),  # ours; eta grows as n, so that plans are alike
    "work_density": 5,  # ours: entries a row
    # images
    "image_pool": 1,  # 28 x 28 pixels  (recalled)
    "image_floor": 1e-4,  # ours: mass that is spread over all pixels
    "image_eta": 1200.0,  # ours: costs are divided by the largest
    "image_cost": "l1",  # table
    "image_warm": (20, 700),  # table: 20 for random costs, 700 for this one
    "image_densities": (2, 15),  # table: 2 / n, and 15 / n for this one
}
LAPTOP = {
    "needs": "",
    "tol": 1e-11,  # above what rounding leaves at this n, so that the last ratio is no noise
    "sweeps": 20_000,
    "records": 40,
    "sizes": (100, 500, 1000),
    "image_pool": 2,
}
SMOKE = LAPTOP | {
    "n": 49,  # all sizes are that of the pooled digits: one program a stage
    "eta": 200.0,
    "densities": (2, 3, 5, 5, 0),
    "steps": 20,
    "sweeps": 500,
    "records": 5,
    "small_n": 49,
    "instances": 1,
    "sizes": (49,),
    "image_pool": 4,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
