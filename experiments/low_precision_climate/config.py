"""Settings of every preset.  Laptop: about 7 CPU-seconds a seed; paper: one GPU.

The paper's text was not at hand: its abstract gives models and numbers of bits, not the lengths of
runs, the sizes of ensembles or the constants of the soil.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of initial conditions and random words
    "x64": True,  # abstract: 52 bits are what the others are held against
    "needs": "accelerator",
    # Lorenz 1963
    "dt": 0.01,  # ours
    "members": 10_000,  # ours: of an ensemble
    "replicas": 4,  # ours: ensembles of 52 bits; their distances are the floor
    "spin_up": 10_000,  # ours: steps of 52 bits to where an ensemble begins
    "steps": 100_000,  # ours
    "discard": 500,  # ours: steps before the first that counts
    "keep": 500,  # ours: steps from one sampled state to the next
    "single": 23,  # abstract: float32; 6, a control: what is far too few
    "bits": (16, 12, 10, 8, 7, 6, 5),  # abstract: 10 is float16; below, ours
    "added": 0,  # ours: bits beyond those of `bits`; 10, a control: none is low any more
    "words": "random",  # of stochastic rounding; controls: half a step or nothing, always
    # soil column
    "soil_dt": 1800.0,  # ours: s; 72 000, a control: steps too long for increments to be lost
    "half": 10,  # abstract: float16
    "soil_bits": (8, 9, 10, 11, 12, 13, 14, 16, 23),  # ours: to nearest, in kelvin
    "columns": 64,  # ours: of stochastic rounding, whose mean is taken
    "years": 20,  # ours
    # one rounding
    "draws": 1_000_000,  # ours
    "numbers": 16,  # ours: numbers that are rounded so many times
}
LAPTOP = {
    "needs": "",
    "members": 200,
    "spin_up": 2000,
    "steps": 3000,
    "keep": 10,
    "columns": 8,
    "years": 8,
    "draws": 100_000,
}
SMOKE = LAPTOP | {
    "members": 20,
    "spin_up": 200,
    "steps": 600,
    "discard": 100,
    "bits": (10, 8, 7, 6, 5),
    "soil_bits": (10, 12, 16),
    "columns": 2,
    "years": 1,
    "draws": 10_000,
}
CHOICES = {"words": ("half", "zero")}  # of the controls, in no preset
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
