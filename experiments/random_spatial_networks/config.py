"""Settings of every preset. Laptop: a minute; paper: a million nodes, for accelerators.

The numerical parameters of the paper's figures are not known to us: sizes and rates are ours, the
equations are the paper's.
"""

from ml_collections import ConfigDict

PAPER = {
    "seeds": (0, 1, 2, 3, 4),  # ours: of positions, edges, epidemics
    "x64": True,  # ours: fronts live on the tail of what is convolved
    "needs": "accelerator",
    "beta": 1.0,  # ours: transmission along an edge, the unit of time
    "gamma": 1.0,  # ours: recovery
    "nearest": False,  # True: a control, an end is drawn in space and the nearest node taken
    # degrees and clustering, unit square
    "sizes": (500, 1000, 2000, 5000, 20_000),  # ours: N
    "classes": (3.0, 9.0),  # ours: kappa, half of the nodes each
    "labelled": True,  # False: a control, edges take no notice of kappa
    "width": 0.1,  # ours: standard deviation of the Gaussian kernel
    "fixed_width": True,  # False: a control, the kernel holds the same number of nodes at every N
    # small worlds, ring
    "kappa": 6.0,  # ours: of these and of epidemics
    "small_n": 100_000,  # ours: N
    "kernel_nodes": 400,  # ours: in the box kernel; 60, a control
    "shortcuts": (0.0, 0.001, 0.01, 0.03, 0.1, 1.0),  # ours: p, share of global edges
    "everywhere": True,  # False: a control, shortcuts are drawn from the local kernel too
    "sources": 128,  # ours: of shortest paths
    # epidemics
    "n": 1_000_000,  # ours: N
    "dt": 0.02,  # ours: of Runge-Kutta
    "horizon": 16.0,  # ours: time
    "rings": (10, 40, 100),  # ours: length of the ring in standard deviations of the kernel
    "patch": 0.01,  # ours: share of the ring that is infected first
    "median": 0.02,  # ours: median edge length on the unit square
    "decay": 3.0,  # ours: density of heavy edges as r^-decay, in two dimensions
    "heavy_edges": True,  # False: a control, both kernels Gaussian
    # waves, one dimension
    "degree": 4.0,  # ours: kappa
    "degrees": (2.0, 6.0),  # ours: kappa, half of the nodes each
    "start_tail": 0.0,  # ours; 0.3, a control: the start falls off as exp(-0.3 |x|)
    "lengths": (800.0, 800.0, 800.0, 1600.0),  # ours: of the lines of three waves, the power law
    "cells": 65_536,  # ours
    "until": 28.0,  # ours: time
    "late": 26.0,  # ours: time at which speeds of waves are read
    "hops": (4.0, 8.0),  # ours: times at which speeds of the heavy kernel are compared
    "heavy_tail": True,  # False: a control, a Gaussian kernel in its place
}
LAPTOP = {
    "needs": "",
    "sizes": (500, 1000, 2000, 5000),
    "small_n": 16_000,
    "kernel_nodes": 200,
    "n": 20_000,
    "dt": 0.05,
    "cells": 8192,
}
SMOKE = LAPTOP | {
    "sizes": (100, 300, 1000),
    "small_n": 1000,
    "kernel_nodes": 60,
    "shortcuts": (0.0, 0.03, 1.0),
    "sources": 16,
    "n": 1000,
    "horizon": 6.0,
    "rings": (10, 20),
    "median": 0.1,
    "lengths": (200.0, 200.0, 200.0, 400.0),
    "cells": 512,
    "until": 10.0,
    "late": 8.0,
    "hops": (3.0, 6.0),
}
PRESETS = {"paper": {}, "laptop": LAPTOP, "smoke": SMOKE}


def get_config(preset: str = "laptop") -> ConfigDict:
    """The settings of a preset, locked."""
    cfg = ConfigDict(PAPER).lock()  # first: a key that PAPER lacks is an error
    cfg.update(PRESETS[preset])
    return cfg
