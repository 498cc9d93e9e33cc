"""correlation: of two rows of points.  values [seed, 2, point]"""

import numpy as np

from common import stats
from common.criteria.kind import Criterion, Invalid, Kind, Part, shuffled, width


def _parts(c, v):
    width(v, 2)
    if v.shape[2] < 10:
        raise Invalid(f"correlation needs 10 points a seed, got {v.shape[2]}")
    z = stats.fisher_z(v[:, 0], v[:, 1])
    return [Part("r", z, float(np.arctanh(c["r_min"])), np.inf, show=lambda z: float(np.tanh(z)))]


CORRELATION = Kind(
    keys=("r_min",),
    optional=(),
    ndim=(3, 3),
    parts=_parts,
    mutants=lambda c, v: {
        "shuffle one side": [np.stack([v[:, 0], y], 1) for y in shuffled(v[:, 1])]
    },
    contains=lambda c, x: x >= c["r_min"],
)


def problems(c: Criterion) -> list[str]:
    return [] if -1 < c["r_min"] < 1 else ["r_min must be in (-1, 1)"]
