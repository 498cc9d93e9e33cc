"""Settings of every preset. The paper has examples of 3 to 6 vertices, no data: sizes are ours.

Laptop: half a minute; paper: every simple graph on 5 vertices, an hour of a CPU.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of graphs and of parameter points
    "x64": True,  # ranks by singular values
    "needs": "",
    # closed forms
    "sizes": (3, 4, 5, 6, 8, 10, 12),  # ours: vertices of digraphs
    "covariance_sizes": (3, 4, 5, 6),  # ours: the doubled graph has twice as many
    "digraphs": 8,  # ours: of every size, a seed
    "density": 0.5,  # ours: of directed and of bidirected edges
    "tries": 20,  # ours: draws until one has a cycle and a determinant that is not small
    "least": 0.05,  # ours: |det(I - L)|
    "sign": -1.0,  # theorem; 1, a control: cycles without signs
    "reverse": True,  # derived; False, a control
    "acyclic": True,  # of the trek rule; False, a control
    # ranks
    "every": (3, 4, 5),  # ours: vertices of which all simple graphs are taken
    "larger": (5, 6, 7, 8, 9, 10, 11, 12),  # ours: vertices of random ones
    "graphs": 60,  # ours: of every larger size, a seed
    "others": 500,  # ours: graphs that are not simple, a seed, with the second of `every`
    "points": 5,  # ours: of parameters, the best is taken
    "tol": 1e-9,  # ours: of singular values, relative
    "simple": True,  # theorem; False, a control: graphs that are not
    "failing": ("bow", "two_cycle"),  # ours: beside a third vertex
    "holding": ("instrument", "driven_two_cycle"),  # ours
    # fibre of the 3-cycle
    "cases": 8,  # ours: a seed
    "starts": 500,  # ours
    "steps": 50,  # ours: of Levenberg-Marquardt
    "closing": True,  # the edge 2 -> 0; False, a control
    # search
    "models": ("chain", "fork", "tail", "long_chain", "three_cycle", "instrument"),  # ours
    "saturated": ("three_cycle", "instrument"),  # ours: those that fill an open set
    "degree": 4,  # ours: of polynomials in sigma, the largest
    "samples": 60,  # ours: parameter points, twice the monomials of a multidegree or more
    "tests": 100,  # ours: fresh points
    "sampled": "model",  # algorithm; "random", a control: covariances from elsewhere
    "fresh": "model",  # algorithm; "random", a control
}
LAPTOP = {
    "sizes": (3, 4, 5, 6, 7, 8),
    "covariance_sizes": (3, 4, 5),
    "every": (3, 4),
    "larger": (5, 6, 7, 8, 9),
    "models": ("chain", "fork", "tail", "three_cycle", "instrument"),
}
SMOKE = LAPTOP | {
    "sizes": (3, 4),
    "covariance_sizes": (3,),
    "digraphs": 2,
    "every": (3,),
    "larger": (5,),
    "graphs": 3,
    "others": 10,
    "points": 2,
    "cases": 2,
    "starts": 40,
    "degree": 2,
    "tests": 10,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
GRAPHS = ("bow", "two_cycle", "instrument", "driven_two_cycle")
CHOICES = {
    "failing": GRAPHS,
    "holding": GRAPHS,
    "models": ("chain", "fork", "tail", "long_chain", "three_cycle", "instrument"),
    "saturated": ("chain", "fork", "tail", "long_chain", "three_cycle", "instrument"),
    "sampled": ("model", "random"),
    "fresh": ("model", "random"),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
