"""results/INDEX.md (from what is committed) and static pages that open from disk."""

from collections import Counter

from common.claims import SIGNS, Claim
from launch import cards, listing, overview, pages, report, store
from launch.errors import UserError
from launch.pages import LEGEND
from launch.paths import results
from launch.verdicts import current, old_verdict, state_of


def write() -> dict[str, str]:
    """Write INDEX.md and every page; their absolute paths."""
    rows = listing.rows()
    home = results() / "gallery"
    for row in rows:
        store.write_text(home / f"{row['name']}.html", pages.page(row["name"], row, home))
    index = home / "index.html"
    store.write_text(index, overview.overview(rows, home))
    # a fork's folder may be private, and its claims are untested: the index is of papers
    mine = {r["name"]: r for r in rows if not r["parent"]}
    store.write_text(results() / "INDEX.md", markdown(mine))
    named = {"gallery": index, "index": results() / "INDEX.md"}
    return {k: str(v.absolute()) for k, v in named.items()}


# ---- markdown -----------------------------------------------------------------------------------


def markdown(rows: dict[str, dict]) -> str:
    """INDEX.md: committed figures and ledger verdicts only, the same bytes on every machine."""
    total = Counter[str]()
    for r in rows.values():
        total.update(r["claims"])
    counts = " · ".join(f"{SIGNS[s]} {n}" for s, n in sorted(total.items()))
    lines = ["# Papers and verdicts", "", f"{len(rows)} papers; claims: {counts}", "", LEGEND, ""]
    lines += ["Made by `./lab gallery` from the ledgers.", ""]
    for slug, r in rows.items():
        lines += [
            f"## [{slug}](../experiments/{slug}/README.md)",
            "",
            f"{r['title']} ({r['venue']})",
        ]
        lines += ["", "| claim | verdict | ours | paper | control |", "|---|---|---|---|---|"]
        for claim, line, standing in current(slug, _claims(slug)):
            state, word = state_of(line, standing)
            stale = " **STALE**" if standing == "stale" else ""
            ours = cards.value(old_verdict(line)) if line else ""
            control = cards.CONTROLS.get(line["control"], "") if line else ""
            star = "*" if claim.headline else ""
            cells = [f"{SIGNS[state]} {claim.id}{star}: {claim.text}", word + stale, ours]
            cells += [str(claim.paper["value"]), control]
            lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
        folder = store.reference(slug)
        for name, words in store.figures(folder).items():
            lines += ["", f"![{words['alt']}]({slug}/laptop/{name}.png)", "", words["caption"]]
        lines.append("")
    return "\n".join(lines)


def _claims(slug: str) -> list[Claim]:
    try:
        return report.load_claims(slug)[1]
    except UserError:
        return []
