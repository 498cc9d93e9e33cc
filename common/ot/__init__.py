"""Optimal transport: entropic duals, sparse Newton steps, exact plans, sliced costs, Gaussians."""
