"""Settings of every preset. Laptop: mixture and 8 x 8 digits; paper: CIFAR-10 with a U-Net."""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours
    "x64": False,  # the part "likelihood" enters float64 by itself: its tolerance is 1e-9
    "needs": "accelerator",
    "parts": ("paths", "marginals", "likelihood", "samplers", "nets"),  # what is computed
    "beta_min": 0.1,  # VP and sub-VP [code configs/vp, configs/subvp]
    "beta_max": 20.0,  # [code configs/vp]
    "sigma_min": 0.01,  # VE [code configs/ve]
    "sigma_max": 50.0,  # [code configs/ve]
    # mixture of Gaussians on the unit circle with its exact score: ours, for claims s1 to s4
    "modes": 8,
    "mode_std": 0.1,
    "sdes": ("vp", "subvp", "ve"),
    "flow_weight": 0.5,  # of g^2 s in the probability flow (eq. 13)
    "points": 10_000,  # ours: samples of the reverse SDE, and of the flow
    "steps": 1000,  # N [code configs]
    "flow_tol": 1e-5,  # RK45, rtol = atol [code sampling.py]
    "directions": 25,  # ours, as the next two: of sliced W1
    "permutations": 50,
    "density_points": 100,
    "tolerances": (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9),  # 1e-5 [code likelihood.py], others ours
    "table_sdes": ("ve", "vp"),
    "table_points": 5000,  # ours
    "calls": (50, 200),  # ours: of the score, the same for every sampler
    "snr": 0.16,  # CIFAR-10 [code configs]
    "predict": True,  # False: predictor-corrector samplers spend all calls on the corrector
    # learned scores
    "dataset": "cifar10",
    "net": "unet",
    "net_sdes": ("vp", "subvp"),
    "width": 128,  # DDPM++ [code configs], as the next four
    "mults": (1, 2, 2, 2),
    "blocks": 4,
    "attention": (16,),
    "features": 128,  # of time
    "flips": True,  # of images left to right [code configs/default]
    "batch": 128,  # [code configs/default], as the next four
    "train_steps": 1_300_000,
    "lr": 2e-4,
    "warmup": 5000,
    "clip": 1.0,
    "ema": 0.9999,  # VP, sub-VP [code configs]
    "shard": "batch",  # one seed after the other, its batches split; or whole seeds, "members"
    "chunk": 500,  # ours: steps a call, between two looks at the clock
    "eval_points": 10_000,  # ours: all test images
    "eval_batch": 500,  # ours: solved together
    "probes": 2,  # ours: Hutchinson vectors a solve; 1 in [code likelihood.py]
    "picture_steps": 1000,  # N [code configs]
    "pictures": 16,  # ours
}
LAPTOP = {
    "needs": "",
    "dataset": "digits",
    "net": "mlp",
    "features": 32,
    "flips": False,  # a mirrored digit is none
    "train_steps": 4000,
    "lr": 3e-3,
    "warmup": 200,
    "ema": 0.999,
    "shard": "members",
    "chunk": 250,
    "eval_points": 450,
    "eval_batch": 450,
    "probes": 4,
    "picture_steps": 200,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "parts": ("paths", "nets"),
    "net_sdes": ("vp",),
    "width": 16,
    "features": 8,
    "batch": 32,
    "train_steps": 20,
    "chunk": 10,
    "eval_points": 10,
    "eval_batch": 10,
    "pictures": 0,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"dataset": ("mnist14",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
