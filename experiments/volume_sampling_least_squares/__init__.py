"""Weighted least squares from points of DPPs, of volume sampling, and independent ones."""
