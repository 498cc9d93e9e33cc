"""How to train your HiPPO: what the states of a linear model hold, and over which window."""
