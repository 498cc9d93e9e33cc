"""Diffusion SDEs: processes, samplers, the probability-flow ODE, an exactly solvable mixture."""
