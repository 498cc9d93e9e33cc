"""Fields as minimisers of the losses, and how far the losses' gradients scatter.

Shapes: n samples, K nodes, T times, D dimensions.
"""

import jax
import jax.numpy as jnp

from common.sde import interpolants as si

from . import mixtures, model


def interpolated(values, nodes, x):
    """The function that is linear between equidistant nodes.  values, nodes [K], x [n] -> [n]"""
    at = (x - nodes[0]) / (nodes[1] - nodes[0])
    left = jnp.clip(jnp.floor(at), 0, len(nodes) - 2).astype(int)
    part = at - left
    return (1 - part) * values[left] + part * values[left + 1]


def minimisers(key, t, nodes, *, ip, rho0, rho1, samples, latent):
    """Velocity and score that minimise the antithetic losses at the time t [].  -> [2, K]

    A loss is a quadratic of the values at the nodes, whose Hessian couples neighbours alone: three
    differences of the gradient, along every third node, are all of it.
    """
    x0, x1, z, _ = mixtures.triples(key, rho0, rho1, samples)
    times, count, z = jnp.full(samples, t), len(nodes), latent * z

    def total(values):
        b, s = (lambda x, t, v=v: interpolated(v, nodes, x[:, 0])[:, None] for v in values)
        return sum(loss.mean() for loss in si.losses(ip, b, s, x0, x1, z, times))

    third = jnp.arange(count) % 3
    probes = (jnp.arange(-1, 3)[:, None] == third).astype(float)  # the first is 0
    slope, *moved = jax.lax.map(jax.grad(total), jnp.stack([probes, probes], axis=1))
    products = jnp.stack(moved) - slope  # [3, 2, K]
    at = jnp.arange(count)
    lower, middle, upper = (products[(third + shift) % 3, :, at].T for shift in (-1, 0, 1))
    middle += 1 / samples  # a sample's weight: for nodes that have hardly any
    return -jax.lax.linalg.tridiagonal_solve(lower, middle, upper, slope[..., None])[..., 0]


def recovered(key, times, nodes, *, ip, rho0, rho1, **how):
    """Minimisers at times [T], the exact fields, and the density.

    -> fitted, exact [T, 2, K], errors [T, 2]: |fitted - exact| / |exact| in L2 of rho_t
    """

    def at(args):
        key, t = args
        fitted = minimisers(key, t, nodes, ip=ip, rho0=rho0, rho1=rho1, **how)
        fine = jnp.linspace(nodes[0], nodes[-1], 4 * len(nodes) - 3)
        now = si.fields(ip, rho0, rho1, fine[:, None], t)
        weight = jnp.exp(now.log_density)
        exact = jnp.stack([now.velocity[:, 0], now.score[:, 0]])
        off = jnp.stack([interpolated(f, nodes, fine) for f in fitted]) - exact
        error = jnp.sqrt(jnp.sum(weight * off**2, axis=1) / jnp.sum(weight * exact**2, axis=1))
        return {"fitted": fitted, "exact": exact[:, ::4], "errors": error}

    return jax.lax.map(at, (jax.random.split(key, len(times)), times))


def scatter(key, times, *, ip, samples, width, antithetic):
    """Variance of one sample's gradient of the velocity's and of the score's loss, at times [T].

    Summed over the weights of a random network, N(0, I) to N(0, I) in the plane; of a sample, and
    of the mean over z and -z (over z twice, if not `antithetic`).  -> plain, paired [T, field]
    """
    net_key, draw_key = jax.random.split(key)
    params, rho = model.init(net_key, 2, width, 2), mixtures.standard(2)
    x0, x1, z, _ = mixtures.triples(draw_key, rho, rho, samples)
    signs = jnp.array([1.0, -1.0 if antithetic else 1.0])

    def at(t):
        def one(x0, x1, z):
            def both(params):
                f = lambda x, t: model.apply(params, x, t)  # noqa: E731
                sample = (v[None] for v in (x0, x1, z))
                return jnp.stack(si.losses(ip, f, f, *sample, t[None], antithetic=False))[:, 0]

            return jax.jacrev(both)(params)

        over_signs = jax.vmap(one, in_axes=(None, None, 0))
        grads = jax.vmap(lambda x0, x1, z: over_signs(x0, x1, signs[:, None] * z))(x0, x1, z)
        flat = jnp.concatenate([g.reshape(samples, 2, 2, -1) for g in jax.tree.leaves(grads)], -1)
        plain, paired = (g.var(axis=0).sum(axis=-1) for g in (flat[:, 0], flat.mean(axis=1)))
        return {"plain": plain, "paired": paired}

    return jax.lax.map(at, times)
