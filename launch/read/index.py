"""results/INDEX.md and results/NAME/README.md: the papers as text, from what is committed alone.

The same bytes on every machine. Forks stay out: their folders may be private.
"""

import re
from collections import Counter
from pathlib import Path

from common.claims import SIGNS, THEMES, Claim
from launch.errors import UserError
from launch.paths import results
from launch.read import cards, cite, listing, report
from launch.read.verdicts import LEGEND, current, old_verdict, state_of
from launch.record import ledger, store
from launch.terminal import duration

TITLE = 60  # characters of a title in the table


def write(rows: list[dict] | None = None) -> Path:
    """Write the page of every paper that was verified, and INDEX.md; its path.

    rows: those of `listing.rows`.
    """
    papers = [r for r in rows or listing.rows() if not r["parent"]]
    for row in papers:
        if verified(row["name"]):
            store.write_text(results() / row["name"] / "README.md", page(row))
    store.write_text(results() / "INDEX.md", table(papers))
    return results() / "INDEX.md"


def _no_tags(text: str) -> str:
    """Markdown in which nothing is HTML: we write none, and texts of papers are texts."""
    return re.sub("<(?=[A-Za-z/!?])", "&lt;", text)


def verified(slug: str) -> bool:
    return (results() / slug / "ledger.jsonl").exists()


def table(rows: list[dict]) -> str:
    """INDEX.md: one row a paper, by theme."""
    total = Counter[str]()
    for r in rows:
        total.update(r["claims"])
    lines = [
        "# Papers and verdicts",
        "",
        f"{len(rows)} papers; claims: {listing.counts(total)}",
        "",
    ]
    lines += [LEGEND, "", "Made by `./lab gallery` from the ledgers.", ""]
    lines += [
        "| theme | paper | title | claims | headlines | laptop |",
        "|---|---|---|---|---|---|",
    ]
    order = {theme: i for i, theme in enumerate(THEMES)}
    last = ""
    for row in sorted(rows, key=lambda r: (order.get(r["theme"], len(order)), r["name"])):
        lines.append(_row(row, "" if row["theme"] == last else row["theme"]))
        last = row["theme"]
    return _no_tags("\n".join(lines) + "\n")


def _row(row: dict, theme: str) -> str:
    slug, title = row["name"], row["title"]
    page_of = f"{slug}/README.md" if verified(slug) else f"../experiments/{slug}/README.md"
    hold, headlines = row["headlines"]
    took = duration(row["laptop_seconds"]) if row["laptop_seconds"] else ""
    short = title if len(title) <= TITLE else title[: TITLE - 1].rsplit(" ", 1)[0] + "…"
    stale = " STALE" if row["standing"] == "stale" else ""
    cells = [theme, f"[{slug}]({page_of})", short, listing.counts(row["claims"]) + stale]
    return _cells([*cells, f"{hold} of {headlines}", took])


def _cells(cells: list[str]) -> str:
    return "| " + " | ".join(" ".join(c.replace("|", "\\|").split()) for c in cells) + " |"


def _loaded(slug: str) -> tuple[dict, list[Claim]]:
    try:
        return report.load_claims(slug)
    except UserError:
        return {}, []


def page(row: dict) -> str:
    """results/NAME/README.md: figures first, then every claim."""
    slug = row["name"]
    paper, claims = _loaded(slug)
    decided = current(slug, claims)
    lines = [f"# {row['title']}", "", _source(paper), "", _commands(slug, row), ""]
    lines += [_run(decided), ""]
    folder = store.reference(slug)
    for name, words in store.figures(folder).items():
        alt = words["alt"].replace("[", "\\[").replace("]", "\\]")
        lines += [f"![{alt}](laptop/{name}.png)", "", words["caption"], ""]
    lines += ["## Claims", "", LEGEND, ""]
    chances = any(line and line.get("repeats") is not None for _, line, _ in decided)
    head = ["claim", "verdict", "ours", "paper", "control", *(["repeats"] if chances else [])]
    lines += [_cells(head), "|---" * len(head) + "|"]
    lines += [_claim(*d, chances=chances) for d in decided]
    notes = [f"- {c.id}: {c.note}" for c, line, s in decided if c.note and _failed(line, s)]
    if notes:
        lines += ["", "What we think of those that do not hold:", "", *notes]
    if paper:
        bibtex = cite.text(cite.entries(slug))
        lines += ["", "## Cite", "", f"`./lab cite {slug}`:", "", "```bibtex", bibtex, "```"]
    return _no_tags("\n".join(lines) + "\n")


def _source(paper: dict) -> str:
    parts = [paper.get("authors", ""), paper.get("venue", "")]
    if paper.get("arxiv", "none") != "none":
        parts.append(f"[arXiv {paper['arxiv']}](https://arxiv.org/abs/{paper['arxiv']})")
    return ", ".join(p for p in parts if p)


def _commands(slug: str, row: dict) -> str:
    took = f" ({duration(row['laptop_seconds'])})" if row["laptop_seconds"] else ""
    return (
        f"Rerun: `./lab run {slug}`{took} · decide on other seeds: "
        f"`./lab verify {slug} --seeds 2000-2004` · fork: `./lab fork {slug} my_{slug}` · "
        f"[what the paper says, equations, differences](../../experiments/{slug}/README.md)"
    )


def _run(decided: list[tuple]) -> str:
    """When and on what the newest verdicts were decided."""
    lines = [line for _, line, _ in decided if line]
    if not lines:
        return "Not verified yet."
    line = max(lines, key=lambda x: x["date"])
    seeds, device = line["seeds"], line["devices"]
    text = f"Decided on seeds {seeds[0]}–{seeds[-1]}, {line['date'][:10]}, {device['count']} x "
    return text + f"{device['kind']}; every earlier verdict is in [ledger.jsonl](ledger.jsonl)."


def _claim(claim: Claim, line: dict | None, standing: str, *, chances: bool) -> str:
    state, word = state_of(line, standing)
    star = "*" if claim.headline else ""
    cells = [f"{SIGNS[state]} {claim.id}{star}: {claim.text}", word]
    if standing == "stale":
        cells[1] += " **STALE**"
    if line and line.get("carried"):
        cells[1] += f" ({ledger.carried_text(line)})"
    cells.append(cards.value(old_verdict(line)) if line else "")
    cells.append(str(claim.paper["value"]))
    cells.append(cards.CONTROLS.get(line["control"], "") if line else "")
    if chances:
        chance = line.get("repeats") if line else None
        cells.append("" if chance is None else f"{chance:.2f}")
    return _cells(cells)


def _failed(line: dict | None, standing: str) -> bool:
    return line is not None and state_of(line, standing)[0] != "pass"
