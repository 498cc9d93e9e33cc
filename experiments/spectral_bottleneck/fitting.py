"""Full-batch training of one network on one signal, and what networks hold before it.

Shapes: N points, H hidden layers, B bins, T steps.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from common.nn import siren, training
from common.ntk import empirical

from . import signals, winner


def optimiser(lr: float, decay: float, every: int) -> optax.GradientTransformation:
    """Adam, its step size times `decay` every so many steps."""
    return optax.adam(optax.exponential_decay(lr, every, decay, staircase=True))


def begin(drawn, noise, *, omega: float, tx) -> training.State:
    """At the weights of `winner.draw` with noise [2]."""
    params = winner.noisy(drawn, noise, omega)
    return training.State(params, tx.init(params), key=None)


def predict(params, first, points: int, omega: float):
    """The network on the grid.  first: omega_1  -> [N]"""
    return siren.apply(params, signals.grid(points), first=first, omega=omega)[:, 0]


def train(state, first, signal, *, count: int, omega: float, tx):
    """-> (state, mean square error before each of `count` steps [T]).  signal [N]"""

    def loss(params):
        return jnp.mean((predict(params, first, len(signal), omega) - signal) ** 2)

    def step(state, _):
        value, grads = jax.value_and_grad(loss)(state.params)
        return training.updated(state, grads, tx), value

    return jax.lax.scan(step, state, length=count)


def spectrum(state, first, *, points: int, bins: int, omega: float):
    """Power of the network's output.  -> [B]"""
    return signals.power(predict(state.params, first, points, omega), bins)


def activations(drawn, noise, *, omega: float, points: int, bins: int):
    """Power of every hidden layer at initialisation, the mean of its units.  -> [H, B]"""
    params = winner.noisy(drawn, noise, omega)
    seen = siren.hidden(params, signals.grid(points), first=omega, omega=omega)
    return jnp.stack([signals.power(h.T, bins).mean(0) for h in seen])


def kernel(drawn, noise, *, omega: float, points: int):
    """Tangent kernel at initialisation over N^2, as the authors' code divides it.  -> [N, N]"""
    apply = partial(siren.apply, first=omega, omega=omega)
    params = winner.noisy(drawn, noise, omega)
    return empirical.ntk(apply, params, signals.grid(points)) / points**2


def kernel_spectrum(theta):
    """sum_k lambda_k |FFT(v_k)|^2 / N of the kernel's eigenpairs, without them.

    [N, N] -> [N/2 + 1]: the diagonal of F Theta F^*, F the Fourier matrix over sqrt(N).
    """
    both = jnp.fft.ifft(jnp.fft.fft(theta, axis=0), axis=1)
    return jnp.diagonal(both).real[: len(theta) // 2 + 1]
