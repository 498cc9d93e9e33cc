"""Clustering by a semidefinite relaxation of the Gaussian classification likelihood."""
