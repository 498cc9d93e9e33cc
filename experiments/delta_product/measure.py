"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Of a case's restarts the one of least training loss counts. Cases by place: 0 is two steps a token
with beta in (0, 2), 1 is one step, 2 has beta in (0, 1). Shapes: L letters, H heads, T letters.
"""

import numpy as np

FAR = 8 / 3  # training lengths: where memorised beginnings tell nothing


def hand_set(arrays):
    """Share of words told at their end, the group where it is worst.  -> [seed]"""
    return arrays["exact"][:, :, -1].min(1)


def reach(arrays):
    """Least distance over Eckart and Young's bound, the cycle where it is least.  -> [seed]"""
    return (arrays["distance"] / arrays["bound"]).min(1)


def steps(arrays):
    """Accuracy far beyond the training length: two steps a token, one step.  -> [seed, 2]"""
    return far(arrays)[:, :2]


def two_steps(arrays):
    """The same of two steps.  -> [seed]"""
    return far(arrays)[:, 0]


def one_step(arrays):
    """The same of one step.  -> [seed]"""
    return far(arrays)[:, 1]


def negative(arrays):
    """The same of two steps: beta in (0, 2), beta in (0, 1).  -> [seed, 2]"""
    return far(arrays)[:, [0, 2]]


def kept(arrays):
    """Accuracy at four training lengths over that at one, two steps.  -> [seed]"""
    curve = accuracy(arrays)[:, 0, 0]
    return curve[:, position(arrays, 4)] / curve[:, position(arrays, 1)]


def turns(arrays):
    """Distance of a letter's eigenvalues from its element's: the worst of the elements that turn a
    plane (eigenvalues off the real line), each in the head where it is least.  -> [seed]"""
    turning = np.abs(element_eigenvalues(arrays).imag).max(1) > 0.1
    return mismatch(arrays)[:, 0, turning].min(-1).max(-1)


def suffices(arrays):
    """Accuracy at the training length, two steps, the worse of S4 and A5.  -> [seed]"""
    return accuracy(arrays)[:, 1:3, 0, position(arrays, 1)].min(1)


def position(arrays, lengths):
    """Index of the letter after so many training lengths."""
    return round(lengths * int(arrays["length"])) - 1


def best(arrays):
    """Restart of least training loss.  -> int [seed, group, case]"""
    return arrays["loss"][..., -1].argmin(-1)


def accuracy(arrays):
    """At every letter.  -> [seed, group, case, T]"""
    return np.take_along_axis(arrays["accuracy"], best(arrays)[..., None, None], 3)[..., 0, :]


def far(arrays):
    """Accuracy on the first group, far beyond the training length.  -> [seed, case]"""
    return accuracy(arrays)[:, 0, :, position(arrays, FAR)]


def of_best(arrays, name):
    """`key` or `beta` of the restart that counts.  -> [seed, case, L, H, N, …]"""
    x = arrays[name]
    place = best(arrays)[:, 0].reshape(*x.shape[:2], *(1,) * (x.ndim - 2))
    return np.take_along_axis(x, place, 2)[:, :, 0]


def eigenvalues(arrays):
    """Of every letter's transition.  -> complex [seed, case, L, H, 2]"""
    key, beta = (of_best(arrays, name).astype(float) for name in ("key", "beta"))
    product = np.eye(key.shape[-1])
    for j in range(key.shape[-2]):
        k = key[..., j, :]
        along = np.einsum("...k,...kl->...l", k, np.broadcast_to(product, (*k.shape, k.shape[-1])))
        product = product - beta[..., j, None, None] * k[..., :, None] * along[..., None, :]
    return moving(product)


def mismatch(arrays):
    """Distance of a letter's two eigenvalues from its element's.  -> [seed, case, L, H]"""
    have, want = eigenvalues(arrays), element_eigenvalues(arrays)
    gaps = [np.abs(have - pair[:, None]).max(-1) for pair in (want, want[:, ::-1])]
    return np.minimum(*gaps)


def element_eigenvalues(arrays):
    """Of the group's own matrices.  -> complex [L, 2]"""
    return moving(arrays["letters"])


def moving(matrix):
    """The two eigenvalues farthest from 1, by imaginary part.  [..., n, n] -> complex [..., 2]"""
    values = np.linalg.eigvals(matrix).astype(complex)
    order = np.argsort(-np.abs(values - 1), axis=-1, kind="stable")[..., :2]
    two = np.take_along_axis(values, order, -1)
    return np.take_along_axis(two, np.argsort(two.imag, axis=-1, kind="stable"), -1)
