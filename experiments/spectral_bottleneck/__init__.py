"""Spectral bottleneck: a SIREN stays at zero on high frequencies, noise in two layers helps."""
