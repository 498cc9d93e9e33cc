"""What each claim reads off a run: arrays -> float[seed, ...].

The arrays are those of `run`; every value is a mean over the runs of a seed.
"""

from common import stats

FIRST, LAST, GUIDED, PRODUCT, REWARD = 0, -4, -3, -2, -1  # targets: annealed ones come first


def annealed_error(arrays):
    """Narrow mode's mass less the exact one, target score.  -> [seed]"""
    return mass_error(arrays, FIRST)


def tempered_error(arrays):
    """The same with the last kind of noise, tempered noise.  -> [seed]"""
    return mass_error(arrays, LAST)


def guided_error(arrays):
    """Left mass less the exact one, geometric mean.  -> [seed]"""
    return mass_error(arrays, GUIDED)


def product_error(arrays):
    """Left mass less the exact one, product of experts.  -> [seed]"""
    return mass_error(arrays, PRODUCT)


def reward_error(arrays):
    """Left mass less the exact one, tilted by a reward.  -> [seed]"""
    return mass_error(arrays, REWARD)


def error_law(arrays):
    """Number of particles and root mean square error.  -> [seed, 2, number]"""
    return stats.beside(arrays["number"], arrays["rmse"])


def nine_gain(arrays):
    """Total variation of the plain sampler and of the corrected one, nine modes.  -> [seed, 2]"""
    return plain_and_ours(arrays, "nine_tv")


def forty_gain(arrays):
    """The same with forty modes.  -> [seed, 2]"""
    return plain_and_ours(arrays, "forty_tv")


def width_ratio(arrays):
    """Narrow mode's standard deviation over the exact one, target score.  -> [seed]"""
    return width_over_exact(arrays, FIRST)


def tempered_width_ratio(arrays):
    """The same with tempered noise.  -> [seed]"""
    return width_over_exact(arrays, LAST)


def plain_contested(arrays):
    """Mass of the contested mode over the exact one, plain guidance.  -> [seed]"""
    return contested_over_exact(arrays, "classes_contested_plain")


def restored_contested(arrays):
    """The same, corrected.  -> [seed]"""
    return contested_over_exact(arrays, "classes_contested")


def guided_gain(arrays):
    """Sliced W1 to the target, of plain guidance and corrected.  -> [seed, 2]"""
    return plain_and_ours(arrays, "classes_w1")


def mass_error(arrays, target):
    return arrays["mass"][:, target].mean(axis=1) - arrays["exact_mass"][target]


def width_over_exact(arrays, target):
    return arrays["width"][:, target].mean(axis=1) / arrays["exact_width"][target]


def contested_over_exact(arrays, name):
    return arrays[name].mean(axis=1) / arrays["classes_exact_contested"]


def plain_and_ours(arrays, name):
    return stats.beside(arrays[f"{name}_plain"].mean(axis=1), arrays[name].mean(axis=1))
