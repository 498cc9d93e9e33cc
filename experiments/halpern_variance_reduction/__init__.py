"""Variance reduced Halpern iteration for finite sums of monotone operators."""
