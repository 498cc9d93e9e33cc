"""Settings of every preset, for CPUs: the authors' own runs are MATLAB on one machine.

Numbers of the paper are those of its released code, as recalled in `[code]`.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of the kernel's centre, of places and charges
    "x64": True,  # tolerance 1e-7 [code]; single precision ends at 1e-6
    "needs": "",
    "tol": 1e-7,  # [code]
    # the Newton kernel
    "terms": 41,  # ours: of the trapezoid rule, 1/r to 3e-8 for r from 2e-3 to sqrt 3
    "step": 0.25,  # ours: of u, t = sinh u
    "long_t": 13.0,  # ours: largest t of the long range, 14 terms; the code cuts its own by index
    "short_t": (80.0, 1000.0),  # ours: terms called short range; above, 8192 points miss them
    "long": True,  # False: a control that keeps all terms in the long range
    "centre": 0.0,  # ours: of the kernel, in every coordinate, more or less `shift`
    "shift": 0.05,  # ours
    "points": (33, 65, 129, 257),  # 129 [code]: m of single vectors
    "line": 8192,  # [code]: grid on which a vector is judged
    "kernel_points": (129, 257, 513),  # [code]
    "grid": 1024,  # [code: one of 256 to 8192]: of the slice
    "shown": (5.0, 13.0, 30.0, 100.0),  # ours: t of the vectors that are drawn
    # many particles
    "many_step": 0.18,  # ours
    "many_t": 8.0,  # ours: Gaussians up to this t, 16 of them
    "box": 0.75,  # ours: particles in [-0.75, 0.75]^3
    "block": 25,  # ours: particles added at once; the smallest N
    "doublings": 8,  # ours: N from 25 to 6400; the paper has 500 to 2304 [code]
    "many_points": 129,  # [code]
    "many_grid": 128,  # ours: values per axis of the grid tensor
    "loose": 1e-4,  # ours: the second tolerance
    "sharpen": False,  # True: a control, Gaussians narrow as N^(1/3), a box of fixed density
    # errors against m, and both algorithms
    "field": 100,  # ours: particles
    "field_points": (17, 25, 33, 41, 49, 57, 65),  # ours
    "field_tol": 0.0,  # ours: of the curve that is fitted; positive, a control that cuts it
    "slice": 100,  # ours: points a side of the slice on which errors are looked for
    "algorithm_points": 129,  # [code]
    "algorithm_field": 64,  # ours: particles, R = 1024 terms
    "singular": True,  # False: a control with the lowest degrees in place of singular vectors
}
LAPTOP = {"doublings": 5, "many_points": 65, "many_grid": 64}
SMOKE = LAPTOP | {
    "line": 512,
    "points": (33, 65),
    "kernel_points": (65, 129),
    "grid": 64,
    "doublings": 2,
    "block": 5,
    "many_points": 33,
    "many_grid": 32,
    "field": 10,
    "field_points": (17, 25, 33),
    "slice": 20,
    "algorithm_points": 33,
    "algorithm_field": 8,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
