"""Accelerating Sinkhorn with sparse Newton iterations (Tang et al. 2024)."""
