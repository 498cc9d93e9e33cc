"""Settings of every preset. Laptop: 20 CPU-seconds; smoke: seconds; paper: ten CPU-minutes.

All is linear algebra on the host (NumPy, float64): `hardware = "cpu"`. Sizes and norms of E
in the paper's tables are not known to us.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # of E, of the frequencies of claim 2, of the signals
    "x64": True,  # float32 has no digits left at a condition of 1e7
    "needs": "",
    "share": 0.5,  # section 3 [recalled]: S4D-LegS drives the normal part with B / 2
    # which model is taken: "normal" (S4D-LegS) or "perturbed" (PTD); controls exchange them
    "baseline": "normal",  # section 3
    "cure": "perturbed",  # section 4
    "noise": "gaussian",  # ours: E; "triangular" (a control) leaves A + E a triangle
    "eigenvectors": "legs",  # section 4; "normal" (a control): those of the normal part
    # claim 1: condition numbers in integers
    "exact_sizes": (8, 16, 32, 64, 96, 128, 192, 256),  # ours
    # claim 2: the normal part at fixed frequencies
    "weak_sizes": (16, 32, 64, 128, 256, 512, 1024),  # ours
    "weak_band": (1.0, 5.0),  # ours: from where frequencies are drawn; 20 wants larger N
    "weak_count": 8,  # ours: frequencies a seed
    # claim 3: the normal part over all frequencies
    "peak_sizes": (8, 16, 32, 64, 128, 256),  # ours
    # claims 1 and 4: perturbed, then diagonalised
    "sizes": (16, 32, 64, 128, 256),  # S4D and S5: N of 64 to 256 [recalled]
    "epsilons": (0.01, 0.1, 0.3),  # ours: spectral norms of E
    "draws": 100,  # ours: E a seed
    "grid": 4000,  # ours: frequencies evenly spaced in log w; all resonances come on top
    # claim 5, frozen: a readout fitted through the exact model, then put on the others
    "order": 64,  # S4D: N = 64 [recalled]
    "tone_epsilon": 0.1,  # ours
    "tone_draws": 10,  # ours: of the E a seed
    "step": 1e-3,  # ours: of the bilinear rule; the spike lies at 1.16 rad a step
    "length": 16_384,  # ours: steps; a resonance of width 1/2 builds up in 2 / step of them
    "signals": 8,  # ours: smooth sequences a seed
    "band": 5.0,  # ours: their largest frequency, rad a unit of time
    "modes": 8,  # ours: their cosines and sines
    "lag": 1.0,  # ours: the readout gives the signal so many units of time ago
    "ridge": 1e-6,  # ours: over the mean square of a state
    "tone": 1.0,  # ours: the tone of the claim, times the largest Im of the normal part
    "angles": 64,  # ours: further tones, rad a step, for the figure
    # figures
    "shown": 64,  # ours: states of the transfer functions
    "pictured": 16,  # ours: states of the pseudospectra
    "pixels": 96,  # ours: of a side of them
}
LAPTOP = {
    "exact_sizes": (8, 16, 24, 32, 40, 48, 56, 64),
    "weak_sizes": (16, 32, 64, 128, 256, 512),
    "peak_sizes": (8, 16, 32, 64, 128),
    "sizes": (16, 32, 64, 128),
    "draws": 20,
    "grid": 1000,
    "length": 8192,
    "angles": 32,
    "pixels": 64,
}
SMOKE = LAPTOP | {
    "weak_sizes": (16, 32, 64, 128, 256),
    "weak_count": 2,
    "peak_sizes": (8, 16, 32, 64, 80),
    "sizes": (8, 16),
    "draws": 3,
    "grid": 200,
    "order": 16,
    "step": 1.6e-2,
    "length": 512,
    "tone_draws": 3,
    "signals": 2,
    "angles": 8,
    "shown": 16,
    "pictured": 8,
    "pixels": 16,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {  # of the controls, in no preset
    "baseline": ("perturbed",),
    "cure": ("normal",),
    "noise": ("triangular",),
    "eigenvectors": ("normal",),
}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
