"""Kernel density estimators in large dimensions: a random energy model of Gaussian data."""
