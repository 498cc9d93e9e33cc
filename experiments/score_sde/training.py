"""One step of denoising score matching with Adam and an average of the weights (eq. 7).

Shapes: B batch, H x W x C pixels; n images of the data set.
"""

import jax
import optax

from common.nn import training
from common.nn.net import noise_score
from common.nn.training import State
from common.sde import bits
from common.sde.choice import chosen

from . import loss


def optimiser(lr, warmup, clip):
    """Adam with linear warm-up and clipping by the global norm, as in the paper."""
    adam = optax.adam(optax.linear_schedule(0.0, lr, warmup), eps=1e-8)
    clipped = optax.chain(optax.clip_by_global_norm(clip), adam)
    return optax.flatten(clipped)  # one vector: fewer kernels to compile and to start


def step(
    state: State,
    i,
    images,
    which,
    *,
    net,
    sdes,
    tx,
    batch,
    flips,
    levels,
    ema,
    place,
    place_weights,
):
    """Step i on a random batch of images [n, H, W, C], noised by one of the SDEs.

    -> (state, loss [])

    `place(x, *axes)` and `place_weights(tree)` say how a batch and a gradient lie on the mesh.
    """
    draw, noise, diffuse, turn = jax.random.split(training.key_of(state, i), 4)
    some = images[jax.random.randint(draw, (batch,), 0, len(images))]
    some = loss.mirrored(turn, some) if flips else some
    sde = chosen(which, sdes)
    x0 = place(bits.dequantised(noise, some, levels), "data")

    def objective(params):
        score, embed = noise_score(net, sde, params)
        return loss.dsm_loss(diffuse, sde, lambda x, t: score(x, embed(t)), x0)

    value, grads = jax.value_and_grad(objective)(state.params)
    state = training.updated(state, place_weights(grads), tx)
    average = training.averaged(state.average, state.params, i, ema)
    return state._replace(average=average), value


def steps(state: State, first, images, which, *, count, **how):
    """`count` steps from number `first` on; `how` as in step.  -> (state, mean loss [1])"""
    each = lambda state, i: step(state, i, images, which, **how)  # noqa: E731
    return training.steps(each, state, first, count)
