"""Rows of a tall matrix sampled by their l_p sensitivities, and how many of them are enough."""
