"""What the claims measure."""

import numpy as np


def rate(arrays):
    """Fall of log |x| a step.  -> [seed]"""
    error = np.log(arrays["error"])
    return (error[:, 0] - error[:, -1]) / 2 / (error.shape[1] - 1)
