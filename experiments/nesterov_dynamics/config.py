"""Settings of every preset, for CPUs: small states in float64 and long loops."""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of starts, data and functions
    "x64": True,  # distances of 1e-6 and below
    "needs": "",
    "L": 25.0,  # Lessard, Recht & Packard 2016, section 4.6: of the counterexample; ours elsewhere
    "m": 1.0,  # Lessard, Recht & Packard 2016, section 4.6
    # immersion: manifold z = -c grad f, distance from it damped by gamma
    "c": 1.0,  # ours
    "gamma": 5.0,  # ours
    "epsilons": (0.03, 0.02, 0.01, 0.005, 0.003, 0.002),  # ours: 1 / gamma, c L eps < 1
    "fine": 2000,  # ours: Runge-Kutta steps a unit of time
    "examples": 2000,  # ours: of regressions, linear and logistic
    "dim": 100,  # ours: parameters of them, and curvatures of random quadratics
    # iterates beside dynamics
    "fractions": (1.0, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003),  # ours: steps s, in 1 / L
    "horizon": 5.0,  # ours: in 1 / sqrt m
    "substeps": 4,  # ours: Runge-Kutta steps a step of the method
    # rates and cycles
    "methods": (
        "gradient_descent",
        "heavy_ball",
        "nag_sc",
        "triple_momentum",
        "tuned_ball",
    ),  # ours
    "functions": 20_000,  # ours: random ones a seed
    "period": 8.0,  # ours: the longest, of a function's logarithm
    "span": (50, 250, 300),  # ours: steps a rate is taken over; 50 more for its envelope
    "starts": (3.07, 3.46),  # Lessard, Recht & Packard 2016, section 4.6: those that cycle
    "started": 100,  # ours: starts a seed
    "late": 400,  # ours: steps after which a cycle is looked at
    # acceleration
    "width": 1000,  # ours: of Nesterov's tridiagonal matrix
    "convex_steps": 3000,  # ours
    "kappas": (100.0, 300.0, 1000.0, 3000.0, 10_000.0),  # ours
    "accuracy": 1e-6,  # ours: of |x_k| / |x_0|
    "explicit": 1e-2,  # ours: the same of dynamics that are stepped
    # knobs that remove what a claim is about
    "hessian": True,  # False, a control: no Hessian term
    "ball_hessian": False,  # True, a control: a Hessian term in heavy ball's dynamics
    "immersed": True,  # the pull is c gamma grad f; False, a control: grad f
    "momentum": True,  # False, a control: gradient descent of step 1 / L
}
LAPTOP = {
    "examples": 200,
    "dim": 10,
    "functions": 4000,
    "started": 20,
    "fine": 1000,
    "kappas": (100.0, 300.0, 1000.0, 3000.0),
}
SMOKE = LAPTOP | {
    "fractions": (1.0, 0.03, 0.01, 0.003),
    "epsilons": (0.03, 0.01, 0.003),
    "functions": 1000,
    "kappas": (30.0, 100.0, 300.0),
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
