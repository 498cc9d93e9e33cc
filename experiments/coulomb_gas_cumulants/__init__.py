"""Linear statistics for Coulomb gases: higher order cumulants."""
