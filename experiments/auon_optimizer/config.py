"""Settings: the GPT of the authors' code, and perceptrons on small MNIST for a laptop.

Sources: "code" = ryyzn9/AuON; "page" = a public catalogue of optimisers; "ours" = chosen here.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # the code has one, 1234
    "x64": True,  # the audit; trainings are float32 by themselves
    "needs": "accelerator",
    # audit
    "momentum": "gaussian",  # ours; one_hot: all of the momentum in one entry
    "sides": (4, 8, 16, 32, 64, 128, 256),  # ours: of square matrices, for R
    "gamma": 1.5,  # code
    "shapes": ((64, 64), (128, 256), (256, 128)),  # ours
    "scales": (0.01, 0.1, 1.0, 10.0, 100.0),  # ours: Frobenius norms of the momentum
    "kappa": 1000.0,  # ours: condition number of the momentum
    "counted": (32, 64, 128, 256, 512, 1024),  # ours: sides for which operations are counted
    # every arm has its own best rate, of centre x factor; centres belong to measure.METHODS
    "arms": ("sgd", "auon", "auon_paper", "hybrid1", "hybrid5", "muon", "adamw"),
    "centres": (100.0, 100.0, 0.5, 0.08, 0.08, 0.05, 0.003),  # code: 4 to 6; the others ours
    "factors": (1 / 9, 1 / 3, 1.0, 3.0, 9.0),  # ours
    "ns_steps": 5,  # code
    "nesterov": 0.95,  # code
    "betas": (0.8, 0.95),  # code, as the next two
    "eps": 1e-10,
    "adam_rate": 0.008,  # of embeddings, head and scales in every arm
    "decay": 0.01,  # code: times the rate
    "constant": 0.55,  # code: of the steps, then linearly
    "end": 0.1,  # code: the last rate's part of the first
    # what is trained
    "task": "text",
    "dataset": "fineweb_edu",  # code; not bundled: tiny_shakespeare runs, by bytes
    "vocab": 50_304,  # code
    "width": 768,  # code, as the next two
    "layers": 12,
    "heads": 6,
    "context": 8192,  # code: tokens of a step
    "dtype": "bfloat16",  # code: 8 bits in the head
    "batch": 1,  # code: sequences
    "held": 8,  # code: of 8192 tokens for validation; as many for the test, ours
    "hidden": (1,),  # ours: of perceptrons, which this preset has none of
    "pool": 1,  # ours: side of the squares of pixels that are averaged
    "steps": 10_000,  # code
    "records": 100,  # code: validation every 100 steps
    "chunk": 1,  # ours: records a call
}
LAPTOP = {
    "needs": "",
    "centres": (0.5, 0.5, 0.05, 0.02, 0.02, 0.02, 0.003),
    "decay": 0.0,
    "task": "images",
    "dataset": "mnist_small",
    "dtype": "float32",
    "batch": 128,
    "held": 1000,
    "hidden": (64, 64),
    "pool": 2,
    "steps": 300,
    "records": 6,
    "chunk": 6,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "sides": (16, 64),
    "shapes": ((16, 16),),
    "counted": (32, 64, 320),
    "factors": (1 / 9, 1.0, 9.0),
    "batch": 8,
    "held": 100,
    "hidden": (12,),
    "pool": 4,
    "steps": 6,
    "records": 2,
    "chunk": 2,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"momentum": ("one_hot",), "dataset": ("tiny_shakespeare",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
