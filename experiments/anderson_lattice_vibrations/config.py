"""Settings of every preset. Laptop: about a minute on 2 cores; smoke: seconds; paper: 8 GPUs.

hbar = m = q_D = 1. Sources: "recalled" = of the paper, from memory; "ours" = chosen here, since
grid, box and times of the paper were not found.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": tuple(range(20)),  # recalled: averages over lattices; ours: 20, each the phases of one
    "x64": True,  # ours: sums in float64 and the norm; waves and long runs are complex64
    "needs": "accelerator",
    "at_once": 16,  # ours: packets a device moves side by side
    "dt": 1.0,  # ours: smaller steps move late PRs by a few per cent (README)
    "k0": 0.5,  # ours: of the packet, in q_D
    "motion": 1.0,  # times every speed; 0, a control: the frozen approximation (appendix B)
    # the field
    "occupation": "planck",  # of the paper; controls: equipartition, wien
    "cutoff": 1.0,  # ours: waves up to it, in q_D; 1.2, a control
    "standing": False,  # True: a control, q and -q in phase
    "law_box": 640.0,  # ours: side, of fields
    "law_grid": 320,  # ours
    "law_draws": 8,  # ours: fields a seed
    "cold": (0.02, 0.03, 0.045, 0.07, 0.1, 0.15, 0.2),  # ours: T / T_D
    "hot": (3.0, 5.0, 8.0, 12.0, 20.0, 30.0),  # ours
    # one packet
    "strong": 0.3,  # ours: V_rms where frozen packets stay
    "weak": 0.05,  # ours: where they do not
    "speeds": (0.0, 0.02, 0.1),  # ours: v_s
    "box": 1024.0,  # ours: side
    "grid": 768,  # ours: points a side
    "sigma": 6.0,  # ours: of |psi|^2
    "time": 5000.0,  # ours
    "records": 40,  # ours
    "double": True,  # False: a control, the norm in single precision
    "norm_steps": 200,  # ours
    # late diffusion
    "late_box": 1024.0,  # ours
    "late_grid": 768,  # ours
    "late_speeds": (0.0, 0.02, 0.05),  # ours
    "particles": 4000,  # ours: classical ones a seed
    "leap": 0.25,  # ours: their step
    # phase diagram
    "map_side": 32,  # ours: temperatures, and as many couplings
    "map_box": 512.0,  # ours
    "map_grid": 384,  # ours
    "map_sigma": 4.0,  # ours
    "map_speed": 0.05,  # ours
    "map_time": 5000.0,  # ours
    "map_records": 20,  # ours
    "clusters": (2, 3, 4, 5, 6),  # recalled: chosen by elbow and silhouette
    "restarts": 3,  # ours
    "permutations": 999,  # ours
    "shuffled": False,  # True: a control, labels shuffled over the map
}
LAPTOP = {
    "seeds": (0, 1, 2, 3, 4),
    "needs": "",
    "at_once": 1,
    "box": 128.0,
    "grid": 96,
    "time": 800.0,
    "late_box": 256.0,
    "late_grid": 192,
    "particles": 2000,
    "map_side": 8,
    "map_box": 64.0,
    "map_grid": 48,
    "map_time": 400.0,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "law_box": 160.0,
    "law_grid": 80,
    "law_draws": 2,
    "box": 32.0,
    "grid": 24,
    "time": 30.0,
    "records": 6,
    "norm_steps": 20,
    "late_box": 32.0,
    "late_grid": 24,
    "particles": 50,
    "map_side": 3,
    "map_box": 32.0,
    "map_grid": 24,
    "map_time": 30.0,
    "map_records": 6,
    "clusters": (2, 3, 4, 5),
    "restarts": 1,
    "permutations": 99,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"occupation": ("equipartition", "wien")}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
