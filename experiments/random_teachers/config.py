"""Settings: the paper's on CIFAR-10, and what changes on a laptop and in a smoke test.

Sources: "code" = configurations and sources of safelix/dinopl; "recalled" = from memory of the
paper; "ours" = not known from either or chosen here. The claims take alphas by place: the first is
a start near the teacher, the last an independent one.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of networks and batches
    "x64": True,  # ours: gradients at alpha = 1e-6; networks are trained in float32
    "needs": "accelerator",
    "dataset": "cifar10",  # code
    "transfer": "fashion_mnist",  # ours: another data set to probe on; the paper's are not at hand
    "side": 32,  # code: pixels
    "stages": ((64,), (128,), (256, 256), (512, 512), (512, 512)),  # code: VGG11 without BN
    "hidden": (2048, 2048),  # code: of the head
    "bottleneck": 256,  # code
    "outputs": 65_536,  # code
    "alphas": (1e-6, 0.2, 0.4, 0.6, 0.8, 1.0),  # code: 0 to 1; 1e-6 (ours), recalled: 1e-10
    "own_teacher": True,  # a control: False, a third network teaches
    "lr": 1e-3,  # code: AdamW
    "decay": 0.0,  # code
    "batch": 256,  # code
    "epochs": 100,  # code
    "records": 10,  # ours: equal strides of epochs
    "probe_train": 50_000,  # code: all
    "chunk": 500,  # ours: images at once where they are looked at
    "looked": 1000,  # ours: test images for KL, features, gradients
    "gradient_alphas": (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2),  # ours
    "gradient_batch": 64,  # ours
    # supervised training from teacher and student, twice each
    "supervised_lr": 0.01,  # ours: without normalisation 0.1 does not settle
    "supervised_momentum": 0.9,  # ours
    "supervised_epochs": 30,  # ours
    "segment": 11,  # ours: points of the line between the two ends
}
LAPTOP = {
    "needs": "",
    "dataset": "mnist_small",
    "transfer": "digits",
    "side": 16,
    "stages": ((8,), (16,), (32,), (32,)),
    "hidden": (256, 256),
    "bottleneck": 64,
    "outputs": 1024,
    "alphas": (1e-6, 0.5, 1.0),
    "batch": 128,
    "epochs": 4,
    "records": 4,
    "probe_train": 4000,
    "supervised_epochs": 3,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "side": 8,
    "stages": ((8,),),
    "hidden": (16,),
    "bottleneck": 8,
    "outputs": 32,
    "alphas": (1e-6, 1.0),
    "epochs": 1,
    "records": 1,
    "probe_train": 200,
    "chunk": 250,
    "looked": 50,
    "gradient_batch": 8,
    "supervised_epochs": 1,
    "segment": 3,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {"dataset": ("mnist", "fashion_mnist")}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
