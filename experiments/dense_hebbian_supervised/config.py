"""Settings of every preset, for CPUs: one spin after the other, K products each.

Normalisations, sizes and noise of the paper's plots are not known to us; curves are in our own.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of archetypes, examples, images
    "x64": True,  # ours: sums of many fourth powers
    "needs": "",
    "distinct": True,  # ours: sums over distinct indices; False, a control: plain powers
    "sweeps": 12,  # ours: spins hardly move after six
    # low load
    "low_n": 2000,  # ours: N
    "low_k": 3,  # ours: K
    "low_r": 0.2,  # ours: quality of examples
    "examples": (25, 51, 101, 201),  # ours: M, odd, so that no mean is 0
    "orders": (2, 4, 6),  # ours: P
    "low_replicas": 10,  # ours: networks a seed
    "misfiled": False,  # True: a control, examples dealt over the classes
    # high load, P = 4
    "P": 4,  # ours: of all that follows; 2, a control
    "sizes": (64, 96, 128),  # ours: N
    "stored": 0.02,  # ours: gamma = K / N^3 below the limit, 0.033
    "lost": 0.07,  # ours: above it
    "replicas": 8,  # ours: networks a seed
    # noisy examples at high load
    "noisy_n": 160,  # ours
    "share": 0.4,  # ours: gamma over its limit at every rho
    "noises": (0.0, 0.1, 0.3),  # ours: rho
    "poor": (0.0, 0.1, 0.3, 0.5),  # ours: rho at one gamma
    "poor_gamma": 0.01,  # ours
    "noisy_replicas": 16,  # ours
    # as many classes as a pairwise network
    "ultra_n": 600,  # ours
    "ultra_load": 0.1,  # ours: K / N; 0.01, a control
    "ultra_noises": (0.1, 0.2, 0.3, 0.5, 1.0),  # ours: rho
    "ultra_replicas": 4,  # ours
    # images
    "pixels": 100,  # ours: of most variance among 14 x 14
    "shots": (1, 3, 9, 27, 81, 243),  # ours: examples of each digit
    "probes": 40,  # ours: images that networks start from
    "shuffled": False,  # True: a control, labels at random
    # diagrams
    "grid": 24,  # ours: a side
    "laws": (3, 4, 5, 6, 8),  # ours: P whose limits have a closed form
    "law_rho": 0.0,  # ours: of these limits; positive, a control
}
LAPTOP = {
    "low_n": 3000,
    "low_replicas": 6,
    "sizes": (40, 56, 72),
    "noisy_n": 96,
    "noisy_replicas": 6,
    "ultra_n": 300,
}
SMOKE = LAPTOP | {
    "sweeps": 4,
    "low_n": 60,
    "examples": (9, 25),
    "low_replicas": 2,
    "sizes": (8, 12),
    "replicas": 2,
    "noisy_n": 10,
    "noisy_replicas": 2,
    "ultra_n": 20,
    "ultra_replicas": 2,
    "shots": (1, 3),
    "probes": 4,
    "grid": 3,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
