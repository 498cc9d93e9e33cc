"""One-connection rule for structural equation models."""
