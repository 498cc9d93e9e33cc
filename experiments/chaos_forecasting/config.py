"""Settings: which systems, methods and amounts of data; what changes in the smaller presets.

Sources: "abstract", "code" = williamgilpin/dysts, "recalled"; "ours" = chosen here.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # initial condition of the system and of the method
    "x64": False,  # truth, exponents and ridge enter float64 by themselves; networks are float32
    "needs": "accelerator",
    "systems": (
        "lorenz", "rossler", "halvorsen", "thomas", "chen", "dadras", "rucklidge", "aizawa",
        "chua", "rabinovich_fabrikant", "arneodo", "hadley", "lorenz84",
        "moore_spiegel", "newton_leipnik", "qi_chen", "rayleigh_benard", "sprott_b", "sprott_c",
        "sprott_d", "sprott_f", "sprott_h", "vallis",
    ),  # 23 of 135 (abstract)
    "models": ("ar", "nvar", "esn", "nbeats", "gru"),  # 5 of 24 (abstract)
    "lengths": (1000, 3000, 10_000, 30_000),  # L_train; 1e3 and 1e4 recalled
    "per_period": 100,  # samples a dominant period, recalled
    "substeps": 10,  # ours: of Runge-Kutta a sample, dt = period / 1000
    "transient": 30,  # periods before the first sample, ours
    "nudge": 0.01,  # ours: relative, of the start of every seed
    "horizon": 3000,  # ours: samples forecast
    "starts": 16,  # ours: forecasts a trained model, `gap` samples apart
    "gap": 500,  # ours
    "context": 100,  # ours: samples seen before a forecast; what a model does not need it drops
    "threshold": 0.4,  # ours (recalled: sMAPE 30): NRMSE at which a forecast ceases to be valid
    "within": 3.0,  # ours: Lyapunov times over which the other metrics are averaged
    "clock": 1.0,  # ours: the integrator's time over the time it reports
    "shuffle": False,  # ours: training series in random order
    "lyapunov_periods": 1000,  # ours
    "lyapunov_points": 30,  # ours: orthonormalisations a period
    "lyapunov_substeps": 10,  # ours
    # of the methods: ours
    "ar_lags": 12,
    "ar_penalty": 1e-8,
    "nvar_lags": 2,
    "nvar_order": 3,  # of the monomials; 2 diverges at 30 samples a period
    "nvar_penalty": 1e-6,
    "esn_units": 500,
    "esn_radius": 0.6,
    "esn_scale": 0.5,
    "esn_leak": 1.0,
    "esn_washout": 50,
    "esn_penalty": 1e-10,
    "lookback": 32,
    "chunk": 8,
    "nbeats_width": 512,  # ours; darts' default is 256
    "nbeats_blocks": 8,
    "gru_width": 256,
    "train_steps": 50_000,
    "batch": 256,
    "lr": 1e-3,
    "record": 1000,  # steps between two looks at the clock
}  # fmt: skip
LAPTOP = {
    "needs": "",
    "systems": PAPER["systems"][:11],
    "lengths": (200, 500, 1000, 5000),
    "per_period": 30,
    "substeps": 34,
    "horizon": 600,
    "starts": 4,
    "gap": 150,
    "lyapunov_periods": 200,
    "lyapunov_substeps": 5,
    "esn_units": 200,
    "lookback": 4,
    "chunk": 4,
    "nbeats_width": 64,
    "nbeats_blocks": 2,
    "gru_width": 32,
    "train_steps": 800,
    "batch": 32,
    "lr": 5e-3,
    "record": 200,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "systems": ("lorenz", "rossler", "chua"),
    "models": ("ar", "nvar", "esn", "nbeats"),
    "lengths": (150,),
    "substeps": 10,
    "transient": 2,
    "horizon": 40,
    "starts": 2,
    "gap": 30,
    "context": 60,
    "lyapunov_periods": 10,
    "esn_units": 40,
    "esn_washout": 20,
    "esn_penalty": 1e-6,
    "nbeats_width": 16,
    "nbeats_blocks": 1,
    "train_steps": 40,
    "batch": 16,
    "record": 20,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
