"""Sliced Wasserstein estimation with control variates (Nguyen and Ho 2024)."""
