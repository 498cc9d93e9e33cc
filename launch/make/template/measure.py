"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Shapes: S records.
"""

import numpy as np

# a claim's measure is a ratio to the theory, so that its region does not depend on settings


def rate_over_law(arrays):
    """Rate of the loss over the later half of the steps, over the law's.  -> [seed]"""
    return rate(arrays) / law(arrays["lr"], arrays["flattest"])


def fallen(arrays):
    """First loss over the last.  -> [seed]"""
    return arrays["loss"][:, 0] / arrays["loss"][:, -1]


def rate(arrays):
    """-d log loss / d step between the middle and the last step.  -> [seed]"""
    late = arrays["step"] >= arrays["step"][-1] // 2
    value, step = np.log(arrays["loss"][:, late]), arrays["step"][late]
    return (value[:, 0] - value[:, -1]) / (step[-1] - step[0])


def law(lr, curvature):
    """-d log loss / d step of gradient descent along one direction (eq. 3)."""
    return -2 * np.log1p(-lr * curvature)
