"""Instabilities of transformers at high learning rates: qk-layernorm, z-loss, warm-up, epsilon."""
