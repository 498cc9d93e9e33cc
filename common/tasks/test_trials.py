"""Five trials of what takes numbers: scale, dtype, size, what is not finite, in a program.

The rest are draws and functions of integers, whose tests are beside them.
"""

import numpy as np
import scipy.ndimage

from common import tasks
from common.tasks import sequences, splits
from tests.trials import Arg, Case, parametrised, untried

NORMALS = np.array([[[1.0, -2, 0], [3, 1, 1]], [[2, 1, -1], [0, 4, 1]]])
X = np.array([[1.0, 2, -1, 3], [-3, 1, 0, 2], [2, -2, 1, 1]])
HEIGHT, RATE, PHASE = np.array([[1.0, 2, -1], [0.5, 2, 3], [0, 1, -2]])
IMAGES = np.array([[[1.0, 2, -3], [4, -1, 2], [0, 3, 1]], [[2, 2, 1], [-1, 0, 4], [3, -2, 1]]])


def waves(normals, length=9):
    """The sum that band_limited says it is."""
    phase = 2 * np.pi * np.outer(np.arange(1, 1 + normals.shape[-1]), np.arange(length)) / length
    v = normals[..., 0, :] @ np.cos(phase) - normals[..., 1, :] @ np.sin(phase)
    return (v - v[..., :1]) / normals.shape[-1] ** 0.5


def turned(images, degrees):
    """SciPy's, which wants pixels."""
    if not images.size:
        return images
    return scipy.ndimage.rotate(
        images, float(degrees), axes=(1, 2), reshape=False, order=1, mode="grid-constant"
    )


CASES = {
    "sequences.band_limited": Case(
        lambda normals: sequences.band_limited(normals, 9),
        waves,
        {"normals": Arg(NORMALS, "S C J", 1)},
        degree=1,
    ),
    "sequences.tone": Case(
        sequences.tone,
        lambda x, a, w, p: x + a[:, None] * np.sin(np.outer(w, np.arange(x.shape[1])) + p[:, None]),
        {"x": Arg(X, "S L", 1), "amplitude": Arg(HEIGHT, "S", 1), "frequency": Arg(RATE, "S"),
         "phase": Arg(PHASE, "S")},
        degree=1,
    ),
    "splits.rotated": Case(
        splits.rotated,
        turned,
        {"images": Arg(IMAGES, "N H W", 1), "degrees": Arg(np.array(75.0))},
        degree=1,
    ),
}  # fmt: skip
BESIDE = {
    # draws
    "sequences.delay", "sequences.reconstruction", "sequences.copying", "sequences.tones",
    "words.words", "listops.expressions", "arithmetic.sparse_parity", "splits.split",
    "splits.balanced", "splits.class_order", "splits.permuted", "splits.label_noise",
    # of integers
    "sequences.pixels", "words.generated", "words.named", "words.running", "listops.value",
    "listops.text", "arithmetic.modular", "splits.class_incremental",
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)


def test_every_public_function_is_tried_once():
    assert untried([tasks], [*CASES, *BESIDE]) == []
    assert not BESIDE & CASES.keys()
