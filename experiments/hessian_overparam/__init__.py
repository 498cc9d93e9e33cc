"""The Hessian spectrum of over-parametrised networks: a bulk at zero and a few outliers."""
