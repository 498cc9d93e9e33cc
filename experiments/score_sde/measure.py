"""What the claims measure.  arrays of `run` -> float [seed, ...]; axes as in run's docstring."""

import numpy as np

from common import stats

# Rows of `distance`: P predictor alone, C corrector alone, PC both in turn.
P_SDE, PC_SDE, P_FLOW, PC_FLOW, P_EULER, PC_EULER, C_ONLY = SAMPLERS = (
    "P reverse diffusion",
    "PC reverse diffusion",
    "P probability flow",
    "PC probability flow",
    "P ODE-Euler",
    "PC ODE-Euler",
    "C Langevin",
)
FEW = (P_SDE, PC_SDE, C_ONLY)  # what is computed for VP, where all of them are at the floor


def row(arrays, sampler):
    """Sliced W1 of one sampler under VE.  -> [seed, calls]"""
    return arrays["distance_ve"][:, SAMPLERS.index(sampler)]


def marginal_z(arrays):
    """Standard deviations, in log sliced W1, by which SDE and flow differ more than relabelled
    points do: the worst of the SDEs.  -> [seed]"""
    z = (np.log(arrays["w1_flow"]) - arrays["null_mean"]) / arrays["null_std"]
    return z.max(axis=1)


def likelihood_error(arrays):
    """Mean |log p - analytic| in nats at the tightest tolerance: the worst SDE.  -> [seed]"""
    return arrays["logp_error"][:, :, -1].max(axis=1)


def corrector_alone(arrays):
    """Corrector alone against predictor-corrector at the most calls.  -> [seed, 2]"""
    return stats.beside(row(arrays, C_ONLY)[:, -1], row(arrays, PC_SDE)[:, -1])


def flow_repair(arrays):
    """ODE-Euler alone against ODE-Euler with corrector: geometric mean over the numbers of calls.
    -> [seed, 2]"""
    return stats.geometric_mean(stats.beside(row(arrays, P_EULER), row(arrays, PC_EULER)))


def bits(arrays):
    """Test bits per dimension of the first net (VP) and of the second (sub-VP).  -> [seed, 2]"""
    return arrays["bpd"]
