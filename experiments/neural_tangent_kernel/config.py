"""Settings: the paper's, and what changes on a laptop and in a smoke test.

Sources: "recalled" = from memory of arXiv 1806.07572, not checked against its text; "ours" = not
stated there or chosen here. No code of the authors is known.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # each is an ensemble: `members` initialisations
    "x64": False,  # the limit kernels enter float64 by themselves
    "needs": "accelerator",
    "depth": 4,  # recalled: affine layers, three hidden
    "activation": "relu",  # recalled; relu, erf or linear
    "beta": 0.1,  # recalled: scale of the biases
    "lr": 1.0,  # recalled; of the cost 1/(2N) sum (f - y)^2 [that cost: ours]
    "power": 0.0,  # ours: outputs times n^-power, lr times n^(2 power); 0.5 is mean-field scaling
    "standard": False,  # ours: weights N(0, 1/fan-in) without 1/sqrt(n), lr / n
    # figure 1: kernels at the start and after training
    "widths": (500, 1000, 2000, 5000, 10_000),  # recalled: 500 and 10,000
    "members": 10,  # recalled
    "trained": 10,  # recalled: all of them; the first so many
    "steps": 200,  # recalled
    "points": 32,  # ours: training points
    "inputs": "normal",  # recalled: N(0, 1); or circle (equally spaced, ours)
    "angles": 64,  # ours: of Theta(x_0, .); the Gram matrix takes 8 of them
    # figure 2: the trained function
    "law_widths": (50, 1000),  # recalled
    "law_members": 200,  # ours; recalled: 10 curves
    "law_steps": 1000,  # recalled
    "law_angles": (0.3927, 1.1781, 2.5525, 4.5160),  # recalled: 4 points; where: ours
    # figure 3: principal components
    "dataset": "mnist",  # recalled
    "samples": 512,  # recalled
    "component_widths": (100, 1000, 10_000),  # recalled
    "component_lr": 2.0,  # ours
    "component_steps": 400,  # ours
    "components": 11,  # ours: decay is fitted along these
    "principal": True,  # section 5; False (ours): random directions in their place
    # positive definiteness (proposition 2)
    "sets": 20,  # ours: of random points on the circle, a seed
    "set_size": 8,  # ours
}
LAPTOP = {
    "needs": "",
    "widths": (64, 128, 256, 512, 1024),
    "trained": 4,
    "points": 8,
    "inputs": "circle",
    "angles": 32,
    "law_widths": (50, 512),
    "law_members": 40,
    "law_steps": 300,
    "dataset": "digits",
    "samples": 64,
    "component_widths": (64, 256, 1024),
    "component_steps": 150,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "depth": 2,
    "widths": (16,),
    "members": 2,
    "trained": 2,
    "steps": 10,
    "angles": 8,
    "law_widths": (16,),
    "law_members": 2,
    "law_steps": 20,
    "samples": 16,
    "component_widths": (16,),
    "component_steps": 10,
    "components": 3,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"activation": ("erf", "linear"), "dataset": ("fashion_mnist",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
