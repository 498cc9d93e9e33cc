"""Neural collapse in deep linear networks: frames, lengths and vanishing classes in closed form."""
