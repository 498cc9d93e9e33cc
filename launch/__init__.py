"""Runs experiments: the only code that imports them."""

import os

# OpenBLAS threads spin against XLA's: a 2400 x 2400 eigvalsh takes 2 CPU-seconds with one thread,
# 12 to 20 with two on a busy machine. Before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
