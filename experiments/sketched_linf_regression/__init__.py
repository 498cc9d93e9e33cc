"""Sketched least squares whose every coordinate is near: dense sketches, not sparse ones."""
