"""Settings: the paper's for Split-MNIST, and what changes on a laptop and in a smoke test.

Sources: "code" = configurations and sources of Mattdl/ContinualEvaluation; "recalled" = from memory
of the paper; "ours" = not known from either or chosen here.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),
    "x64": False,
    "needs": "accelerator",
    "dataset": "mnist",  # code
    "hidden": (400, 400),  # code
    "lr": 0.01,  # code
    "momentum": 0.9,  # code; at rest at the start of every task
    "batch": 256,  # code: of new examples, and as many from the memory
    "memory": 2000,  # code: examples stored
    # classes arrive in pairs
    "stream": "classes",  # code; iid (ours): every task a part of all classes
    "tasks": 5,  # code
    "per_class": 5400,  # ours: of every class as many; all of the smallest are 5,421
    "updates": 420,  # derived: of a task, 10 epochs of 10,800 examples
    "new_weight": 0.3,  # code (Lw_new); 1 (ours): no replay
    "margin": 0.5,  # code: of GEM
    "tests": 500,  # code: of every class, at most 1,000 of a task are evaluated
    # one task, then the same images turned
    "angles": (0.0, 10.0, 45.0, 80.0),  # recalled: the last three; 0, the first task's, is ours
    "first_stages": 2,  # ours: stages of as many updates on the first task
    "turned_updates": 420,  # ours
    "turned_weight": 0.5,  # ours
    "turned_tests": 100,  # ours: of every class
}
LAPTOP = {
    "needs": "",
    "dataset": "mnist_small",
    "hidden": (200, 200),
    "batch": 128,
    "memory": 1000,
    "per_class": 600,
    "updates": 100,
    "tests": 150,
    "turned_updates": 100,
    "turned_tests": 40,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "hidden": (16, 16),
    "batch": 8,
    "memory": 40,
    "per_class": 30,
    "updates": 6,
    "tests": 5,
    "turned_updates": 6,
    "turned_tests": 5,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"stream": ("iid",), "dataset": ("fashion_mnist",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
