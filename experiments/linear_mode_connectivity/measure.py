"""What the claims are decided on: barriers, distances, alignments -> numbers, one row a seed.

The barrier of a curve is its loss on test images above the chord, 0 at least. Axes as in `run.run`.
"""

import numpy as np

NONE, WEIGHTS, ACTIVATIONS, SMALL, LARGE = range(5)
STRAIGHT = 2  # of the methods of `triple`
AB, AC, BC = range(3)
TEST, TRAIN = range(2)
LOSS, ACCURACY = range(2)
FLOOR = 0.01  # of the barrier before: barriers of 0 have no logarithm
GAMMA = 0.3  # what counts as a large singular value, of the largest
NOISE = 0.01  # of an alignment of independent networks


def barriers(arrays, curves, which=TEST):
    """[..., T, 2, 2] -> [...]"""
    t, loss = arrays["t"], curves[..., which, LOSS]
    return (loss - (1 - t) * loss[..., :1] - t * loss[..., -1:]).max(-1)


def shares(after, before):
    """The barrier after by that before, FLOOR at least."""
    return np.maximum(after / before, FLOOR)


def share(arrays, way):
    """Barrier of a way of matching by that of none.  -> [seed]"""
    found = barriers(arrays, arrays["ways"])
    return shares(found[:, way], found[:, NONE])


def matched_share(arrays):
    return share(arrays, WEIGHTS)


def small_share(arrays):
    return share(arrays, SMALL)


def large_share(arrays):
    return share(arrays, LARGE)


def activations_share(arrays):
    return share(arrays, ACTIVATIONS)


def lost_accuracy(arrays):
    """Mean accuracy of both ends minus that in the middle, matched by weights.  -> [seed]"""
    accuracy = arrays["ways"][:, WEIGHTS, :, TEST, ACCURACY]
    return (accuracy[:, 0] + accuracy[:, -1]) / 2 - accuracy[:, accuracy.shape[1] // 2]


def distance_ratio(arrays):
    return arrays["distance"][:, WEIGHTS]


def squared_distances(arrays):
    return arrays["squared"]


def singular_values(arrays):
    return arrays["values"]


def alignment(aligned):
    """R_gamma over all layers.  [..., L, G, 2] -> [..., G]"""
    total = aligned.sum(-3)
    return total[..., 0] / total[..., 1]


def near(arrays, gamma):
    return int(np.abs(arrays["gamma"] - gamma).argmin())


def way_alignment(arrays, way, gamma=GAMMA):
    """-> [seed]"""
    return alignment(arrays["aligned"][:, way])[:, near(arrays, gamma)]


def large_and_all(arrays):
    """R of the large directions, R of all, matched by weights.  -> [seed, 2]"""
    pair = [way_alignment(arrays, WEIGHTS, gamma) for gamma in (GAMMA, 0.0)]
    return np.stack(pair, axis=1)


def before_alignment(arrays):
    """|R| of the large directions of networks that are not matched.  -> [seed]"""
    return np.abs(way_alignment(arrays, NONE))


def beside_before(arrays, way):
    """R of the large directions after, and five times that before or its noise.  -> [seed, 2]"""
    least = 5 * np.maximum(before_alignment(arrays), NOISE)
    return np.stack([way_alignment(arrays, way), least], axis=1)


def matched_alignment(arrays):
    return beside_before(arrays, WEIGHTS)


def activations_alignment(arrays):
    return beside_before(arrays, ACTIVATIONS)


def third_barriers(arrays):
    """Barrier between b and c, both matched to a: straight-through, by weights.  -> [seed, 2]"""
    found = barriers(arrays, arrays["triple"])[..., BC]
    return found[:, [STRAIGHT, WEIGHTS]]


def pair_barriers(arrays):
    """Mean barrier of ab and ac: by weights, straight-through.  -> [seed, 2]"""
    found = barriers(arrays, arrays["triple"])[..., [AB, AC]].mean(-1)
    return found[:, [WEIGHTS, STRAIGHT]]


def straight_alignment(arrays):
    """R of the large directions: by weights, straight-through.  -> [seed, 2]"""
    found = alignment(arrays["triple_aligned"])[..., near(arrays, GAMMA)]
    return found[:, [WEIGHTS, STRAIGHT]]


def width_shares(arrays):
    """Barriers after by those before, means of three pairs each.  -> [seed, width]"""
    before, after = np.moveaxis(barriers(arrays, arrays["wide"]).mean(-1), 2, 0)
    return shares(after, before)
