"""Light Schrödinger Bridge: entropic transport by a Gaussian mixture as potential."""
