"""Causal de Finetti: on the identification of invariant causal structure in exchangeable data."""
