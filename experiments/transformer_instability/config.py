"""Settings of every preset. Laptop: Tiny Shakespeare and 29k weights; paper: C4, 10M to 1.2B.

Sources: "page" = public descriptions of the paper's set-up; "recalled" = from memory; "ours".
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: the paper has one
    "x64": False,
    "needs": "accelerator",
    "arms": ("base", "no_qk", "no_z", "short_warmup", "long_warmup", "coupled", "small_eps"),
    "lrs": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3),  # page: 3e-4 to 3e-1; half decades: ours
    "qk_always": False,  # True: qk-layernorm in the arm without it too
    "z_loss": 1e-4,  # page
    "warmups": (0.01, 0.05, 0.2),  # of the steps; base: 5,000 (page), short and long: ours
    "eps": 1e-8,  # page
    "eps_small": 1e-15,  # recalled
    "decay": 1e-4,  # independent of the learning rate, page
    "decay_coupled": 0.1,  # ours: equals the independent one at lr 1e-3
    "lr_end": 1e-5,  # page
    "dataset": "c4",  # tiny_shakespeare, markov (synthetic); c4 is not bundled
    "vocab": 32_768,  # about 32k (page); ours: a power of two, so that every mesh divides it
    "size": "10m",  # rows of model.SIZES: 10m 40m 150m 600m 1.2b (recalled)
    "context": 512,  # page, as the next three
    "batch": 256,
    "steps": 100_000,
    "dtype": "bfloat16",  # of products; softmax, log Z, weights and moments are float32 (ours)
    "remat": True,  # ours: activations of one layer at a time
    "microbatch": 1,  # ours: parts into which a batch is cut, one after the other; 1 = off
    "shard": "batch",  # one run after the other, its batches and weights split; or whole "members"
    "mesh_model": 1,  # ours: devices on the model axis
    "chunk": 20,  # ours: steps a call, seconds at most sizes
    "records": 1000,  # ours: of a run
}
LAPTOP = {
    "needs": "",
    "arms": ("base", "no_qk", "no_z", "short_warmup", "long_warmup"),
    "lrs": (3e-3, 1e-2, 3e-2, 0.1, 0.3),  # lower ones do not finish within 400 steps
    "dataset": "tiny_shakespeare",
    "vocab": 65,  # its characters
    "size": "laptop",
    "context": 32,
    "batch": 4,
    "steps": 400,
    "dtype": "float32",
    "remat": False,
    "shard": "members",
    "chunk": 20,
    "records": 20,
}
SMOKE = LAPTOP | {
    "seeds": (0, 1),
    "arms": ("base", "no_qk"),
    "lrs": (3e-3, 1e-2),
    "size": "smoke",
    "context": 8,
    "batch": 2,
    "steps": 8,
    "chunk": 4,
    "records": 2,
}
# what `./lab plan all` plans of the paper preset
PLANS = tuple((f"size={size}",) for size in ("10m", "40m", "150m", "600m", "1.2b"))
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}
CHOICES = {
    "dataset": ("markov",),
    "size": ("40m", "150m", "600m", "1.2b", "tiny"),
}  # in no preset


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
