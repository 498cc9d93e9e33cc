"""A mesh-free hybrid Chebyshev-Tucker tensor format, applied to sums of many particles."""
