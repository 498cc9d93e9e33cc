"""Settings of every preset. A theory paper without experiments: its statements decide, in float64.

Laptop: about a minute; paper: 8 GPUs with fast float64.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # of sketches and of where the coherent instance has its rows
    "x64": True,
    "needs": "accelerator",
    "n": 2**20,  # ours: rows of A, a power of two
    "draws": 40,  # ours: sketches a seed
    "dims": (64, 128, 256, 512, 1024),  # ours: columns of A
    "ratio": 32,  # ours: m = ratio d; the theorem's log^3(n / delta) / eps^2 is far larger
    "overlaps": 2.0,  # derived: of Count-Sketch, expected; P(none) = 0.14
    "dense": ("gaussian", "srht"),  # abstract: dense sketches
    "sparse": ("sparse1", "sparse2"),  # abstract: Count-Sketch; two non-zeros a column
    "incoherent": ("srht", "sparse1"),  # ours: on cosines, where the sparse one is as good
    "kronecker": "tensor_srht",  # abstract; "sparse1", a control
    "sides": (8, 16, 32),  # ours: columns of both factors of a Kronecker product
    # error against m, at `dim` columns
    "dim": 512,  # ours
    "multiples": (4, 8, 16, 32, 64),  # ours: m / d
    # error against non-zeros, at `dim` columns and m = width d
    "width": 16,  # ours: sqrt(m / d) = 4
    "nonzeros": (1, 2, 4, 8, 16),  # ours: increasing
    "density_draws": 100,  # ours: most of a sparse sketch's error is one Poisson count
    # floating-point operations, counted and not run
    "sizes": (2**12, 2**14, 2**16, 2**18, 2**20),  # ours: n
    "share": 8,  # ours: m = n / share
    # knobs that remove what a claim is about
    "basis": "coordinates",  # "rotated", a control: another basis of the same range
    "coherent": False,  # ours: True, a control: unit vectors where cosines stand
    "fresh": 0,  # ours: above 0, a control: rows beyond fresh d are copies of the first
    "adapted": True,  # False, a control: the residual is as wide for every number of non-zeros
    "fast": "srht",  # "gaussian", a control: the sketch whose operations are counted
}
LAPTOP = {
    "needs": "",
    "n": 4096,
    "dims": (16, 32, 64, 128, 256),
    "ratio": 8,
    "dim": 32,
    "sides": (4, 8, 16),
    "sizes": (2**12, 2**13, 2**14, 2**15, 2**16, 2**17, 2**18),
}
SMOKE = LAPTOP | {
    "n": 256,
    "draws": 8,
    "dims": (4, 8, 16),
    "incoherent": ("srht",),  # the sparse one there is compiled for `sparse` too
    "sides": (2, 4),
    "dim": 8,
    "multiples": (4, 8, 16),
    "nonzeros": (1, 2, 4),
    "density_draws": 8,
    "sizes": (2**8, 2**10, 2**12),
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
SKETCHES = ("gaussian", "srht", "signs", "sparse1", "sparse2", "sparse4")
CHOICES = {
    "dense": SKETCHES,
    "sparse": SKETCHES,
    "incoherent": SKETCHES,
    "kronecker": ("tensor_srht", "srht", "sparse1"),
    "basis": ("coordinates", "rotated"),
    "fast": ("srht", "gaussian", "signs", "sparse1"),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
