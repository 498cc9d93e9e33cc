"""greater: A over B, values [seed, 2]; ordering: k values should increase, [seed, k]."""

import numpy as np

from common.criteria.kind import (
    Criterion,
    Invalid,
    Kind,
    Part,
    log_problems,
    scaled,
    show,
    step,
    width,
)


def _edge(c: Criterion) -> float:
    """What A - B (or log A/B) must exceed."""
    return float(np.log(c.get("ratio", 1.0))) if c.get("scale") == "log" else c.get("delta", 0.0)


def _greater_parts(c, v):
    width(v, 2)
    difference = scaled(c, v[:, 0]) - scaled(c, v[:, 1])
    name = "ratio" if c.get("scale") == "log" else "difference"
    return [Part(name, difference, _edge(c), np.inf, True, step(c), show(c))]


def _greater_mutants(c, v):
    even, odd = v.copy(), v.copy()
    even[::2], odd[1::2] = even[::2, ::-1], odd[1::2, ::-1]
    return {"swap labels": v[:, ::-1], "permute labels across seeds": [even, odd]}


GREATER = Kind(
    keys=(),
    optional=("delta", "ratio", "scale", "resolution"),
    ndim=(2, 2),
    parts=_greater_parts,
    mutants=_greater_mutants,
    contains=lambda c, x: float(scaled(c, x)) > _edge(c),
)


def greater_problems(c: Criterion) -> list[str]:
    log = c.get("scale") == "log"
    if ("ratio" in c) != log or ("delta" in c and log):
        return ["greater takes delta, or scale = 'log' with ratio"]
    return log_problems(c, c.get("ratio", 1.0))


def _ordering_parts(c, v):
    if v.shape[1] < 2:
        raise Invalid("ordering needs two or more values a seed")
    gaps = np.diff(v, axis=1) * (-1 if c.get("sign") == "-" else 1)
    return [
        Part(f"step {i + 1}", gaps[:, i], 0.0, np.inf, True, step(c)) for i in range(gaps.shape[1])
    ]


ORDERING = Kind(
    keys=(),
    optional=("sign", "resolution"),
    ndim=(2, 2),
    parts=_ordering_parts,
    mutants=lambda c, v: {"reverse": v[:, ::-1], "rotate": np.roll(v, 1, axis=1)},
    contains=lambda c, x: x > 0,
)
