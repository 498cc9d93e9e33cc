"""Diffusion models paint outlines first: the closed form of the flow of Gaussian data."""
