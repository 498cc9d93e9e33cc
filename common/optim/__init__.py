"""Transformations for anybody's optax chain, where the paper is an optimiser."""
