"""Dense Hebbian neural networks: a replica symmetric picture of supervised learning."""
