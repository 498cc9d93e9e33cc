"""Dynamical stability of SGD: tr H stays below 2 / lr, which regularises."""
