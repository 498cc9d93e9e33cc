"""Neural tangent kernels: empirical, analytic, and what a linearised model predicts."""
