"""Curvature of a loss: products, dense matrices, Lanczos, quadrature, traces, outliers."""
