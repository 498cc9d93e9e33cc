"""Deveney et al. 2023: why the flow and the SDE of one score generate different laws."""
