"""Functional Bayesian Tucker decomposition: tensors of continuous coordinates, smoothed by mode."""
