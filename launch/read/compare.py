"""Two runs side by side: settings, code, verdicts, and every measured value with an interval."""

from pathlib import Path

import numpy as np

from common import stats
from launch.errors import UserError
from launch.paths import shown
from launch.read import report
from launch.read.cards import number
from launch.record import store
from launch.record.fingerprint import changed
from launch.settings import typed
from launch.terminal import table


def two_runs(words: list[str]) -> tuple[Path, Path]:
    """The run folders that were asked for: RUN [key=value …] [RUN [key=value …]].

    Errors: UserError.
    """
    asked: list[list[str]] = []
    for word in words:
        if "=" in word and asked and not Path(word).is_dir():
            asked[-1].append(word)
        else:
            asked.append([word])
    if len(asked) > 2:
        raise UserError(f"compare takes two runs, not {len(asked)} ({asked[2][0]!r})")
    folders = [store.locate(name, settings) for name, *settings in asked]
    return folders[0], folders[1] if folders[1:] else store.reference_of(folders[0])


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
    seeds = [info["config"]["seeds"] for info in (a, b)]
    for claim, mine in zip(claims, va, strict=True):
        other = others.get(claim.id)
        if other is not None:
            rows.append(_values(claim.id, mine, other, *seeds))
    flags = [store.environment(info) for info in (a, b)]
    config |= {
        k: [f.get(k) for f in flags]
        for k in sorted(flags[0].keys() | flags[1].keys())
        if flags[0].get(k) != flags[1].get(k)
    }
    is_reference = two == store.reference(a["experiment"], a["preset"])
    return {
        "one": _side(one, a),
        "two": _side(two, b),
        "config": config,
        "code": changed(a["fingerprint"], b["fingerprint"]),
        "versions": {
            k: [a["versions"].get(k), b["versions"].get(k)]
            for k in sorted(a["versions"].keys() | b["versions"].keys())
            if a["versions"].get(k) != b["versions"].get(k)
        },
        "seconds": [a.get("seconds"), b.get("seconds")],
        "arrays": _arrays((a, store.arrays(one)), (b, store.arrays(two))),
        "claims": rows,
        "pairing": _pairing(a, b, "" if is_reference else _name(b, b["overrides"])).rstrip(),
    }


def _side(folder: Path, info: dict) -> dict:
    """Which run was taken, and when it ran."""
    name = _name(info, info["overrides"])
    return {"folder": shown(folder), "name": name, "date": info.get("started", "")}


def _name(info: dict, overrides: dict) -> str:
    """NAME:preset key=value …, as one types it in a shell."""
    return f"{info['experiment']}:{info['preset']} {typed(overrides)}".rstrip()


def _pairing(a: dict, b: dict, two: str) -> str:
    """What to type where too few seeds are shared to compare seed by seed; else empty.

    two: the second run as one types it, empty where it is the committed reference of the first.
    """
    shared = set(a["config"]["seeds"]) & set(b["config"]["seeds"])
    if len(shared) >= 2:
        return ""
    how_many = "one seed" if shared else "no seed"
    if len(b["config"]["seeds"]) < 2:
        return f"{how_many} in common: two or more would pair them"
    again = _name(a, a["overrides"] | {"seeds": b["config"]["seeds"]})
    return f"{how_many} in common: ./lab run {again} pairs them; then ./lab compare {again} {two}"


def _arrays(*runs: tuple[dict, dict]) -> dict:
    """Names of all, of those with the same bits, and how far apart the others are.

    runs: run.json and arrays of two. What a run returned and a reference does not keep is not
    compared.
    """
    (_, one), (_, two) = runs
    both = [k for k in one if k in two and one[k].dtype == two[k].dtype]
    equal = [k for k in both if np.array_equal(one[k], two[k], True)]
    left_out = {k for info, stored in runs for k in info.get("arrays", ()) if k not in stored}
    every = sorted((one.keys() | two.keys()) - left_out)
    differ = {k: difference(one.get(k), two.get(k)) for k in every if k not in equal}
    return {
        "equal": sorted(equal),
        "all": every,
        "differ": differ,
        "not_kept": sorted(left_out & (one.keys() | two.keys())),
    }


def difference(x: np.ndarray | None, y: np.ndarray | None) -> float | str:
    """Largest difference of two arrays over their largest finite entry, or why there is none."""
    if x is None or y is None:
        return f"only in {'two' if x is None else 'one'}"
    if x.shape != y.shape:
        return f"shapes {list(x.shape)} and {list(y.shape)}"
    if x.dtype != y.dtype:
        return f"{x.dtype} and {y.dtype}"
    x, y = x.astype(float), y.astype(float)
    finite = np.isfinite(x)
    if (finite != np.isfinite(y)).any():
        return f"finite in one alone in {(finite != np.isfinite(y)).sum()} places"
    if not np.array_equal(x[~finite], y[~finite], True):
        return "infinite with another sign"
    x, y = x[finite], y[finite]
    return float(np.abs(x - y).max() / max(np.abs(x).max(), np.abs(y).max()))


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


MOST = 12  # arrays in words


def text(found: dict) -> str:
    """For people."""
    lines = []
    for which in ("one", "two"):
        side = found[which]
        lines += [f"{which}: {side['name']}, run {side['date']}", f"     {side['folder']}"]
    for key, (x, y) in found["config"].items():
        lines.append(f"  {key}: {x} | {y}")
    if not found["config"]:
        lines.append("  same settings")
    lines.append("  code: " + (", ".join(found["code"]) or "the same"))
    for key, (x, y) in found["versions"].items():
        lines.append(f"  {key}: {x} | {y}")
    lines += _arrays_text(found["arrays"])
    rows = []
    for r in found["claims"]:
        d = r["difference"]
        how = "paired" if r["paired"] else "unpaired"
        difference = f"{number(d[0])} [{number(d[1])}, {number(d[2])}] {how}" if d else "–"
        one, two = (f"{number(e)} {w}" for e, w in zip(r["estimates"], r["words"], strict=True))
        rows.append([r["id"], one, two, difference])
    lines.append(table(rows, ["claim", "one", "two", "one - two, 90 % interval"]))
    return "\n".join(lines + [found["pairing"]] * bool(found["pairing"]))


def _arrays_text(arrays: dict) -> list[str]:
    """How many are equal; of the others the worst relative difference, worst first."""
    head = f"  arrays: {len(arrays['equal'])} of {len(arrays['all'])} bitwise equal"
    if arrays["not_kept"]:
        head += f" ({', '.join(arrays['not_kept'])} not kept in the reference)"
    if not arrays["differ"]:
        return [head]
    words = {k: v for k, v in arrays["differ"].items() if isinstance(v, str)}
    sizes = sorted((v, k) for k, v in arrays["differ"].items() if not isinstance(v, str))
    rows = [[f"    {k}", v] for k, v in words.items()]
    rows += [[f"    {k}", number(v)] for v, k in reversed(sizes)]
    more = [f"    and {len(rows) - MOST} more (--json)"] if len(rows) > MOST else []
    return [f"{head}; the others' largest difference over their scale:",
            *table(rows[:MOST]).split("\n"), *more]  # fmt: skip
