"""Replica symmetry breaking in dense neural networks."""
