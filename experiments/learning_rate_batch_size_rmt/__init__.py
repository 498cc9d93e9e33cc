"""How mini-batches inflate the spectrum of the Hessian, and the learning rates that follow."""
