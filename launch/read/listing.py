"""`./lab list`: every paper by theme, what of it holds, how long it takes, whether that is true."""

import contextlib
import shutil
from collections import Counter

from launch.errors import UserError, nearest
from launch.paths import EXPERIMENTS, cache, results, slugs
from launch.record import fingerprint, kept, ledger, reader, store
from launch.terminal import coloured, duration, table

SIGN = {
    "pass": "✓",
    "fail": "✗",
    "inconclusive": "~",
    "invalid": "!",
    "error": "!",
    "untested": "·",
}
LEGEND = "✓ holds  ✗ does not  ~ undecided  ! invalid  · untested"
PRESET_SEEDS = 5  # of a run.json that does not say how many its preset has
FORM = 3  # of the cached summaries


def rows(words: list[str] | None = None) -> list[dict]:
    """One record an experiment that the words select: title, theme, claims by state, headlines
    [held, total], laptop seconds, hardware, standing.  Errors: UserError."""
    known = _summaries()
    with fingerprint.CACHE.at_once():
        return [_row(slug, known[slug]) for slug in _chosen(words or [], known)]


def select(words: list[str]) -> list[str]:
    """Experiments that all words match (name, title, authors or theme) and, where theme:NAME is
    among them, that have one of these themes.  Errors: UserError where there are none."""
    return _chosen(words, _summaries())


def _chosen(words: list[str], known: dict[str, dict]) -> list[str]:
    themes = {s: k["paper"].get("theme", "") for s, k in known.items()}
    wanted = {w.removeprefix("theme:") for w in words if w.startswith("theme:")}
    for theme in sorted(wanted - set(themes.values())):
        raise UserError(
            f"no paper has the theme {theme!r}; {nearest(theme, set(themes.values()) - {''})}"
        )
    plain = [w.casefold() for w in words if not w.startswith("theme:")]

    def matches(slug: str) -> bool:
        paper = known[slug]["paper"]
        text = " ".join([slug, *(paper.get(k, "") for k in ("title", "authors", "theme"))])
        return all(w in text.casefold() for w in plain)

    found = [s for s in known if matches(s) and (not wanted or themes[s] in wanted)]
    if words and not found:
        raise UserError(f"no paper matches {' '.join(words)!r}; ./lab list shows them all")
    return found


def _row(slug: str, summary: dict) -> dict:
    newest, now = summary["newest"], fingerprint.fingerprint(slug)
    states: Counter[str] = Counter()
    standings, headlines, chances = set(), [], []
    for claim in summary["claims"]:
        line = newest.get(claim["id"])
        standing = ledger.standing(line, claim, now)
        decided = line["state"] if line and standing in ("fresh", "stale") else "untested"
        states["invalid" if standing == "thresholds changed" else decided] += 1
        standings.add(standing)
        if claim["headline"]:
            controlled = line and line["control"] in ("fails", "undecided")
            headlines.append(decided == "pass" and bool(controlled))
            chances += [line["repeats"]] if line and line["repeats"] is not None else []
    order = ("thresholds changed", "stale", "untested", "fresh")
    stale = "stale" in standings
    return {
        "name": slug,
        "title": summary["paper"].get("title", ""),
        "authors": summary["paper"].get("authors", ""),
        "venue": summary["paper"].get("venue", ""),
        "theme": summary["paper"].get("theme", ""),
        "claims": dict(states),
        "headlines": [sum(headlines), len(headlines)],
        "repeats": min(chances, default=None),  # the least chance among the headlines' verdicts
        "laptop_seconds": summary["seconds"],
        "hardware": summary["paper"].get("hardware", ""),
        "standing": next((s for s in order if s in standings), "untested"),
        "changed": ledger.changes(slug, summary["claims"]) if stale else [],
        "parent": store.peek(EXPERIMENTS / slug / "lineage.json").get("parent"),
        "error": summary["error"],
    }


def _changed(row: dict, width: int) -> str:
    """What made a paper stale: the first of it, and how much more."""
    more = f" and {len(row['changed']) - 1} more" if len(row["changed"]) > 1 else ""
    text = f"    changed since: {row['changed'][0]}{more}"
    return text if len(text) <= width else text[: width - 1] + "…"


def expected(run: dict) -> float | None:
    """Seconds that the preset takes as it stands, by a run of it on any number of seeds.

    By the clock, or by CPU where a busy machine made the clock run on: a run uses a core or more.
    """
    took = store.seconds(run)
    if not run.get("seconds_before"):  # CPU is of the last attempt
        took = min(took, run.get("cpu_seconds") or took)
    seeds = len(run.get("config", {}).get("seeds", ())) or PRESET_SEEDS
    return took * run.get("preset_seeds", PRESET_SEEDS) / seeds or None


def _summaries() -> dict[str, dict]:
    """What list needs of every paper's claims, ledger and reference run, kept in a cache: parsing
    TOML is slow, and ledgers grow."""
    file = cache() / "claims.json"
    old = store.peek(file)
    new = {}
    for slug in slugs():
        run, lines = results() / slug / "laptop" / "run.json", ledger.file(slug)
        key = [FORM, *map(kept.stamp, (EXPERIMENTS / slug / "claims.toml", lines, run))]
        if old.get(slug, {}).get("key") == key:
            new[slug] = old[slug]
            continue
        new[slug] = _summary(slug) | {"seconds": expected(store.peek(run))}
        whole = not (new[slug]["error"] or reader.passed(run) or reader.passed(lines))
        new[slug]["key"] = key if whole else None  # else it is said again
    if new != old:
        with contextlib.suppress(OSError):  # a read-only checkout: slower, not wrong
            store.write_json(file, new)
    return new


def _summary(slug: str) -> dict:
    from launch.read.report import load_claims

    newest = {i: _standing(line) for i, line in ledger.newest(slug).items()}
    try:
        paper, claims = load_claims(slug)
    except UserError as error:
        return {"paper": {}, "claims": [], "newest": newest, "error": str(error)}
    hashes = [{"id": c.id, "t": c.thresholds, "c": c.hash, "headline": c.headline} for c in claims]
    return {"paper": paper, "claims": hashes, "newest": newest, "error": ""}


def _standing(line: dict) -> dict:
    """What decides where a verdict stands, of a ledger line."""
    kept_of_it = {k: line[k] for k in ("state", "control", "thresholds", "claim", "versions")}
    hashes = {k: line["fingerprint"].get(k, "") for k in ledger.HASHES}
    return kept_of_it | {"repeats": line.get("repeats"), "fingerprint": hashes}


def by_theme(found: list[dict]) -> dict[str, list[dict]]:
    """Rows under their theme, in alphabetical order; those without one come last."""
    themes = sorted({r["theme"] for r in found}, key=lambda t: (not t, t))
    return {t: [r for r in found if r["theme"] == t] for t in themes}


def counts(claims: dict[str, int]) -> str:
    """'✓ 5 ✗ 4 · 1'"""
    return " ".join(f"{sign} {claims[s]}" for s, sign in SIGN.items() if claims.get(s))


def text(found: list[dict], width: int = 0) -> str:
    """The rows as a table for people, under their themes; what `width` has no room for is left."""
    width = width or shutil.get_terminal_size((120, 24)).columns
    groups = by_theme(found)
    lines = _table([r for rows in groups.values() for r in rows], width)
    shown = [coloured(lines.pop(0), "bold")]
    for theme, rows in groups.items():
        shown.append(coloured(theme or "not readable", "bold"))
        for r in rows:
            shown.append(lines.pop(0))
            shown += [f"    {r['error']}"] if r["error"] else []
            shown += [coloured(_changed(r, width), "dim")] if r["changed"] else []
    if any(r["changed"] for r in found):
        following = (
            "next: ./lab refresh (does the code as it is give the same bits?), ./lab run NAME"
        )
    else:
        following = "next: ./lab run NAME, ./lab list WORD or theme:NAME"
    return "\n".join([*shown, "", LEGEND, following])


def _table(found: list[dict], width: int) -> list[str]:
    """Header and rows: the title fills what is left, other columns go where there is no room."""
    columns = {
        "name": [f"  {r['name']}" for r in found],
        "headlines": ["{} of {}".format(*r["headlines"]) for r in found],
        "claims": [counts(r["claims"]) for r in found],
        "laptop": [duration(r["laptop_seconds"]) if r["laptop_seconds"] else "–" for r in found],
        "repeats": [f"{r['repeats']:.2f}" if r["repeats"] is not None else "" for r in found],
        "paper scale": [r["hardware"] for r in found],
        "verdicts": [r["standing"] for r in found],
    }
    if not any(columns["repeats"]):
        del columns["repeats"]

    def used() -> int:
        return sum(2 + max(map(len, [name, *cells])) for name, cells in columns.items()) - 2

    for name in ("paper scale", "claims", "repeats", "laptop", "headlines"):
        room = 62 if name == "paper scale" else 0  # a title comes before the hardware
        if used() + room > width:
            columns.pop(name, None)
    room = width - used() - 2
    if room >= 20:
        titles = [r["title"] for r in found]
        cut = [t if len(t) <= room else t[: room - 1].rstrip() + "…" for t in titles]
        columns = {"name": columns.pop("name"), "paper": cut} | columns
    return table(zip(*columns.values(), strict=True), columns).split("\n")
