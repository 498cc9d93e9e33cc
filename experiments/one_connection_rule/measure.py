"""What the claims are decided on: arrays of a run -> numbers. Axes as in `run.run`."""

import numpy as np


def pairs(left, right, axes: int):
    """Both sides of every instance.  [..., axes] -> [instance, 2, axes]"""
    shape = left.shape[left.ndim - axes :]
    return np.stack([x.reshape(-1, *shape).astype(float) for x in (left, right)], axis=1)


def closed_form(arrays):
    return pairs(arrays["closed"], arrays["inverse"], 2)


def exact(arrays):
    """(I - L) times the numerators, and the denominator times I."""
    return pairs(arrays["adjoint"], arrays["scaled"], 2)


def covariances(arrays):
    return pairs(arrays["sigma"], arrays["direct"], 2)


def treks(arrays):
    return pairs(arrays["trek"], arrays["treks"], 2)


def denominators(arrays):
    found = arrays["denominator"]
    return pairs(found, np.ones_like(found), 0)


def smallest_gap(arrays):
    """Of all graphs.  -> [S]"""
    return arrays["gap"].min(axis=1).astype(float)


def smallest_larger_gap(arrays):
    return arrays["larger_gap"].min(axis=1)


def lost_by_failing(arrays):
    """Parameters less rank, mean over graphs.  -> [S]"""
    return arrays["failing_lost"].astype(float).mean(axis=1)


def lost_by_holding(arrays):
    return arrays["holding_lost"].astype(float).mean(axis=1)


def solutions(arrays):
    """Distinct ones, mean over cases.  -> [S]"""
    return arrays["found"].sum(axis=2, dtype=float).mean(axis=1)


def reciprocal(arrays):
    """The cycle product that is not the given one, times the given one, and 1."""
    given, product = arrays["given"][..., None], arrays["product"]
    place = abs(product - given).argmax(axis=-1)[..., None]
    found = np.take_along_axis(product, place, axis=-1) * given
    return pairs(found, np.ones_like(found), 1)


def vanishing(arrays):
    """Largest of all polynomials; 1 where nothing was found.  -> [S]"""
    some = arrays["dimension"].sum(axis=1) > 0
    return np.where(some, np.maximum(arrays["vanishing"].max(axis=1).astype(float), 1e-18), 1.0)


def not_certified(arrays):
    """Values of all polynomials that are not 0 mod p; where nothing was found, one.  -> [S]"""
    some = arrays["dimension"].sum(axis=1) > 0
    return np.where(some, arrays["wrong"].sum(axis=1), 1).astype(float)


def dimensions(arrays):
    """Found and known, of every model a seed: [instance, 2, space], zeros at other models'."""
    model = arrays["space_model"]
    own = model == np.arange(model.max() + 1)[:, None]
    found = arrays["dimension"][:, None] * own
    return pairs(found, np.broadcast_to(arrays["known"] * own, found.shape), 1)


def saturated_gap(arrays):
    """Smallest over multidegrees of models that fill an open set.  -> [S]"""
    own = arrays["saturated"][arrays["space_model"]] > 0
    return arrays["smallest"][:, own].min(axis=1).astype(float)
