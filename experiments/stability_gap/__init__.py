"""Evaluated after every update, learners that forget little lose old tasks at every switch."""
