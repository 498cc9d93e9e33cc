"""The bundled data sets, and how mnist_small was made."""
