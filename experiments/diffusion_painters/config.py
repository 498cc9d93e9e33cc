"""Settings of every preset. Laptop: 8 x 8 digits, minutes on CPUs; paper: CIFAR-10."""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of the net, of its data order and of every start
    "x64": False,  # the part "theory" enters float64 by itself: its tolerance is 1e-9
    "needs": "accelerator",
    "dataset": "cifar10",  # abstract: DDPM of CIFAR-10 among the models
    "beta_min": 0.1,  # recalled: the continuous limit of DDPM, as the next
    "beta_max": 20.0,  # recalled
    "sigma_min": 0.01,  # ours: VE of the theory alone, as the next
    "sigma_max": 50.0,  # ours
    # knobs that remove what a claim is about
    "flow_weight": 0.5,  # eq. of the flow: of g^2 s; 1: the mean of the reverse SDE
    "covariance": "full",  # of the Gaussian theory; "isotropic": the mean variance everywhere
    "denoiser": "net",  # whose trajectories; "isotropic": a Gaussian without features; "gaussian"
    "eta": 0.0,  # abstract: DDIM, 0; 1: the ancestral one
    "scaled": True,  # trajectories of x_t; False: of x_t / alpha_t, the coordinates of VE
    # the closed form against an adaptive solver
    "tolerance": 1e-9,  # ours: rtol = atol
    "flow_to": (0.6, 0.3, 0.0),  # ours: times of the flow from T that are compared
    "theory_pcs": (0, 1, 3, 7, 15, 31, 63),  # ours: perturbed directions
    # network and training: ours, in place of pretrained U-Nets
    "width": 2048,  # ours
    "features": 8,  # ours: of the noise level; more make levels share less
    "batch": 512,  # ours
    "train_steps": 200_000,  # ours
    "lr": 5e-4,  # ours: cosine to zero
    "chunk": 1000,  # ours: steps a call, between two looks at the clock
    # trajectories, seen as the paper sees them
    "steps": 200,  # ours: uniform in t; the paper has 51 (abstract) and more
    "paths": 100,  # ours: trajectories a seed
    "pcs": 50,  # ours: features whose half-time is read
    "shown": 3,  # ours: trajectories of the figures
    "ratios": (0.1, 0.2, 0.4, 0.7, 1.0, 1.4, 2.0, 3.0, 4.5, 6.7, 10.0, 20.0, 50.0),  # ours: sigma/a
    "images": 1000,  # ours: noised for the comparison of denoisers
    # perturbed and shortened runs
    "jump_steps": 50,  # recalled: 51 nodes
    "kicks": (1.0, 0.88, 0.76, 0.64, 0.52, 0.4, 0.28, 0.16),  # ours: times of a perturbation
    "kick_pcs": (0, 1, 2, 4, 8, 12, 16, 24),  # ours
    "kick_size": 0.5,  # ours: standard deviations of x_t along the direction
    "kick_paths": 8,  # ours
    "jumps": (0.8, 0.7, 0.6, 0.4, 0.2, 0.0),  # ours: times at which the net takes over
    "jump_paths": 500,  # ours
    "probe_features": 64,  # ours: random ones, for the Frechet distance
}
LAPTOP = {
    "needs": "",
    "dataset": "digits",
    "width": 256,
    "batch": 256,
    "train_steps": 3000,
    "lr": 1e-3,
    "chunk": 250,
    "paths": 200,
    "images": 450,
    "jump_paths": 200,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "theory_pcs": (0, 63),
    "width": 16,
    "batch": 32,
    "train_steps": 40,
    "chunk": 20,
    "steps": 50,
    "paths": 10,
    "images": 50,
    "jump_steps": 25,
    "kick_paths": 2,
    "jump_paths": 70,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"covariance": ("isotropic",), "denoiser": ("isotropic", "gaussian")}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
