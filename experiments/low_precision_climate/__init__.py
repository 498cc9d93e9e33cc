"""Climates of Lorenz 1963 and of a soil column in low precision, to nearest and stochastic."""
