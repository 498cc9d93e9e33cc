"""What kernels an initialisation can hold: least squares of C, at the best step size.

Shapes: J step sizes, T targets, L steps, P pairs of states.
"""

import numpy as np

from common.ssm import hippo

SCALES = {"slow": 0.01, "fast": 100.0}  # of the imaginary parts of S4D-Lin


def values(kind: str, n: int, normals: np.ndarray) -> np.ndarray:
    """Eigenvalues of `hippo.initial`; slow, fast: S4D-Lin with its imaginary parts scaled; random:
    imaginary parts e^normal (the ablation's).  normals [P] -> [P]"""
    if kind == "random":
        return -0.5 + 1j * np.exp(normals)
    if kind in SCALES:
        lin = hippo.initial("lin", n)
        return lin.real + 1j * SCALES[kind] * lin.imag
    return hippo.initial(kind, n)


def bumps(lags: np.ndarray, width: float, length: int) -> np.ndarray:
    """Gaussian bumps of a standard deviation `width` around the lags.  lags [T] -> [T, L]"""
    return np.exp(-0.5 * ((np.arange(length) - lags[:, None]) / width) ** 2)


def residuals(eigenvalues: np.ndarray, step: float, targets: np.ndarray, cut: float) -> np.ndarray:
    """|target - kernel| / |target| for the best complex C.  eigenvalues [P], targets [T, L] -> [T]

    Columns have length one; their singular values below `cut` of the largest are taken for zero,
    since smaller ones ask for a C that single precision cannot hold.
    """
    modes = np.exp(step * np.outer(np.arange(targets.shape[-1]), eigenvalues))
    real = np.concatenate([modes.real, modes.imag], axis=1)
    sizes = np.linalg.norm(real, axis=0)
    real = real[:, sizes > 0] / sizes[sizes > 0]  # a real mode has no imaginary part
    left, singular, _ = np.linalg.svd(real, full_matrices=False)
    left = left[:, singular > cut * singular[0]]
    off = targets.T - left @ (left.T @ targets.T)
    return np.linalg.norm(off, axis=0) / np.linalg.norm(targets, axis=1)


def best(eigenvalues: np.ndarray, steps: np.ndarray, targets: np.ndarray, cut: float) -> np.ndarray:
    """Least residual over the step sizes.  steps [J] -> [T]"""
    return np.min([residuals(eigenvalues, step, targets, cut) for step in steps], axis=0)
