"""Batch normalisation of covariance matrices in the generalised Bures-Wasserstein metric."""
