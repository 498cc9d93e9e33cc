"""Liao et al. 2023: the spectral entropy of a diffusion operator on what a network represents."""
