"""Static pages that open from disk; beside them the index and the papers' pages as text."""

import os
from collections import Counter
from html import escape
from pathlib import Path

from common.claims import SIGNS, Claim
from launch import cards, index, ledger, listing, report, store
from launch.errors import UserError
from launch.index import LEGEND, current, old_verdict, state_of
from launch.paths import results, slugs
from launch.terminal import duration

CSS = Path(__file__).with_name("gallery.css")


def write() -> dict[str, str]:
    """Write every page and the index; their absolute paths."""
    rows = {r["name"]: r for r in listing.rows()}
    home = results() / "gallery"
    pages = {}
    for slug in slugs():
        pages[slug] = home / f"{slug}.html"
        store.write_text(pages[slug], page(slug, rows[slug], home))
    first = home / "index.html"
    store.write_text(first, overview(rows, home))
    named = {"gallery": first, "index": index.write(list(rows.values()))}
    return {k: str(v.absolute()) for k, v in named.items()}


# ---- HTML ---------------------------------------------------------------------------------------


def html(title: str, body: str) -> str:
    """A whole page; no script, nothing from the network."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS.read_text()}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def overview(rows: dict[str, dict], home: Path) -> str:
    """The first page: one card a paper."""
    total = Counter[str]()
    for r in rows.values():
        total.update(r["claims"])
    counts = ", ".join(f"{SIGNS[s]} {n} {s}" for s, n in sorted(total.items()))
    blocks = []
    for slug, r in rows.items():
        folder = store.reference(slug) or store.latest(slug, "laptop")
        figures = list(store.figures(folder))
        image = ""
        if folder and figures:
            source = _relative(folder / f"{figures[0]}.png", home)
            image = f'<a href="{slug}.html"><img src="{source}" alt="" loading="lazy"></a>'
        states = " ".join(
            f'<span class="word {s}">{SIGNS[s]} {n}</span>' for s, n in sorted(r["claims"].items())
        )
        took = f" · {duration(r['laptop_seconds'])} on a laptop" if r["laptop_seconds"] else ""
        fork = f" · fork of {escape(r['parent'])}" if r["parent"] else ""
        flag = ' <span class="flag">STALE</span>' if r["standing"] == "stale" else ""
        blocks.append(
            f'<article class="card">{image}<div class="body"><h3><a href="{slug}.html">'
            f"{escape(r['title'])}</a></h3><p class=soft>{escape(slug)} · {escape(r['venue'])}"
            f"{took}{fork}</p><div>{states}{flag}</div></div></article>"
        )
    head = (
        "<h1>Reprise: papers rerun, claims decided</h1>"
        f"<p>{len(rows)} papers, {escape(counts)}.</p>"
        f'<p class="soft">{escape(LEGEND)}</p>'
    )
    return html("Reprise", head + f'<div class="papers">{"".join(blocks)}</div>')


def page(slug: str, row: dict, home: Path) -> str:
    """One paper: its claims as cards, its figures, what your own newest run decided."""
    try:
        paper, claims = report.load_claims(slug)
    except UserError as error:
        return html(slug, f"<h1>{escape(slug)}</h1><p>{escape(str(error))}</p>")
    yours = store.latest(slug, "laptop")
    mine = {}
    if yours:
        info, _, verdicts = report.decide(yours)
        mine = {v.id: (v, info) for v in verdicts}
    arxiv = ""
    if paper["arxiv"] != "none":
        link = escape(f"https://arxiv.org/abs/{paper['arxiv']}")
        arxiv = f' · <a href="{link}">arXiv {escape(paper["arxiv"])}</a>'
    head = (
        f'<p class="soft"><a href="index.html">all papers</a></p><h1>{escape(paper["title"])}</h1>'
        f"<p>{escape(paper['authors'])}, {escape(paper['venue'])}{arxiv}</p>"
        f'<p class="soft">Rerun: <code>./lab run {slug}</code> · decide: '
        f"<code>./lab verify {slug} --seeds 2000-2004</code> · fork: "
        f"<code>./lab fork {slug} my_{slug}</code></p>"
    )
    parent = ""
    if row["parent"]:
        parent = _parent(row["parent"])
    blocks = [
        _card(slug, c, line, standing, mine.get(c.id))
        for c, line, standing in current(slug, claims)
    ]
    body = head + parent + f'<h2>Claims</h2><p class="soft">{escape(LEGEND)}</p>'
    body += f'<div class="cards">{"".join(blocks)}</div>'
    for title, folder in (
        ("Figures", store.reference(slug)),
        ("Figures of your newest run", yours),
    ):
        if folder:
            body += f"<h2>{title}</h2>" + _figures(folder, home)
    return html(paper["title"], body)


def _parent(parent: str) -> str:
    """The parent's verdicts, beside a fork that has none of its own."""
    lines = ledger.newest(parent)
    items = "".join(
        f"<li>{SIGNS[x['state']]} {escape(i)}: {escape(x['word'])}</li>" for i, x in lines.items()
    )
    return f"<h2>A fork of {escape(parent)}, whose verdicts are</h2><ul>{items}</ul>"


def _card(slug: str, claim: Claim, line: dict | None, standing: str, mine: tuple | None) -> str:
    state, word = state_of(line, standing)
    facts: list[tuple[str, str]] = [("Where", claim.where)]
    facts.append(("Paper", f"{claim.paper['value']} ({claim.paper['from']})"))
    if line:
        verdict = old_verdict(line)
        failed = verdict.state in ("invalid", "error", "untested")
        facts.append(("Ours", verdict.reason if failed else cards.value(verdict)))
        if cards.undecided(verdict):
            facts.append(("Undecided", cards.undecided(verdict)))
    facts.append(("Passes if", f"{cards.region(claim)}. {claim.why}"))
    if line:
        facts.append(("Control", _control(claim, line)))
    if mine:
        verdict, info = mine
        seeds = ", ".join(map(str, info["config"]["seeds"]))
        text = f"{SIGNS[verdict.state]} {verdict.word} {cards.value(verdict)} (seeds {seeds})"
        facts.append(("Your run", text))
    if line:
        device = line["devices"]
        seeds = f"{len(line['seeds'])} seeds ({line['seeds'][0]}–{line['seeds'][-1]})"
        took = f"{duration(line['seconds'])} on {device['count']} x {device['kind']}"
        count = ledger.times_decided(slug, claim.id)
        often = f", decided {count} times" if count > 1 else ""
        facts.append(
            (
                "Run",
                f"{seeds}, {line['date'][:10]}, {took}{often}",
            )
        )
    if claim.note:
        facts.append(("Note", claim.note))
    rows = "".join(f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in facts)
    flag = ' <span class="flag">STALE: the code changed since</span>' if standing == "stale" else ""
    star = " *" if claim.headline else ""
    return (
        f'<article class="card {state}" id="{claim.id}"><div><span class="word">{SIGNS[state]} '
        f"{escape(word)}</span>{flag}</div><h3>{escape(claim.id)}{star}: {escape(claim.text)}</h3>"
        f"<dl>{rows}<dt>Rerun</dt><dd><code>./lab verify {slug}</code></dd></dl></article>"
    )


def _control(claim: Claim, line: dict) -> str:
    if not claim.falsifier:
        return "no negative control: does not count as a headline"
    what = f"{claim.falsifier['name']} ({' '.join(claim.falsifier['override'])})"
    score = cards.number(line["control_value"])
    mutants = f"; refused mutants: {', '.join(line['mutants'])}" if line["mutants"] else ""
    return f"{what}: {cards.CONTROLS[line['control']]}, scores {score}{mutants}"


def _figures(folder: Path, home: Path) -> str:
    parts = []
    for name, words in store.figures(folder).items():
        png = _relative(folder / f"{name}.png", home)
        more = " · ".join(
            f'<a href="{_relative(folder / f"{name}.{kind}", home)}">{what}</a>'
            for kind, what in (("csv", "numbers"), ("svg", "SVG"))
            if (folder / f"{name}.{kind}").exists()
        )
        parts.append(
            f'<figure><img src="{png}" alt="{escape(words["alt"], quote=True)}" loading="lazy">'
            f"<figcaption>{escape(words['caption'])} {more}</figcaption></figure>"
        )
    return "".join(parts)


def _relative(target: Path, home: Path) -> str:
    return escape(os.path.relpath(target, home), quote=True)
