"""Settings of every preset. Laptop: 1.5 minutes of a core; paper: 40 modes, 16,384 particles.

The paper's tables are not known to us: targets and sizes are ours, relations are checked.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),
    "x64": True,  # ours: resampling jumps; a rounding of float32 changes which particles are copied
    "needs": "accelerator",
    "count": 16_384,  # ours: particles of a run
    "steps": 1000,  # ours, geometric in sigma
    "sigma_min": 0.01,  # ours
    "runs": 10,  # ours: a single run of resampled particles can lose a whole mode
    "at_once": 10,  # ours: runs that a device computes side by side
    "below": 0.5,  # ours: resampled where ESS / K is less; systematic [code]
    "weight": 1.0,  # ours, a control: factor of the log-weights; 0 is the plain scaled score
    # one dimension
    "sigma_line": 12.0,  # ours
    "beta": 3.0,  # ours: of annealing; the narrow mode holds 0.92, not all
    "noises": (0.0, 0.25, 0.5),  # a: from target score to tempered noise (prop. 3.2) [recalled]
    "guidance": 2.5,  # ours: beta of guidance
    "reward": 1.0,  # ours: largest factor of r(x) = tanh(-x)
    "law_guidance": 1.5,  # ours: mild, so that weights alone suffice
    "law_counts": (64, 128, 256, 512, 1024, 2048),  # ours: powers of two up to count
    "law_repeats": 3,  # ours: times runs
    "few": (128, 512),  # ours: fewer particles with resampling
    # the plane
    "plane_beta": 2.0,  # ours: of annealing with nine and with forty modes
    "sigma_nine": 20.0,  # ours
    "sigma_forty": 80.0,  # ours: the means lie in [-40, 40]^2
    "nine_runs": 20,  # ours
    "forty_modes": 40,  # their number [recalled]
    "forty_runs": 10,  # ours
    "class_guidance": 3.0,  # ours: beta of guidance towards a class
    "directions": 16,  # ours: of sliced W1
    "points": 1024,  # ours: in a picture
}
LAPTOP = {"needs": "", "count": 2048, "steps": 300, "at_once": 1, "forty_runs": 4, "points": 400}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "count": 256,
    "steps": 100,
    "runs": 2,
    "law_counts": (16, 64, 256),
    "law_repeats": 1,
    "few": (256,),
    "nine_runs": 2,
    "forty_modes": 9,
    "forty_runs": 2,
    "points": 64,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
