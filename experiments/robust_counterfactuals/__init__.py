"""Robust Counterfactual Explanations for Neural Networks With Probabilistic Guarantees."""
