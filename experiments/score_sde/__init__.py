"""Score-based generative modelling through SDEs (Song et al. 2021)."""
