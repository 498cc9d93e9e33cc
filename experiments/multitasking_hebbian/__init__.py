"""Parallel learning by multitasking neural networks: Hopfield networks of diluted patterns."""
