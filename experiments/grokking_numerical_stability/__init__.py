"""Rounding in the softmax stops grokking; StableMax and gradients perpendicular to the weights."""
