"""Grokking as the transition from lazy to rich training dynamics (arXiv 2310.06110)."""
