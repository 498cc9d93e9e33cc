"""S4D: diagonal state-space models, their limit, their initialisations, and what those can hold."""
