"""Settings: the paper's, and what changes on a laptop and in a smoke test.

Sources: "paper" = arXiv 1706.04454; "recalled" = from memory of it, not checked against the text;
"ours" = not stated there or chosen here. No code of the authors is known.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours
    "x64": True,  # ours: a bulk of 1e-7 lambda_1 is below float32
    "needs": "accelerator",  # ours
    "dataset": "mnist",  # recalled; or mnist_small (6,000 of its images), digits (8 x 8)
    "pool": 28,  # ours: side of the images after average pooling; 28 is MNIST as it is
    "samples": 1000,  # recalled: a subset of 1000 images
    "widths": (6, 12, 24),  # ours: 4,780 to 19,090 parameters; recalled: about 5,000
    "layers": 1,  # hidden layers; recalled: one or two
    "lr": 0.5,  # ours, full-batch gradient descent
    "steps": 3000,  # ours
    "records": 30,  # ours: losses kept of a training
    "chunk": 128,  # ours: Hessian columns at once on a device
    "leading": 20,  # ours: eigenvalues of H and of G that are compared
    "lanczos": 60,  # ours: steps for them
    # Gaussian blobs; ours, but for varying the number of clusters at a fixed network
    "clusters": (2, 3, 5, 8, 10),  # ours, as the next five
    "cluster_dim": 20,
    "cluster_samples": 500,
    "cluster_width": 16,
    "cluster_steps": 1000,
    "separation": 2.0,  # sd of a centre's coordinates over that of the points around it
    # small and large batches from one start; ours, but for the idea
    "path_width": 16,  # ours, as the next four
    "path_steps": 1500,  # of each of the two phases
    "path_batch": 32,
    "path_lr": 0.1,  # of the small batches
    "same_start": True,
    # a residual network: spectral densities of its H, G and F; no such part where widths are ()
    "resnet_widths": (64, 128, 256, 512),  # He et al. 2016, table 1: ResNet-18
    "resnet_blocks": 2,  # He et al. 2016, table 1: of each width
    "resnet_dataset": "cifar10",  # ours
    "resnet_samples": 50_000,  # ours: the matrices are means over these; the mesh must divide them
    "resnet_chunk": 250,  # ours: of them at once on a device
    "resnet_lr": 0.1,  # He et al. 2016, section 4.2
    "resnet_momentum": 0.9,  # He et al. 2016, section 4.2
    "resnet_batch": 128,  # He et al. 2016, section 4.2
    "resnet_steps": 7_800,  # ours: 20 epochs; neither weight decay nor augmentation
    "resnet_records": 39,  # ours: losses kept
    "resnet_probes": 4,  # ours
    "resnet_lanczos": 80,  # ours: steps from each probe
    "resnet_leading": 20,  # ours: eigenvalues of each matrix
    "resnet_hold": 60,  # ours: vectors held for them
    "resnet_tol": 1e-3,  # ours: residuals wanted, of lambda_1
    "resnet_products": 300,  # ours: at most, for them
}
LAPTOP = {
    "needs": "",
    "dataset": "mnist_small",
    "pool": 10,
    "widths": (8, 16, 32),  # 898, 1,786 and 3,562 parameters
    "chunk": 16,
    "resnet_widths": (),
    "resnet_dataset": "digits",
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "pool": 8,
    "samples": 100,
    "widths": (4,),
    "steps": 60,
    "records": 6,
    "leading": 12,
    "lanczos": 30,
    "clusters": (10,),  # the shapes of the images, so that one program serves both
    "cluster_dim": 64,
    "cluster_samples": 100,
    "cluster_width": 4,
    "cluster_steps": 60,
    "path_width": 4,
    "path_steps": 40,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"dataset": ("digits",), "resnet_dataset": ("mnist", "mnist_small")}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
