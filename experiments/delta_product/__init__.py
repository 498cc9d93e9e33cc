"""DeltaProduct: several steps of the delta rule a token track groups (Siems et al. 2025)."""
