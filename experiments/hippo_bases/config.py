"""Settings of every preset, for CPUs: dense float64 algebra of at most 1024 states. Laptop: half a
minute; smoke: seconds; paper: the sizes of the authors' delay task, about 7 core-hours, 3 GB.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of signals and of random outputs
    "x64": True,  # e^(tA) of stiff A: norms of order N^2
    "needs": "",
    # the delay task
    "states": 1024,  # code: synthetic/s4-delay.yaml; Fourier bases have 1023, an odd number
    "length": 4000,  # code: dataset/delay.yaml
    "lag": 1000,  # code: dataset/delay.yaml
    "bands": (0.125, 0.1875, 0.25, 0.375),  # ours: cycles a lag and state; code: 0.244
    "windows": (0.25, 0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0),  # ours: in lags; code: 1
    "fitted": 16,  # ours: signals that C is fitted on, as the next
    "tested": 8,  # ours
    "cut": 1e-8,  # ours: singular values of the states, to the largest, that a fit takes for zero
    "lr": 1e-3,  # code: synthetic/s4-delay.yaml, of Adam on C alone
    "steps": 5120,  # code: 20 epochs of 256 batches; here each step has all signals
    # limits of many states, and what is exact at any number of them
    "sizes": (16, 64, 256, 1024),  # ours
    "fineness": 4,  # ours: times between two of t = k / N
    "warped": 32,  # ours: states of LegS beside its formula
    "covariances": (16, 64, 256),  # ours: states of the Lyapunov equations
    "outputs": 256,  # ours: draws of C
    # knobs that remove what a claim is about
    "bases": ("legt", "fout", "legs", "foud"),  # section 3: two of windows, two that decay
    "feedback": 1.0,  # ours, a control: of the low rank part of A, -P P^T
    "alternating": False,  # ours, a control: Legendre limits with the signs (-1)^n
    "normalised": True,  # section on normalisation [recalled]: C of variance 1/N; False: 1
}
LAPTOP = {
    "states": 64,
    "length": 1024,
    "lag": 128,
    "windows": (0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.25, 1.5, 2.0, 3.0, 4.0),
    "fitted": 8,
    "lr": 1e-2,
}
SMOKE = LAPTOP | {
    "states": 32,
    "length": 512,
    "lag": 64,
    "windows": (0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 2.0),
    "steps": 200,
    "sizes": (16, 64, 256),
    "covariances": (16, 64, 128),
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
