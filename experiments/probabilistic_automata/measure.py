"""What the claims are decided on: arrays of a run -> numbers. Axes as in `run.run`.

Identities return [instance, 2, …]: what is, what it should be.
"""

import numpy as np

from common import stats


def averages(arrays):
    """Tr(A rho'(t)), sums over histories.  -> [S, 2, A, N + 1]"""
    return arrays["local"]


def correlations(arrays):
    """The same at two times.  -> [S, 2, pair]"""
    return arrays["ordered"]


def commutator(arrays):
    """Least of all times.  -> [S]"""
    return np.maximum(arrays["commutator"].min(axis=1), 1e-17)


def similarity(arrays):
    """rho'(t + 1), S rho'(t) S^-1.  -> [S, 2, N, n, n]"""
    return arrays["evolution"]


def spectrum(arrays):
    """Tr rho'^k at t, at 0.  -> [S, 2, N, n]"""
    power = arrays["power"]
    return stats.beside(power[:, 1:], power[:, :1])


def pure(arrays):
    """rho'^2 and rho'^T, beside rho' twice.  -> [S, 2, 2, N + 1, n, n]"""
    rho = arrays["pure"]
    return np.stack([np.stack([rho @ rho, rho.mT], 1), np.stack([rho, rho], 1)], axis=1)


def forgets(arrays):
    """<s(t)> / <s(0)> tanh(beta)^t, 1.  -> [S, 2, B, T + 1]"""
    mean = arrays["mean"]
    t = np.arange(mean.shape[-1])
    law = mean[..., :1] * np.tanh(arrays["beta"])[..., None] ** t
    return stats.beside(mean / law, 1.0)


def norms(arrays):
    """|q(t)| / |q(0)|, 1.  -> [S, 2, rule, R]"""
    return stats.beside(arrays["norm"], 1.0)


def recurs(arrays):
    """q of the shift at the end, at 0.  -> [S, 2, state]"""
    return arrays["returned"]


def one_levels(arrays):
    """Energies of one mover, momenta; an instance is a seed and M.  -> [S M, 2, k]"""
    return instances(arrays["one"])


def many_levels(arrays):
    """Levels of all states, sums of momenta, of a seed and M.  -> [S M, 2, number, k]"""
    return instances(arrays["many"]).astype(float)


def instances(both):
    """[S, 2, M, …] -> [S M, 2, …]"""
    apart = np.moveaxis(both, 2, 1)
    return apart.reshape(-1, *apart.shape[2:])


def evolved(arrays):
    """A moved wave function, exp(-i H) of it.  -> [S, 2, state, 2]"""
    return arrays["evolved"]


def foreign_of(lengths, M):
    """Share of the energies 2 pi k / L of a state on a cycle that no free one has."""
    return 1 - np.gcd(lengths, M) / lengths


def foreign(arrays):
    """Mean share over random states, of the ring where it is least.  -> [S]"""
    return foreign_of(arrays["cycle"], arrays["rings"][:, None]).mean(axis=-1).min(axis=-1)


def longest(arrays):
    """Longest cycle of random states on four sites.  -> [S]"""
    at = int(np.flatnonzero(arrays["rings"] == 4)[0])
    return arrays["cycle"][:, at].max(axis=-1).astype(float)


def pair_levels(arrays):
    """Levels of a pair, their law; an instance is a ring.  -> [ring, 2, k]"""
    return arrays["pair"].astype(float)


def species(arrays):
    """Numbers of each kind at t, at 0.  -> [S, 2, T, 4, walker]"""
    count = arrays["species"].astype(float)
    return stats.beside(count[:, 1:], count[:, :1])


def orthogonal(arrays):
    """Norms and scalar product after a step, before.  -> [S, 2, 3]"""
    return arrays["products"]


def unitary(arrays):
    """Averages of moved distributions, after U rho U^dagger.  -> [S, 2, G, D, 3]"""
    return arrays["turned"]


def condition(arrays):
    """Sums of squared averages, moved and before.  -> [S, 2, G, D]"""
    return arrays["squared"]


def unclosed(arrays):
    """What the old spins do not tell of the new, mean over permutations.  -> [S]"""
    return 1 - arrays["linear"].mean(axis=-1)


def outside(arrays):
    """Share of distributions whose squared averages exceed 1.  -> [S]"""
    return ((arrays["vector"] ** 2).sum(axis=-1) > 1).mean(axis=-1)


def complete(arrays):
    """Largest CHSH of assignments and of random joint distributions.  -> [S]"""
    return np.maximum(arrays["joints"].max(axis=-1), arrays["assigned"].max())


def incomplete(arrays):
    """CHSH of fifteen classical spins.  -> [S]"""
    return arrays["fifteen"]


def place(arrays):
    """Sites moved until t, t.  -> [S, 2, T]"""
    at = np.unwrap(arrays["place"]) * arrays["packet"] / (2 * np.pi)
    return stats.beside(at[:, 1:] - at[:, :1], np.arange(1, at.shape[1]))


def momentum(arrays):
    """Probabilities of momenta at t, at 0.  -> [S, 2, T, k]"""
    return stats.beside(arrays["spectrum"][:, 1:], arrays["spectrum"][:, :1])
