"""Settings of every preset. Laptop: about a minute on 2 cores; smoke: seconds; paper: one GPU."""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2),  # ours: one in the paper
    "x64": False,  # code: float32; the exact study enters float64 by itself
    "needs": "accelerator",
    # the exact study: one dimension, score of a mixture + perturbation
    "means": (-1.5, 0.0, 1.2),  # ours
    "std": 0.25,  # ours
    "horizon": 4.0,  # ours: both samplers start from the exact law there
    "deltas": (0.0, 0.002, 0.0036, 0.0063, 0.0112, 0.02),  # ours: of delta sin(k x + phase)
    "wave": 2.0,  # ours: k
    "cells": 1600,  # ours: of the Fokker-Planck grid on [-4, 4]
    "instants": 1200,  # ours: its steps of time
    "quantiles": 2000,  # ours
    "points": 2000,  # ours: where both sides of the Fokker-Planck equation are taken
    "g2": 1.0,  # code: g^2 of the equation; another value is a control
    "noise": 1.0,  # ours, a control: share of the SDE's noise; 0 is the flow
    # the trained study
    "sets": ("circles2", "checker", "blob"),  # code
    "weights": (0.0, 0.1, 1.0, 10.0),  # code: w_R of the penalty
    "exact": False,  # ours, a control: the score of a mixture in place of the network's
    "width": 80,  # code: three hidden layers
    "lr": 1e-3,  # code
    "steps": 100_000,  # code
    "every": 1000,  # ours: steps between two records of the loss
    "batch": 19_980,  # code
    "collocation": 50_000,  # code: points of the residual in a step
    "boundary": 10_000,  # code: points on each side of the box
    "end": 10.0,  # code: T
    "box": 3.5,  # code: half the side; 5.5 for blob in the code
    "nfe": 800,  # code: steps of both samplers, the last 10 in tenths
    "samples": 200_000,  # ours: 3,000,000 in the paper
    "matched": 3000,  # ours: samples of an exact assignment, in place of 64 x 64 bins
}
LAPTOP = {
    "needs": "",
    "sets": ("circles2",),
    "weights": (0.0,),
    "steps": 3000,
    "every": 300,
    "batch": 1000,
    "collocation": 500,
    "boundary": 100,
    "nfe": 200,
    "samples": 4000,
    "matched": 1500,
}
SMOKE = LAPTOP | {
    "cells": 400,
    "instants": 300,
    "quantiles": 500,
    "points": 200,
    "width": 16,
    "steps": 60,
    "every": 20,
    "batch": 100,
    "collocation": 50,
    "boundary": 10,
    "nfe": 40,
    "samples": 300,
    "matched": 100,
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
