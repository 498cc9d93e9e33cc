"""Perturb, then diagonalise: why the normal part of HiPPO is not a uniform approximation of it."""
