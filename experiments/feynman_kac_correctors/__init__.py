"""Feynman-Kac correctors: weighted reverse SDEs of annealed, guided and product targets."""
