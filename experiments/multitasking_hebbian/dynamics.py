"""The heat bath of weighted patterns: `common.spins` with the field of pairs."""

from jax import Array

from common import spins as updates


def relaxed(x: Array, weights: Array, spins: Array, uniform: Array, beta) -> Array:
    """Heat bath of H = -1/2 sum_mu w_mu (x_mu . s)^2, sites in their order, without self-coupling.

    x [N, P], weights [P], spins [N] of +-1, uniform [sweeps, N] in [0, 1); a spin without field
    stays.  -> spins [N]
    """

    def field(row, overlaps):
        return (weights * row) @ overlaps

    return updates.relaxed(x, spins, field, len(uniform), heat=(beta, uniform))
