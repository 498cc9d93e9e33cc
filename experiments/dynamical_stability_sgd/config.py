"""Settings of every preset. Laptop: under a minute on 2 cores; smoke: seconds; paper: 8 GPUs.

The sizes behind the paper's plots are not known to us: every number is ours. "checked" = the
regime was found by a separate NumPy calculation before this code was written.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of data, starts and the order of examples
    "x64": True,  # ours: "converged" is a loss below 1e-10
    "needs": "accelerator",
    "batch": 1,  # abstract: the trace bound is for single examples; of SGD and of that bound
    "records": 100,  # ours: observations of every run
    "ramp": 2000,  # ours: steps in which the learning rate grows from the first one, fewer than it
    # takes to converge at the first one, since at a loss of 1e-30 nothing moves at any rate
    "spread": 1.0,  # ours: largest over geometric mean of the inputs' deviations; 1: isotropic
    # diagonal network, sparse regression
    "samples": 1000,  # ours
    "inputs": 1000,  # ours
    "active": 5,  # ours: entries of the truth that are 1, the others 0
    "start": 0.5,  # ours: of every u_j and v_j: f = 0, trace 4 (|u|^2 + |v|^2) = 2 D
    "lrs": (0.0008, 0.0012, 0.0016, 0.002, 0.003, 0.004, 0.005, 0.006),  # ours
    "every": 100_000,  # ours: steps between two observations
    "gd_lrs": (0.001, 0.006, 0.02, 0.05, 0.1, 0.13, 0.15, 0.2),  # ours: holds the largest of lrs
    "gd_every": 2000,  # ours
    "gd_ramp": 0,  # ours: gradient descent has a constant learning rate
    # two-layer ReLU network, teacher and student
    "relu_samples": 1000,  # ours
    "relu_inputs": 1000,  # ours
    "relu_width": 1000,  # ours
    "relu_scale": 1.0,  # ours
    "teacher": 4,  # ours: hidden units of norm 1 and output weight +-1/2
    "relu_lrs": (0.002, 0.003, 0.0045, 0.006, 0.008, 0.01),  # ours
    "relu_every": 100_000,  # ours
    "relu_ramp": 1_000_000,  # ours: longer than that of the diagonal network, as is its convergence
    "relu_tests": 2000,  # ours: fresh examples of the test error
    # thresholds of random gradients
    "draws": 40,  # ours: a seed
    "examples": 12,  # ours: N
    "parameters": 6,  # ours: P
    "batches": (1.0, 2.0, 4.0, 8.0, 32.0, 128.0),  # ours
    "large": 1e6,  # ours: in place of an infinite batch
    "tilt": 0.0,  # ours: relative excess of one norm over the others where all should be equal
    # trace against norm
    "many": 4000,  # ours: Gaussian inputs
}
LAPTOP = {
    "needs": "",
    "records": 40,
    "samples": 40,
    "inputs": 100,
    "lrs": (0.008, 0.012, 0.016, 0.02, 0.03, 0.04, 0.05, 0.06),  # checked: 2 / lr meets 2 D at 0.01
    "every": 5000,  # 200,000 steps
    "gd_lrs": (0.01, 0.02, 0.06, 0.1, 0.13, 0.15, 0.17, 0.2),  # checked: 2 / lambda_max is 0.15
    "gd_every": 500,
    "relu_samples": 200,
    "relu_inputs": 20,
    "relu_width": 100,
    "relu_lrs": (0.02, 0.03, 0.045, 0.06, 0.08, 0.1),
    "relu_every": 10_000,
    "relu_ramp": 100_000,
}
SMOKE = LAPTOP | {
    "records": 2,
    "ramp": 200,
    "samples": 8,
    "inputs": 20,
    "active": 2,
    "every": 500,
    "gd_every": 200,
    "relu_samples": 20,
    "relu_inputs": 6,
    "relu_width": 20,
    "relu_every": 500,
    "relu_ramp": 200,
    "relu_tests": 100,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
