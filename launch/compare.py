"""Two runs side by side: settings, code, verdicts, and every measured value with an interval."""

from pathlib import Path

import numpy as np

from common import stats
from launch import report, store
from launch.cards import number
from launch.errors import UserError
from launch.fingerprint import changed
from launch.paths import shown
from launch.terminal import table


def compare(one: Path, two: Path) -> dict:
    """What differs between two finished runs of one experiment (or of a fork and its parent).

    Every claim's per-seed value is compared over the seeds that both have (paired); where they
    share fewer than two, over all seeds of each (Welch). Intervals are 90 %.
    """
    a, claims, va = report.decide(one)
    b, _, vb = report.decide(two)
    others = {v.id: v for v in vb}
    if not set(others) & {c.id for c in claims}:
        raise UserError(f"{a['experiment']} and {b['experiment']} have no claim in common")
    config = {
        k: [a["config"].get(k), b["config"].get(k)]
        for k in sorted(a["config"].keys() | b["config"].keys())
        if a["config"].get(k) != b["config"].get(k)
    }
    rows = []
    for claim, mine in zip(claims, va, strict=True):
        other = others.get(claim.id)
        if other is not None:
            rows.append(_values(claim.id, mine, other, a["config"]["seeds"], b["config"]["seeds"]))
    arrays_a, arrays_b = store.arrays(one), store.arrays(two)
    same = sorted(
        k for k in arrays_a if k in arrays_b and np.array_equal(arrays_a[k], arrays_b[k], True)
    )
    return {
        "one": {"folder": shown(one), "name": f"{a['experiment']}:{a['preset']}"},
        "two": {"folder": shown(two), "name": f"{b['experiment']}:{b['preset']}"},
        "config": config,
        "code": changed(a["fingerprint"], b["fingerprint"]),
        "versions": {
            k: [a["versions"].get(k), b["versions"].get(k)]
            for k in sorted(a["versions"].keys() | b["versions"].keys())
            if a["versions"].get(k) != b["versions"].get(k)
        },
        "seconds": [a["seconds"], b["seconds"]],
        "arrays": {"equal": same, "all": sorted(arrays_a.keys() | arrays_b.keys())},
        "claims": rows,
    }


def _values(name: str, mine, other, seeds_a: list, seeds_b: list) -> dict:
    row: dict = {"id": name, "words": [mine.word, other.word]}
    row["estimates"] = [mine.estimate, other.estimate]
    x, y = (np.asarray([np.nan if v is None else v for v in r.per_seed]) for r in (mine, other))
    shared = [s for s in seeds_a if s in seeds_b]
    paired = len(x) == len(seeds_a) and len(y) == len(seeds_b) and len(shared) >= 2
    if paired:
        d = x[[seeds_a.index(s) for s in shared]] - y[[seeds_b.index(s) for s in shared]]
        interval = stats.t_interval(d) if np.isfinite(d).all() else None
    else:
        interval = welch(x, y)
    row["paired"] = paired
    row["difference"] = list(interval) if interval else None
    return row


def welch(x: np.ndarray, y: np.ndarray, alpha: float = stats.ALPHA) -> stats.Interval | None:
    """Interval of mean(x) - mean(y), unequal variances.  x [n], y [m]; None if undefined."""
    if min(len(x), len(y)) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    a, b = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    difference = float(x.mean() - y.mean())
    if a + b == 0:
        return stats.Interval(difference, difference, difference)
    df = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    half = float(stats.t_quantile(df, 1 - alpha)) * float(np.sqrt(a + b))
    return stats.Interval(difference, difference - half, difference + half)


def text(found: dict) -> str:
    """For people."""
    lines = [f"one: {found['one']['folder']}", f"two: {found['two']['folder']}"]
    for key, (x, y) in found["config"].items():
        lines.append(f"  {key}: {x} | {y}")
    if not found["config"]:
        lines.append("  same settings")
    lines.append("  code: " + (", ".join(found["code"]) or "the same"))
    for key, (x, y) in found["versions"].items():
        lines.append(f"  {key}: {x} | {y}")
    equal, every = len(found["arrays"]["equal"]), len(found["arrays"]["all"])
    lines.append(f"  arrays: {equal} of {every} bitwise equal")
    rows = []
    for r in found["claims"]:
        d = r["difference"]
        how = "paired" if r["paired"] else "unpaired"
        difference = f"{number(d[0])} [{number(d[1])}, {number(d[2])}] {how}" if d else "–"
        one, two = (f"{number(e)} {w}" for e, w in zip(r["estimates"], r["words"], strict=True))
        rows.append([r["id"], one, two, difference])
    lines.append(table(rows, ["claim", "one", "two", "one - two, 90 % interval"]))
    return "\n".join(lines)
