"""Spectral bottleneck: a SIREN stays at zero on high-frequency signals; noise in two layers helps."""
