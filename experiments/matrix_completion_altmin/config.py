"""Settings of every preset, for CPUs: thousands of systems of a few unknowns, sweep after sweep.

The paper is theory: no experiment of it is known to us, and its constants were not checked.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of the matrix, its mask and all that is drawn
    "x64": True,  # ours: errors are followed over ten decades
    "needs": "",
    # the matrix
    "n": 600,  # ours: rows and columns
    "rank": 8,  # ours: k
    "p": 0.15,  # ours: probability that an entry is seen, p n / k = 11
    "condition": 1.0,  # ours: largest over smallest singular value
    "clip": 3.0,  # ours: longest row of the start in sqrt(k / n); the analysis has 2 sqrt(mu)
    "sweeps": 40,  # ours: T
    "fresh_sweeps": 8,  # ours: on masks drawn anew, before rounding is reached
    "fresh": True,  # False: a control that sees the same mask in every half step
    # what is added to the solutions
    "relative": (0.0, 0.1, 0.5, 1.0, 2.0),  # ours: eps_0, in what the exact solution errs by
    "scaled": True,  # False: a control where they are of fixed size in its place
    "aligned": 0.25,  # ours: along what the solution errs by
    "along": True,  # False: a control where they are in a random direction
    "fixed": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2),  # ours: delta, in |M|
    # the inner solver
    "steps": (1, 2, 3, 5, 10),  # ours: of conjugate gradients
    "cold_steps": (2, 3, 5),  # ours: of those that start from zero
    "sketched_steps": 2,  # ours: with a preconditioner from a sketch
    "sketch_rows": 16,  # ours: in k; Count-Sketch
    "warm": True,  # False: a control, every solve starts from zero
    # how much must be seen
    "threshold_n": 300,  # ours
    "ratios": (3.0, 3.25, 3.5, 3.75, 4.0, 4.5),  # ours: p n / k, about the threshold
    "instances": 20,  # ours: a seed and ratio
    "threshold_sweeps": 30,  # ours
    "few": 3,  # ours: steps of the inexact solver
    # counts
    "cost_n": 900,  # ours: |Omega_j| = 450 at p = 1/2 is over ten times the largest k
    "cost_p": 0.5,  # ours
    "ranks": (4, 8, 16, 40),  # ours: k, over a decade
    "cost_steps": 2,  # ours: of conjugate gradients
    "matrix_free": True,  # False: a control that forms the normal equations
}
LAPTOP = {"n": 300, "rank": 4, "threshold_n": 150}
SMOKE = LAPTOP | {
    "n": 120,
    "rank": 2,
    "sweeps": 24,
    "fresh_sweeps": 6,
    "ratios": (4.0, 6.0),
    "threshold_n": 60,
    "instances": 4,
    "threshold_sweeps": 12,
    "cost_n": 200,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
