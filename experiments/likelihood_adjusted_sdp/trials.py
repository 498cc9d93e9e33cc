"""One data set of each design, by every method.

Shapes: n points, p coordinates, K clusters, T rounds of iLA-SDP, R starts of K-means, E of EM.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import clustering, iterated, likelihood, mixtures

Array = jax.Array


class Methods(NamedTuple):
    """The methods with their settings."""

    plain: iterated.Solver  # of the K-means SDP
    solve: iterated.Solver  # of LA-SDP
    ridge: float
    kmeans: dict
    em: dict
    rounds: dict


def near(noise: Array, draws: Array, distance: Array, *, solve: iterated.Solver, logdet: bool
         ) -> dict:  # fmt: skip
    """LA-SDP with known covariances, and how far it is from the truth and from its rounding.

    draws [P, 2, n, 2]: of random partitions, whose lifted value is told: the covariances are those
    of the first half, the clusters the second.
    """
    mixture, truth = mixtures.near(distance), mixtures.truth(len(noise), 2)
    X, known = mixtures.sample(noise, mixture), mixtures.covariances(mixture)
    A = likelihood.matrices(X, known)
    solved = iterated.la_sdp(solve, A)
    labels, best = likelihood.rounded(solved.Z), likelihood.value(A, solved.Z)

    def over(labels):
        value = likelihood.value(A, likelihood.integral(labels, 2))
        return (best - value) / jnp.abs(value)

    def lifted(labels):
        first, second = (likelihood.integral(each, 2) for each in labels)
        covariances = likelihood.best_covariances(X, first, 0.0)
        lift = likelihood.matrices(X, covariances, logdet=logdet)
        return likelihood.value(lift, second), covariances

    random = draws.argmax(-1)
    lift, covariances = jax.vmap(lifted)(random)
    return {
        "excess": over(jnp.asarray(truth)), "gap": over(labels),
        "error": clustering.misclassified(labels, truth, 2),
        "second": jnp.linalg.eigvalsh(solved.Z)[:, -2].max(),
        "turns": solved.turns, "memberships": solved.Z,
        "lifted": lift, "X": X, "partitions": random[:, 1], "covariances": covariances,
    }  # fmt: skip


def crossed(noise: Array, draws: Array, dim: Array, *, methods: Methods, single: bool) -> dict:
    """All methods on crossed ellipses of which `dim` coordinates count.  draws [2, R, 2]

    single: in place of LA-SDP and iLA-SDP the K-means SDP with its own rounding.
    """
    mixture, truth = mixtures.crossed(dim, noise.shape[1]), mixtures.truth(len(noise), 2)
    X, ridge = mixtures.sample(noise, mixture), methods.ridge
    plain = iterated.kmeans_sdp(methods.plain, X, 2)
    top = clustering.spectral(plain.Z[0], 2)
    seen = jnp.stack([X, jnp.pad(top, ((0, 0), (0, X.shape[1] - 2)))])
    kmeans, sdp = jax.vmap(lambda u, x: clustering.kmeans(u, x, 2, **methods.kmeans))(draws, seen)

    def arm(known):
        """LA-SDP with the covariances of the mixture, or iLA-SDP from the SDP's labels."""

        def estimate(Z):
            best = likelihood.best_covariances(X, Z, ridge)
            return jnp.where(known, mixtures.covariances(mixture), best)

        penalty = jnp.where(known, 0.0, ridge)
        return iterated.iterate(methods.solve, estimate, X, sdp, 2, ridge=penalty, **methods.rounds)

    path = None if single else jax.lax.map(arm, jnp.array([False, True]))
    em = clustering.em(X, clustering.maximised(X, one_hot(sdp, 2), ridge), **methods.em)
    ours = [sdp, sdp] if path is None else path.labels[:, -1]
    labels = jnp.stack([kmeans, sdp, em[-1], *ours])
    counts = (0, 1) if path is None else (path.unfinished.sum(), path.solves.sum())
    return {
        "error": errors(labels, truth, 2), "points": X[:, :2],
        "labels": labels, "unfinished": jnp.array(counts[0]), "solves": jnp.array(counts[1]),
    }  # fmt: skip


def far(noise: Array, draws: dict, *, methods: Methods, random: bool, em_random: bool) -> dict:
    """iLA-SDP and EM on two near clusters and a far one.

    draws: kmeans [R, 3], labels [n, 3], centres [E, n].  iLA-SDP from the labels of the K-means
    SDP and from random ones (random: from those alone); EM from random centres, and from the
    SDP's labels (em_random: centres again).
    """
    X, truth = mixtures.sample(noise, mixtures.far()), mixtures.truth(len(noise), 3)
    plain, ridge = iterated.kmeans_sdp(methods.plain, X, 3), methods.ridge
    top = clustering.spectral(plain.Z[0], 3)
    sdp, chance = clustering.kmeans(draws["kmeans"], top, 3, **methods.kmeans), draws["labels"]
    chance = chance.argmax(1)

    def arm(labels):
        def estimate(Z):
            return likelihood.best_covariances(X, Z, ridge)

        return iterated.iterate(
            methods.solve, estimate, X, labels, 3, ridge=ridge, **methods.rounds
        )

    path = jax.lax.map(arm, jnp.stack([chance] if random else [sdp, chance]))
    begun = jax.vmap(lambda u: clustering.random_centres(u, X, 3, ridge))(draws["centres"])
    informed = clustering.maximised(X, one_hot(sdp, 3), ridge)
    if em_random:
        informed = jax.tree.map(lambda x: x[0], begun)
    begun = jax.tree.map(lambda x, y: jnp.concatenate([x, y[None]]), begun, informed)
    labels = jax.vmap(lambda mixed: clustering.em(X, mixed, **methods.em))(begun)
    em, ours = (jax.vmap(lambda p: errors(p, truth, 3))(x) for x in (labels, path.labels))
    return {
        "far": ours, "far_value": path.value / len(X), "solves": path.solves.sum(),
        "far_em": em[:-1], "far_em_sdp": em[-1, -1], "unfinished": path.unfinished.sum(),
    }  # fmt: skip


def errors(labels: Array, truth: np.ndarray, clusters: int) -> Array:
    """Of every row.  int [row, n] -> [row]"""
    return jax.vmap(lambda each: clustering.misclassified(each, truth, clusters))(labels)


def one_hot(labels: Array, clusters: int) -> Array:
    """Weights of labels.  int [n] -> [n, K]"""
    return jax.nn.one_hot(labels, clusters, dtype=float)
