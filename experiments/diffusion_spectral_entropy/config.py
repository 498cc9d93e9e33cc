"""Settings: the paper's toy clouds and its training, and what changes on a laptop and in smoke.

Sources: "code" = package and git history of ChenLiu-1996/DiffusionSpectralEntropy; "ours" = chosen
here. The claims take by place: noises[0] and noises[-1], powers[0] and powers[1], dims[0] the
lowest; corrupted[0] is the regime of true labels, corrupted[1] that of permuted ones.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2),  # code: 1-3; of clouds, data, networks
    "x64": False,  # networks in float32; eigenvalues are float64, on the host
    "needs": "accelerator",
    "sigma": 10.0,  # code: width of the kernel
    "repeats": 5,  # code: random subsets for every category
    # clouds
    "toy_points": 500,  # code
    "toy_width": 2048,  # code: coordinates, of which dims vary
    "toy_dims": (8, 16, 32, 64, 128, 256, 512, 1024, 2048),  # ours: 20 values in the code
    "toy_noises": (0.01, 0.1, 0.5),  # code
    "toy_powers": (1, 2, 3, 5),  # code: t
    "toy_entropy": "diffusion",
    "blobs": (2, 5, 10),  # ours
    "blob_points": 300,  # ours
    "blob_width": 32,  # ours: coordinates
    "blob_scale": 20.0,  # ours: standard deviation of a centre's coordinates, a blob's is 1
    "blob_power": 5,  # ours: t
    "branches": (2, 5, 10),  # code
    "branch_points": 100,  # code
    "tree_width": 20,  # code: coordinates
    "tree_noise": 0.1,  # code
    "corruptions": (0.0, 0.25, 0.5, 0.75, 1.0),  # ours: 20 values in the code
    # networks: perceptrons, ours; the paper's are ResNets and others
    "dataset": "mnist",  # code
    "samples": 60_000,  # code: all
    "tests_per_class": 890,  # ours: the smallest class has 892 of 10,000
    "hidden": (2048, 1024, 256),  # ours
    "lr": 1e-3,  # ours, constant; the code's 1e-5 is for other networks
    "batch": 128,  # code
    "epochs": 200,  # code
    "records": 12,  # ours: epochs at which the cloud is looked at, spaced evenly in log(epoch)
    "corrupted": (0.0, 1.0),  # code: share of the training labels that is permuted
    "bandwidth": 0.5,  # ours: sigma over the mean distance, for rescaled clouds
    "neighbours": 10,  # code: of the graph that makes categories of images
    "drawn": 600,  # ours: points whose spectra are kept
    "lanczos": 80,  # ours: steps of the quadrature for all points; 0: eigenvalues
    "probes": 16,  # ours: random vectors of the quadrature
}
LAPTOP = {
    "seeds": (0, 1, 2, 3, 4),
    "needs": "",
    "toy_points": 300,
    "toy_width": 512,
    "toy_dims": (8, 16, 32, 64, 128, 256, 512),
    "dataset": "mnist_small",
    "samples": 2000,
    "tests_per_class": 60,
    "hidden": (256, 128, 64),
    "epochs": 100,
    "records": 10,
    "lanczos": 0,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "toy_points": 60,
    "toy_width": 64,
    "toy_dims": (2, 4, 8, 16, 32, 64),
    "blob_points": 60,
    "branch_points": 20,
    "samples": 60,
    "tests_per_class": 6,
    "hidden": (32, 16, 8),
    "batch": 20,
    "epochs": 6,
    "records": 4,
    "drawn": 40,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"toy_entropy": ("histogram",), "dataset": ("fashion_mnist",)}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
