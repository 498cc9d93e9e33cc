"""Acceleration as dynamics: slow manifolds, the ODEs of Nesterov's method, rates of first order."""
