"""What the metrics do to matrices of a given condition number.

Shapes: C conditions, T powers, N matrices of a batch, n their side.
"""

import jax
import jax.numpy as jnp

from common import keys
from common.spd import affine, bures, log_euclidean
from common.spd.functions import even, exponential, logarithm, powered

from . import layer

RESOLVED = 1e-8  # distances of a mean below this are float64's own and not kept


def spectrum(condition, n: int):
    """Eigenvalues from 1 / condition to 1, evenly in the logarithm.  -> [n]"""
    return condition ** -jnp.linspace(1.0, 0.0, n)


def batch(key, condition, size: int, n: int):
    """Matrices of that spectrum in random bases.  -> [N, n, n]"""
    U = jnp.linalg.qr(keys.normal(key, (size, n, n)))[0]
    return even(U * spectrum(condition, n) @ U.mT)


def study(key, *, conditions, powers, limit, size, n, noise, perturbation, pulled, **how):
    """Of one seed: {name: [C, …]} as `run.run` has them."""
    draw, other, metric = jax.random.split(key, 3)
    each = jax.lax.map(
        lambda c: of_condition(draw, c, size, n, noise=noise, perturbation=perturbation, **how),
        jnp.asarray(conditions),
    )
    X, Y = (batch(k, 100.0, 1, n)[0] for k in jax.random.split(other))
    M = batch(metric, 30.0, 1, n)[0]
    deform = jax.vmap(lambda theta: deformed(X, Y, theta))
    return each | {
        "pullback": pullback(X, Y, M, pulled),
        "deformed": deform(jnp.asarray(powers)),
        "limit": jnp.stack([deformed(X, Y, limit), log_euclidean.distance(X, Y) ** 2 / 4]),
    }


def of_condition(key, condition, size, n, *, noise, perturbation, **how):
    """The batch normalised, and one of its matrices perturbed."""
    X = batch(key, condition, size, n)
    return normalised(X, **how) | perturbed(X[0], X[1], spectrum(condition, n), noise, perturbation)


def normalised(X, *, mean_steps, first_steps, about, spread, tiny):
    """How far the centred batch's mean is from I, with one turn and with many; its variance."""
    bias = layer.begin(X.shape[-1], spread)
    eye = jnp.eye(X.shape[-1])
    found = {}
    for name, steps in (("centred", mean_steps), ("first", first_steps)):
        B = bures.mean(X, steps=steps)
        off = jnp.linalg.norm(bures.mean(moved(X, B), steps=mean_steps) - eye)
        found[name] = jnp.maximum(off, RESOLVED)
        found[f"{name}_root"] = jnp.linalg.eigvalsh(eye + layer.centred(X, B) / 2).min()
    B, variance = layer.bures_statistics(X, bias, 1.0, steps=mean_steps, about=about)
    V = layer.centred(X, B) * spread / jnp.sqrt(variance + tiny)
    spread_out = jax.vmap(lambda x: bures.distance(eye, x) ** 2)(bures.exp(eye, V))
    return found | {"variance": spread_out.mean() / spread**2}


def moved(X, B):
    """The batch with its mean B taken to I."""
    eye = jnp.eye(X.shape[-1])
    return bures.exp(eye, layer.centred(X, B))


def perturbed(X, other, values, noise, perturbation: str):
    """Distances (affine, log-Euclidean, Bures) of X from itself with noise, and in closed form."""
    if perturbation == "relative":
        root, E = powered(X, 0.5), logarithm(other)
        Y = even(root @ (jnp.eye(len(X)) + noise * E / jnp.linalg.norm(E)) @ root)
    else:
        Y = X + noise * jnp.eye(len(X))
    found = [m.distance(X, Y) for m in (affine, log_euclidean, bures)]
    far = jnp.linalg.norm(jnp.log1p(noise / values))
    near = jnp.linalg.norm(jnp.sqrt(values + noise) - jnp.sqrt(values))
    return {"moved": jnp.stack(found), "moved_law": jnp.stack([far, far, near])}


def pullback(X, Y, M, pulled: bool):
    """Squared distance in the metric of M: of M^-1/2 . M^-1/2, and by traces of products.  -> [2]

    d^2 = tr M^-1 X + tr M^-1 Y - 2 sum sqrt of the eigenvalues of M^-1 X M^-1 Y.
    """
    flat = (lambda x: layer.flat(x, M, 1.0)) if pulled else (lambda x: x)
    one = bures.distance(flat(X), flat(Y)) ** 2
    factor, inverse = jnp.linalg.cholesky(Y), jnp.linalg.inv(M)
    roots = jnp.sqrt(jnp.linalg.eigvalsh(even(factor.mT @ inverse @ X @ inverse @ factor)))
    return jnp.stack([one, jnp.trace(inverse @ X) + jnp.trace(inverse @ Y) - 2 * roots.sum()])


def deformed(X, Y, theta):
    """d^2(X^theta, Y^theta) / theta^2."""
    return (bures.distance(powered(X, theta), powered(Y, theta)) / theta) ** 2


def pictured(key, condition, *, size, n, spread, tiny):
    """Eigenvalues of a batch, and after each normalisation.  -> [3, N, n]"""
    X, bias = batch(key, condition, size, n), layer.begin(n, spread)
    scaled = X * jnp.exp(keys.normal(jax.random.fold_in(key, 1), (size, 1, 1)))
    found = layer.affine_statistics(scaled, steps=20)
    one = layer.affine_norm(scaled, found, bias, tiny=tiny)
    found = layer.bures_statistics(scaled, bias, 1.0, steps=20)
    other = layer.bures_norm(scaled, found, bias, 1.0, tiny=tiny)
    return jnp.stack([jnp.linalg.eigvalsh(x) for x in (scaled, one, other)])


def data(key, level, *, classes, train, test, n, freedom, signal):
    """Wishart matrices about class means S^1/2 exp(E_c) S^1/2, S of that condition number.

    -> x [train + test, n, n], y int [train + test]
    """
    common, apart, draw = jax.random.split(key, 3)
    root = powered(batch(common, level, 1, n)[0], 0.5)
    E = signal * even(keys.normal(apart, (classes, n, n)))
    factors = root @ powered(exponential(E), 0.5)  # of the means: F F^T
    y = jnp.arange(train + test) % classes
    count = round(freedom * n)
    z = keys.normal(draw, (train + test, n, count))
    z = factors[y] @ z
    return even(z @ z.mT) / count, y
