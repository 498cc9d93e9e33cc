"""Settings: the sweeps of the paper's toy problem; what changes on a laptop and in a smoke test.

Sources: "code" = public adaptations of the authors' notebooks; "ours" = chosen here. The claims
take alphas by place: the first is the rich one, the next five are the ladder, its third is the
base case; epsilons[0] and [2] are compared; twins[0] is the base alpha, twins[1] the ladder's last.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of data and networks
    "x64": True,  # ours: the network and its moments agree to 1e-12; on a CPU float32 gains a third
    "needs": "accelerator",
    "dim": 100,  # D, code
    "samples": 550,  # P, code
    "width": 500,  # N, code
    "lr": 0.5,  # eta / N, code
    "eps": 0.25,  # code
    "steps": 60_000,  # code
    "records": 140,  # ours: spaced evenly in log(step)
    "alphas": (0.03125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),  # code
    "epsilons": (0.25, 0.5, 1.0, 2.0, 4.0),  # code, at the base alpha
    "twins": (1.0, 4.0, 32.0),  # ours: alphas of centred networks and of their linearisations
    "frozen": False,  # ours, a control: every network linearised
    # the amount of data, from the initialisation of infinite width
    "sizes": (100, 200, 400, 800, 1600, 3200),  # ours: powers of two times D
    "size_steps": (60_000, 60_000, 60_000, 12_000, 6_000, 6_000),  # ours: more data fit sooner
    # the network itself against its moments
    "check_alphas": (0.25, 4.0),  # ours: a rich one and a lazy one
    "check_steps": 1000,  # ours
    "check_infinite": False,  # ours, a control: moments of infinite width, not the network's
}
LAPTOP = {
    "needs": "",
    "dim": 40,
    "samples": 160,
    "width": 200,
    "steps": 20_000,
    "alphas": (0.0625, 0.25, 0.5, 1.0, 2.0, 4.0),  # 1/32 diverges for one seed in five at D = 40
    "sizes": (40, 80, 160, 320, 640, 1280),
    "size_steps": (20_000, 20_000, 20_000, 4_000, 2_000, 2_000),
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "dim": 8,
    "samples": 24,
    "width": 30,
    "steps": 400,
    "records": 30,
    "alphas": (0.125, 0.25, 0.5, 1.0, 2.0, 4.0),
    "epsilons": (0.25, 0.5, 1.0),  # larger ones diverge at D = 8
    "sizes": (8, 8, 8, 24, 24, 24),  # equal ones share a program
    "size_steps": (400, 400, 400, 400, 400, 400),
    "check_steps": 200,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
