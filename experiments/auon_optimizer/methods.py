"""What every method makes of the momentum of a matrix, and the step that is made of it.

Momentum m <- mu m + (1 - mu) g, looked ahead G = (1 - mu) g + mu m.

Shapes: M, N sides of a matrix.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common.optim import auon, orthogonal

BY_ASPECT = ("auon_paper", "muon")  # their steps are also as long as sqrt(max(1, out / in))


def chains(gamma: float, steps: int, looped: bool) -> dict[str, optax.GradientTransformation]:
    """Name -> G to direction, for leaves [M, N] with the inputs first; no state.

    looped: Newton-Schulz steps as a loop, which compiles faster than one after the other.
    """
    coefficients = np.tile(orthogonal.MUON, (steps, 1)) if looped else orthogonal.MUON
    orthogonalise = orthogonal.orthogonalise(steps, coefficients)
    return {
        "sgd": optax.identity(),
        "auon": auon.scale_by_auon(gamma),
        "auon_paper": auon.scale_by_auon(1.0, normalised=True),
        "hybrid1": optax.chain(orthogonal.orthogonalise(1), auon.scale_by_auon(gamma)),
        "hybrid5": optax.chain(orthogonalise, auon.scale_by_auon(gamma)),
        "muon": orthogonalise,
    }


def direction(name: str, look, *, gamma: float, steps: int, looped: bool = True):
    """A method's direction of G before the factor of its shape, every matrix by itself.

    look [..., M, N] -> same
    """
    if look.ndim > 2:
        return jax.vmap(partial(direction, name, gamma=gamma, steps=steps, looped=looped))(look)
    chain = chains(gamma, steps, looped)[name]
    return chain.update(look, chain.init(look))[0]


def schedule(i, *, steps: int, constant: float, end: float):
    """Factor of the rate in step i: 1, then linearly to `end`.  -> float32 []"""
    left = (steps - i) / (steps * (1 - constant))
    return jnp.asarray(end + (1 - end) * jnp.clip(left, 0.0, 1.0), jnp.float32)


def optimiser(
    arm, rate, factor, *, arms, gamma, ns_steps, nesterov, betas, eps, adam_rate, decay
) -> optax.GradientTransformation:
    """Weights {"matrices", "rest"}: the first by the method with place `arm` in `arms` at `rate`,
    the rest by Adam; arm, rate and factor (of both rates) may be traced.
    """
    adam = optax.scale_by_adam(*betas, eps)
    trace = optax.trace(nesterov, nesterov=True)
    aspect = orthogonal.scale_by_aspect()

    def branch(name):
        def of(look, adaptive):
            if name == "adamw":
                return adaptive
            found = jax.tree.map(partial(direction, name, gamma=gamma, steps=ns_steps), look)
            return aspect.update(found, aspect.init(found))[0] if name in BY_ASPECT else found

        return of

    def init(params):
        return trace.init(params["matrices"]), adam.init(params)

    def update(grads, state, params):
        ahead, traced = trace.update(grads["matrices"], state[0])
        look = jax.tree.map(lambda u: (1 - nesterov) * u, ahead)
        adaptive, adapted = adam.update(grads, state[1])
        chosen = jax.lax.switch(arm, [branch(name) for name in arms], look, adaptive["matrices"])
        matrices = jax.tree.map(
            lambda u, w: -factor * rate * (u + decay * w), chosen, params["matrices"]
        )
        rest = jax.tree.map(lambda u: -factor * adam_rate * u, adaptive["rest"])
        return {"matrices": matrices, "rest": rest}, (traced, adapted)

    return optax.GradientTransformation(init, update)
