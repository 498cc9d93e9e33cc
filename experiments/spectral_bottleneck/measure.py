"""What each claim reads off a run: arrays -> float[seed, ...].

Gains are in dB over a network that gives 0, at the best step, as the authors' code takes it.
"""

import numpy as np

HIGH, LOW = 0, -1  # places of bands
SIREN, TUNED, WINNER, S0_ALONE, S1_ALONE = range(5)  # of `fit`; the first three of `bands`
PLAIN, NOISY, ONLY_S0, ONLY_S1 = range(4)  # of `activation`
DEEP = slice(1, 3)  # h_2 and h_3


def collapse(arrays):
    """Gain of SIREN on the first band, the better of both omega_1.  -> [seed]"""
    return gain(arrays)[:, [SIREN, TUNED]].max(1)


def low_band(arrays):
    """Gain of SIREN on the last band, the worse of both omega_1.  -> [seed]"""
    return band_gain(arrays)[:, LOW, [SIREN, TUNED]].min(1)


def against_siren(arrays):
    """Gain of WINNER, and of SIREN with the better of both omega_1.  -> [seed, 2]"""
    return np.stack([gain(arrays)[:, WINNER], collapse(arrays)], axis=1)


def against_one(arrays):
    """Gain of WINNER, and of the better of both noises alone.  -> [seed, 2]"""
    found = gain(arrays)
    return np.stack([found[:, WINNER], found[:, [S0_ALONE, S1_ALONE]].max(1)], axis=1)


def quality(arrays):
    """PSNR of WINNER on the first band, peak 1.  -> [seed]"""
    return decibel(1 / arrays["fit"][:, WINNER].min(-1))


def one_noise(arrays):
    """Gain of the better of both noises alone.  -> [seed]"""
    return against_one(arrays)[:, 1]


def against_sweep(arrays):
    """Gain of WINNER, and of SIREN at the best of all omega_1.  -> [seed, 2]"""
    best = np.maximum(collapse(arrays), sweep_gain(arrays).max(1))
    return np.stack([gain(arrays)[:, WINNER], best], axis=1)


def broadening(arrays):
    """Power share above Nyquist / 4, WINNER's over SIREN's, lesser of h_2, h_3.  -> [seed]"""
    found = share(arrays)[:, :, DEEP]
    return (found[:, NOISY] / found[:, PLAIN]).min(1)


def broadening_of_both(arrays):
    """The same, WINNER's over the larger of both noises alone.  -> [seed]"""
    found = share(arrays)[:, :, DEEP]
    return (found[:, NOISY] / found[:, [ONLY_S0, ONLY_S1]].max(1)).min(1)


def kernel_shift(arrays):
    """Centroid of the kernel's spectrum along S1, with the noise in W_1.  -> [seed, S1]"""
    return kernel_centroid(arrays)[:, 0]


def images(arrays):
    """PSNR of WINNER less SIREN's on images.  -> [seed]"""
    return decibel(arrays["image"][:, 0] / arrays["image"][:, 1])


def decibel(ratio):
    return 10 * np.log10(ratio)


def gain(arrays):
    """On the first band.  -> [seed, method]"""
    return decibel(arrays["zero"][:, HIGH, None] / arrays["fit"].min(-1))


def band_gain(arrays):
    """On the other bands.  -> [seed, other band, 3]"""
    return decibel(arrays["zero"][:, 1:, None] / arrays["bands"].min(-1))


def sweep_gain(arrays):
    """-> [seed, omega_1]"""
    return decibel(arrays["zero"][:, HIGH, None] / arrays["sweep"].min(-1))


def share(arrays):
    """Of a layer's power above a quarter of Nyquist's frequency.  -> [seed, noise, H]"""
    power = arrays["activation"]
    return power[..., power.shape[-1] // 4 :].sum(-1) / power.sum(-1)


def kernel_centroid(arrays):
    """Mean frequency of the kernel's spectrum over Nyquist's.  -> [seed, S0 or none, S1]"""
    power = arrays["kernel"]
    return (power * np.linspace(0, 1, power.shape[-1])).sum(-1) / power.sum(-1)


def reach(s0, s1, width: int, omega: float):
    """Rms angular frequency of the second layer's phase at initialisation, per unit coordinate.

    Of omega W_2 h_1 with h_1 = sin(a x + phase): E a^2 = omega^2 / 3 + S0^2, and the entries of
    omega W_2 have the variance 2 / width + S1^2.
    """
    return np.sqrt(width * (2 / width + s1**2) * (omega**2 / 3 + s0**2) / 2)
