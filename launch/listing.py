"""`./lab list`: every paper, what of it holds, how long it takes, whether that is still true."""

import contextlib
from collections import Counter

from launch import fingerprint, ledger, store
from launch.errors import UserError
from launch.paths import EXPERIMENTS, cache, results, slugs
from launch.terminal import coloured, duration, table

SIGN = {
    "pass": "✓",
    "fail": "✗",
    "inconclusive": "~",
    "invalid": "!",
    "error": "!",
    "untested": "·",
}


def rows() -> list[dict]:
    """One record an experiment: title, claims by state, laptop seconds, hardware, standing."""
    known = _summaries()
    return [_row(slug, known[slug]) for slug in slugs()]


def _row(slug: str, summary: dict) -> dict:
    newest = ledger.newest(slug)
    now = fingerprint.fingerprint(slug)
    states: Counter[str] = Counter()
    standings = set()
    for claim in summary["claims"]:
        line = newest.get(claim["id"])
        standing = ledger.standing(line, claim, now)
        decided = line["state"] if line and standing in ("fresh", "stale") else "untested"
        states["invalid" if standing == "thresholds changed" else decided] += 1
        standings.add(standing)
    run = store.peek(results() / slug / "laptop" / "run.json")
    order = ("thresholds changed", "stale", "untested", "fresh")
    stale = "stale" in standings
    return {
        "name": slug,
        "title": summary["paper"].get("title", ""),
        "venue": summary["paper"].get("venue", ""),
        "theme": summary["paper"].get("theme", ""),
        "claims": dict(states),
        "laptop_seconds": run.get("seconds", 0.0) + run.get("seconds_before", 0.0) or None,
        "hardware": summary["paper"].get("hardware", ""),
        "standing": next((s for s in order if s in standings), "untested"),
        "changed": ledger.changes(slug, summary["claims"]) if stale else [],
        "parent": summary["parent"],
    }


def _verdicts(row: dict) -> str:
    """Standing; of a stale one what changed: the first of it, and how much more."""
    if row["standing"] != "stale" or not row["changed"]:
        return row["standing"]
    more = f" +{len(row['changed']) - 1}" if len(row["changed"]) > 1 else ""
    return f"stale: {row['changed'][0]}{more}"


def _summaries() -> dict[str, dict]:
    """What list needs of every claims.toml, kept in a cache: parsing TOML is slow."""
    file = cache() / "claims.json"
    old = store.peek(file)
    new = {}
    for slug in slugs():
        source = EXPERIMENTS / slug / "claims.toml"
        stat = source.stat() if source.exists() else None
        key = [stat.st_mtime_ns, stat.st_size] if stat else None
        kept = old.get(slug, {})
        new[slug] = kept if key and kept.get("key") == key else _summary(slug) | {"key": key}
    if new != old:
        with contextlib.suppress(OSError):  # a read-only checkout: slower, not wrong
            store.write_json(file, new)
    return new


def _summary(slug: str) -> dict:
    from launch.report import load_claims

    lineage = store.peek(EXPERIMENTS / slug / "lineage.json")
    try:
        paper, claims = load_claims(slug)
    except UserError as error:
        return {"paper": {"title": f"! {error}"}, "claims": [], "parent": lineage.get("parent")}
    hashes = [{"id": c.id, "t": c.thresholds, "c": c.hash} for c in claims]
    return {"paper": paper, "claims": hashes, "parent": lineage.get("parent")}


def text(found: list[dict]) -> str:
    """The rows as a table for people."""
    lines = []
    for r in found:
        counts = "  ".join(f"{SIGN[s]} {n}" for s, n in sorted(r["claims"].items()))
        took = duration(r["laptop_seconds"]) if r["laptop_seconds"] else "–"
        title = r["title"] if len(r["title"]) < 60 else r["title"][:57] + "…"
        lines.append([r["name"], title, counts, took, r["hardware"], _verdicts(r)])
    header = ["name", "paper", "claims", "laptop", "paper scale", "verdicts"]
    body = table(lines, header).split("\n")
    body[0] = coloured(body[0], "bold")
    legend = "✓ holds  ✗ does not  ~ undecided  ! invalid  · untested"
    return "\n".join([*body, "", f"{legend}      next: ./lab run NAME, or json: ./lab list --json"])
