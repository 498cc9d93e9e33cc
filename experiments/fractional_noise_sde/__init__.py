"""Fractional Brownian motion as a sum of OU processes: weights, covariance, bridges, H."""
