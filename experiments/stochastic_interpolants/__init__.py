"""Stochastic interpolants between any two densities (Albergo, Boffi, Vanden-Eijnden 2023)."""
