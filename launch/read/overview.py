"""The first page: papers by theme, and a filter that works from disk, without a network."""

from collections import Counter
from html import escape
from pathlib import Path

from common.claims import SIGNS
from launch.read import listing
from launch.read.pages import held, html, relative
from launch.read.verdicts import LEGEND
from launch.record import store
from launch.terminal import duration

SCRIPT = Path(__file__).with_name("gallery.js")
VERDICTS = {  # what one may ask for, and how it is called
    "held": "every headline holds",
    "fail": "a claim does not hold",
    "inconclusive": "a claim is undecided",
    "invalid": "a claim is invalid",
    "untested": "a claim is untested",
    "stale": "stale",
}


def overview(rows: list[dict], home: Path) -> str:
    """The index of all rows of `listing.rows`, for the folder `home`."""
    total = Counter[str]()
    for r in rows:
        total.update(r["claims"])
    counts = ", ".join(f"{SIGNS[s]} {n} {s}" for s, n in sorted(total.items()))
    groups = listing.by_theme(rows)
    sections = "".join(
        f'<section id="theme={escape(theme)}"><h2>{escape(theme or "not readable")}'
        f' <span class="soft">{len(papers)}</span></h2>'
        f'<div class="papers">{"".join(_card(r, home) for r in papers)}</div></section>'
        for theme, papers in groups.items()
    )
    links = " · ".join(f'<a href="#theme={escape(t)}">{escape(t)}</a>' for t in groups if t)
    head = (
        "<h1>Reprise: papers rerun, claims decided</h1>"
        f"<p>{len(rows)} papers, {escape(counts)}.</p>"
        f'<p class="soft">{escape(LEGEND)}</p>'
        f"<nav>{links}</nav>{_form(groups)}"
    )
    return html("Reprise", head + sections, SCRIPT.read_text())


def _form(themes: dict[str, list]) -> str:
    """The filter; hidden until the script, without which it does nothing, shows it."""

    def select(name: str, first: str, options: dict[str, str]) -> str:
        inner = "".join(
            f'<option value="{escape(k)}">{escape(v)}</option>' for k, v in options.items()
        )
        return f'<select name="{name}"><option value="">{first}</option>{inner}</select>'

    by_theme = {t: f"{t} ({len(papers)})" for t, papers in themes.items() if t}
    return (
        '<form hidden><input name="word" type="search" placeholder="word of title, author, name"'
        ' aria-label="word">'
        + select("theme", "all themes", by_theme)
        + select("verdict", "any verdict", VERDICTS)
        + "<output></output></form>"
    )


def _card(row: dict, home: Path) -> str:
    slug, title = row["name"], row["title"] or row["name"]
    folder = store.reference(slug) or store.latest(slug, "laptop")
    image = ""
    if folder and (figures := list(store.figures(folder))):
        source = relative(folder / f"{figures[0]}.png", home)
        image = f'<a href="{slug}.html"><img src="{source}" alt="" loading="lazy"></a>'
    states = " ".join(
        f'<span class="word {s}">{SIGNS[s]} {n}</span>' for s, n in sorted(row["claims"].items())
    )
    good, total = row["headlines"]
    verdicts = [*row["claims"], row["standing"], "held" if good == total > 0 else ""]
    words = " ".join([slug, title, row["authors"], row["venue"], row["theme"]]).lower()
    took = f" · {duration(row['laptop_seconds'])} on a laptop" if row["laptop_seconds"] else ""
    fork = f" · fork of {escape(row['parent'])}" if row["parent"] else ""
    flag = ' <span class="flag">STALE</span>' if row["standing"] == "stale" else ""
    return (
        f'<article class="card" data-words="{escape(words, quote=True)}"'
        f' data-theme="{escape(row["theme"])}" data-verdict="{" ".join(filter(None, verdicts))}">'
        f'{image}<div class="body"><h3><a href="{slug}.html">{escape(title)}</a></h3>'
        f'<p class="soft">{escape(slug)} · {escape(row["venue"])}{took}{fork}</p>'
        f"<p>{held(row)}</p><div>{states}{flag}</div></div></article>"
    )
