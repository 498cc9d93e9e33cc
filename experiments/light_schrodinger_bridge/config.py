"""Settings of every preset. Laptop: dimensions 2 and 16; paper: up to 128 and a swiss roll of 500.

Sources: "code" = the authors' notebooks, as read by others; "ours" = not stated there.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours; 42 in the code
    "x64": False,
    "needs": "accelerator",
    "coupling": 1.0,  # of <x, y> in the plan; 0.0 (ours) leaves the independent coupling
    "batch": 128,  # code, of every experiment
    "records": (0.0, 0.01, 0.03, 0.1, 0.3, 1.0),  # ours: fractions of a training that are kept
    # entropic transport benchmark
    "dims": (2, 16, 64, 128),  # code
    "eps": (0.1, 1.0, 10.0),  # code
    "lrs": (1e-3, 3e-3, 6e-2),  # code, one for every eps
    "components": 50,  # code
    "init_scale": 1.0,  # code: S at the start
    "steps": 10_000,  # code
    "true_components": 5,  # ours, as the next two: the potential of the regenerated benchmark
    "true_radius": 5.0,
    "true_scale": 0.3,
    "inputs": 1024,  # 1000 in the code: x at which plans are compared; here a power of two
    "pairs": 10_000,  # ours: samples of KL and of the loss
    # two Gaussians
    "gauss_eps": (0.1, 1.0, 10.0),  # ours, as the benchmark's
    "gauss_lrs": (1e-2, 3e-3, 6e-2),  # ours; 1e-3 at the first eps in the benchmark
    "gauss_stds": (1.0, 2.0),  # ours: of p0 and p1, in the plane
    "gauss_steps": 10_000,  # ours, with cosine decay to 0
    # swiss roll
    "roll_eps": (0.01, 0.03, 0.1, 0.3, 1.0),  # code has 0.002, 0.01, 0.1; others ours
    "roll_lr": 1e-3,  # code, at 0.1 and 0.01
    "roll_components": 500,  # code
    "roll_init_scale": 0.1,  # code
    "roll_steps": 20_000,  # code
    "assigned": 1024,  # ours: points of an exact assignment, as the next a power of two
    "sinkhorn_points": 512,  # ours
    "assignments": 2,  # ours: of them a seed
    "sinkhorn_sweeps": 500,  # ours
    "bridge_eps": 0.1,  # ours: of the roll_eps, where samplers are compared
    "bridge_points": 2000,  # ours
    "euler_steps": 500,  # ours
    "directions": 25,  # ours: of sliced W1, equally spaced
    "permutations": 50,  # ours
    "drawn": (1.0, 0.1, 0.01),  # ours: of the roll_eps, whose paths are drawn
}
LAPTOP = {
    "needs": "",
    "dims": (2, 16),
    "eps": (0.1, 1.0),
    "lrs": (1e-3, 3e-3),
    "roll_components": 100,
    "roll_steps": 4000,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "dims": (2,),
    "components": 4,
    "steps": 20,
    "inputs": 32,
    "pairs": 50,
    "gauss_steps": 20,
    "roll_components": 4,
    "roll_steps": 20,
    "assigned": 32,
    "sinkhorn_points": 32,
    "sinkhorn_sweeps": 20,
    "bridge_points": 20,
    "euler_steps": 20,
    "permutations": 5,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
