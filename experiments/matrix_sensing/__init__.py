"""Matrix sensing: which symmetry and which initialisation make gradient descent slow."""
