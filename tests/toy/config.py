"""Settings of the toy: descent on a quadratic bowl."""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),
    "x64": True,
    "needs": "accelerator",
    "dim": 8,  # ours, as the next three
    "lr": 0.1,
    "steps": 200,
    "chunk": 10,  # steps between checkpoints
    "widths": (1, 2),  # ours, not used: a tuple for the tests of overrides
    "pause": 0.0,  # ours: seconds a chunk, for the tests of kills
    "trouble": "",  # "memory", "nan", "third": for the tests of messages
}
LAPTOP = {"needs": ""}
SMOKE = {"needs": "", "steps": 50}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"trouble": ("memory", "nan", "third")}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
