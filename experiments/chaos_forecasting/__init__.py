"""Forecasting chaos: model scale against domain knowledge, many systems (arXiv 2303.08011)."""
