"""README's example on a network of one's own: flax, 64-64-64-10, 300 steps of Adam on the digits.

python benchmarks/own_model.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

from common import data
from common.curvature.spectrum import spectrum

net = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(64), nn.relu, nn.Dense(10)])
optimiser = optax.adam(1e-3)


def loss(params, batch):
    return cross_entropy(net.apply(params, batch["x"]), batch["y"]).mean()


@jax.jit
def trained(params, batch):
    def step(carry, _):
        params, state = carry
        updates, state = optimiser.update(jax.grad(loss)(params, batch), state)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, optimiser.init(params)), length=300)[0][0]


if __name__ == "__main__":
    digits = data.load("digits")
    x = jnp.asarray(digits.x_train).reshape(len(digits.x_train), -1) / digits.x_train.max()
    batch = {"x": x, "y": jnp.asarray(digits.y_train, int)}
    params = trained(net.init(jax.random.key(0), x), batch)
    print(spectrum(jax.random.key(0), loss, params, batch))
