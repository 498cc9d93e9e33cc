"""Perturbation analysis of neural collapse (Tirer, Huang & Niles-Weed 2023)."""
