"""The page of a paper: its figures with the claims they show, headlines as cards, a table."""

import os
from html import escape
from pathlib import Path
from typing import NamedTuple

from common.claims import SIGNS, Claim
from common.files import FileError
from launch.errors import UserError
from launch.read import cards, cite, report
from launch.read.verdicts import LEGEND, current, old_verdict, state_of
from launch.record import ledger, store
from launch.record.reader import pass_over
from launch.terminal import duration

CSS = Path(__file__).with_name("gallery.css")


class Shown(NamedTuple):
    """A claim and all that is known of it."""

    claim: Claim
    line: dict | None  # its newest ledger line
    standing: str
    mine: tuple | None = None  # (verdict, run.json) of the reader's newest run

    @property
    def state(self) -> str:
        return state_of(self.line, self.standing)[0]

    @property
    def name(self) -> str:
        """'✓ ms1 *'"""
        return f"{SIGNS[self.state]} {self.claim.id}{' *' if self.claim.headline else ''}"


def html(title: str, body: str, script: str = "") -> str:
    """A whole page; nothing from the network."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS.read_text()}</style></head>"
        f"<body>{body}{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def page(slug: str, row: dict, home: Path) -> str:
    """One paper, for the folder `home`; row: its record of listing.rows."""
    try:
        paper, claims = report.load_claims(slug)
    except UserError as error:
        return html(slug, f"<h1>{escape(slug)}</h1><p>{escape(str(error))}</p>")
    committed, yours = store.reference(slug), store.latest(slug, "laptop")
    mine = {}
    if yours:
        try:
            info, _, verdicts = report.decided(yours)
            mine = {v.id: (v, info) for v in verdicts}
        except (UserError, FileError) as error:  # the committed ones are shown all the same
            pass_over(yours, str(error))
            yours = None
    shown = [Shown(c, line, how, mine.get(c.id)) for c, line, how in current(slug, claims)]
    headlines = [s for s in shown if s.claim.headline]
    others = [s for s in shown if not s.claim.headline]
    body = _head(slug, paper, row, committed or yours)
    body += _parent(row["parent"]) if row["parent"] else ""
    body += _figures(committed or yours, home, shown)
    body += f'<h2>Headline claims</h2><p class="soft">{escape(LEGEND)}</p>'
    body += f'<div class="cards">{"".join(_card(slug, s) for s in headlines)}</div>'
    if others:
        rows = "".join(_row(slug, s) for s in others)
        head = "<div class=head><span>claim</span><span>ours</span><span>paper</span></div>"
        body += f'<h2>Other claims</h2><div class="table">{head}{rows}</div>'
    body += _cite(slug)
    if committed and yours:
        when = f'<p class="soft">{escape(info["started"])}, {escape(str(yours))}</p>'
        body += f"<h2>Figures of your newest run</h2>{when}{_figures(yours, home, [])}"
    return html(paper["title"], body)


def _head(slug: str, paper: dict, row: dict, folder: Path | None) -> str:
    arxiv = ""
    if paper["arxiv"] != "none":
        link = escape(f"https://arxiv.org/abs/{paper['arxiv']}")
        arxiv = f' · <a href="{link}">arXiv {escape(paper["arxiv"])}</a>'
    theme = escape(row["theme"])
    took = f" ({duration(row['laptop_seconds'])} on a laptop)" if row["laptop_seconds"] else ""
    stale = ' · <span class="flag">STALE</span>' if row["standing"] == "stale" else ""
    links = " · ".join(f'<a href="#{n}">{n}</a>' for n in map(escape, store.figures(folder)))
    return (
        f'<p class="soft"><a href="index.html">all papers</a> · '
        f'<a href="index.html#theme={theme}">{theme}</a></p><h1>{escape(paper["title"])}</h1>'
        f"<p>{escape(paper['authors'])}, {escape(paper['venue'])}{arxiv}</p>"
        f'<p class="soft">Rerun: <code>./lab run {slug}</code>{took} · decide: '
        f"<code>./lab verify {slug} --seeds 2000-2004</code> · fork: "
        f"<code>./lab fork {slug} my_{slug}</code></p>"
        f"<p>{held(row)}{stale}</p>" + (f'<p class="soft">{links}</p>' if links else "")
    )


def held(row: dict) -> str:
    """How many headlines hold, of a record of listing.rows."""
    if set(row["claims"]) <= {"untested"}:
        return "not verified yet"
    return "{} of {} headline claims hold".format(*row["headlines"])


def _cite(slug: str) -> str:
    found = cite.text(cite.entries(slug))
    return f"<h2>Cite</h2><p><code>./lab cite {slug}</code></p><pre>{escape(found)}</pre>"


def _parent(parent: str) -> str:
    """The parent's verdicts, beside a fork that has none of its own."""
    lines = ledger.newest(parent)
    items = "".join(
        f"<li>{SIGNS[x['state']]} {escape(i)}: {escape(x['word'])}</li>" for i, x in lines.items()
    )
    return f"<h2>A fork of {escape(parent)}, whose verdicts are</h2><ul>{items}</ul>"


def _figures(folder: Path | None, home: Path, shown: list[Shown]) -> str:
    """Every figure of a run folder, its caption, and the claims that name it."""
    if folder is None:
        return ""
    parts = []
    for name, words in store.figures(folder).items():
        png, said = relative(folder / f"{name}.png", home), escape(name)
        claims = "".join(_claim_line(s) for s in shown if shows(name, s.claim))
        files = {"numbers": folder / f"{name}.csv", "SVG": folder / f"{name}.svg"}
        more = "".join(
            f' · <a href="{relative(file, home)}">{text}</a>'
            for text, file in files.items()
            if file.exists()
        )
        where = f' id="{said}"' if shown else ""  # those of your own run come second
        parts.append(
            f'<figure{where}><img src="{png}" alt="{escape(words["alt"], quote=True)}"'
            f' loading="lazy"><figcaption><b>{said}</b>{more}<br>{escape(words["caption"])}'
            f"</figcaption>{f'<ul>{claims}</ul>' if claims else ''}</figure>"
        )
    return "".join(parts)


def shows(name: str, claim: Claim) -> bool:
    """Whether a claim says that it is to be seen in this figure: 'fig2' or its whole name."""
    return bool(claim.figure) and (name == claim.figure or name.startswith(f"{claim.figure}_"))


def _claim_line(s: Shown) -> str:
    """A claim below the figure that shows it: what the paper has, what came out here."""
    ours = cards.value(old_verdict(s.line)) if s.line else ""
    facts = f"paper: {s.claim.paper['value']}" + (f" · ours: {ours}" if ours else "")
    return (
        f'<li class="{s.state}"><a class="word" href="#{s.claim.id}">{escape(s.name)}</a> '
        f'{escape(s.claim.text)}<div class="soft">{escape(facts)}</div></li>'
    )


def _card(slug: str, s: Shown) -> str:
    return (
        f'<article class="card {s.state}" id="{s.claim.id}"><div>{_word(s)}</div>'
        f"<h3>{escape(s.name[2:])}: {escape(s.claim.text)}</h3>{_facts(slug, s)}</article>"
    )


def _row(slug: str, s: Shown) -> str:
    """A row of the table, which opens to what a card holds."""
    ours = cards.value(old_verdict(s.line)) if s.line else ""
    return (
        f'<details class="{s.state}" id="{s.claim.id}"><summary><span><span class="word">'
        f"{escape(s.name)}</span> {escape(s.claim.text)}</span><span>{escape(ours)}</span>"
        f"<span>{escape(str(s.claim.paper['value']))}</span></summary>"
        f'<div class="body">{_word(s)}{_facts(slug, s)}</div></details>'
    )


def _word(s: Shown) -> str:
    """The verdict in words, how sure it is to come again, and since when it is out of date."""
    state, word = state_of(s.line, s.standing)
    text = f'<span class="word">{SIGNS[state]} {escape(word)}</span>'
    if s.line and s.line.get("repeats") is not None:
        text += f' <span class="soft">repeats {s.line["repeats"]:.2f}</span>'
    if s.standing == "stale":
        text += ' <span class="flag">STALE: the code changed since</span>'
    return text


def _facts(slug: str, s: Shown) -> str:
    claim, line = s.claim, s.line
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
    if s.mine:
        verdict, info = s.mine
        seeds = ", ".join(map(str, info["config"]["seeds"]))
        text = f"{SIGNS[verdict.state]} {verdict.word} {cards.value(verdict)} (seeds {seeds})"
        facts.append(("Your run", text))
    if line:
        facts.append(("Run", _run(slug, claim, line)))
    if claim.note:
        facts.append(("Note", claim.note))
    rows = "".join(f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in facts)
    return f"<dl>{rows}<dt>Rerun</dt><dd><code>./lab verify {slug}</code></dd></dl>"


def _run(slug: str, claim: Claim, line: dict) -> str:
    device = line["devices"]
    seeds = f"{len(line['seeds'])} seeds ({line['seeds'][0]}–{line['seeds'][-1]})"
    took = f"{duration(line['seconds'])} on {device['count']} x {device['kind']}"
    count = ledger.times_decided(slug, claim.id)
    often = f", decided {count} times" if count > 1 else ""
    carried = f"; {text}" if (text := ledger.carried_text(line)) else ""
    return f"{seeds}, {line['date'][:10]}, {took}{often}{carried}"


def _control(claim: Claim, line: dict) -> str:
    if not claim.falsifier:
        return "no negative control: does not count as a headline"
    what = f"{claim.falsifier['name']} ({' '.join(claim.falsifier['override'])})"
    score = cards.number(line["control_value"])
    mutants = f"; refused mutants: {', '.join(line['mutants'])}" if line["mutants"] else ""
    return f"{what}: {cards.CONTROLS[line['control']]}, scores {score}{mutants}"


def relative(target: Path, home: Path) -> str:
    """A link from a page in `home`, so that the folder can be moved."""
    return escape(os.path.relpath(target, home), quote=True)
