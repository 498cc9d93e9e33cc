"""State-space models x' = A x + B u: HiPPO matrices, kernels, recurrences, transfer functions."""
