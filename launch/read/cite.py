"""`./lab cite`: BibTeX of a paper, of its rerun, of this repository; in ASCII wherever TeX can."""

import re
import unicodedata
from typing import NamedTuple

from common import files
from launch.errors import UserError
from launch.paths import ROOT
from launch.read import report
from launch.record import git, ledger, provenance

SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
LETTERS = {
    "ß": r"{\ss}", "ø": r"{\o}", "Ø": r"{\O}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}",
    "ł": r"{\l}", "Ł": r"{\L}", "ı": r"{\i}", "–": "--", "—": "---", "‘": "`", "’": "'",
    "“": "``", "”": "''", "\u00a0": "~",
}  # fmt: skip
ACCENTS = {  # combining character -> TeX's command
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
    "\u0328": "k",
}  # fmt: skip


class Entry(NamedTuple):
    """One BibTeX entry; values are TeX."""

    key: str
    fields: dict[str, str]

    @property
    def bibtex(self) -> str:
        lines = [f"  {name} = {{{value}}}," for name, value in self.fields.items() if value]
        return "\n".join([f"@misc{{{self.key},", *lines, "}"])


def entries(slug: str = "") -> dict[str, Entry]:
    """{'paper', 'rerun'} of an experiment, {'repository'} without one.  Errors: UserError."""
    if not slug:
        return {"repository": repository()}
    paper = report.load_claims(slug)[0]
    return {"paper": of_paper(slug, paper), "rerun": of_rerun(slug, paper["title"])}


def of_paper(slug: str, known: dict) -> Entry:
    """The paper, from its table [paper]; the key is the experiment's name."""
    arxiv = "" if known["arxiv"] == "none" else known["arxiv"]
    fields = {
        "title": f"{{{tex(known['title'])}}}",  # capitals as they are
        "author": tex(known["authors"].replace(", ", " and ")),
        "howpublished": tex(known["venue"]),
        "year": _year(known["venue"]),
        "eprint": arxiv,
        "archiveprefix": "arXiv" if arxiv else "",
        "url": f"https://arxiv.org/abs/{arxiv}" if arxiv else "",
    }
    return Entry(slug, fields)


def of_rerun(slug: str, title: str) -> Entry:
    """This repository's rerun of a paper, at the commit that made its newest verdicts."""
    key, what = f"reprise_{slug}", f": rerun of {title}"
    lines = ledger.verdicts(slug).values()
    if not lines:
        return _ours(key, what, *_head())
    newest = max(lines, key=lambda line: line["date"])
    return _ours(key, what, newest["commit"], newest["date"][:4])


def repository() -> Entry:
    """This repository, at the commit that is checked out."""
    return _ours("reprise", "", *_head())


def _head() -> tuple[str, str]:
    """(commit, its year); where there is no repository ('', this year)."""
    try:
        commit, date = git.text("log", "-1", "--format=%H %cs").split()
    except git.Unanswered:
        return "", provenance.now()[:4]
    return commit, date[:4]


def _ours(key: str, what: str, commit: str, year: str) -> Entry:
    cff = _citation()
    title = cff["title"].partition(":")[0] + what if what else cff["title"]
    fields = {
        "title": f"{{{tex(title)}}}",
        "author": f"{{{tex(cff['name'])}}}",  # a group's name is not parted
        "year": year,
        "version": tex(cff["version"]),
        "note": f"commit {commit}" if commit and not commit.startswith(git.UNKNOWN) else "",
    }
    return Entry(key, fields)


def _citation() -> dict[str, str]:
    """title, version and the first author's name of CITATION.cff.  Errors: UserError."""
    file = ROOT / "CITATION.cff"
    text = files.text(file) if file.exists() else ""
    found = dict(re.findall(r"^[ -]*(title|version|name): *['\"]?(.*?)['\"]? *$", text, re.M)[::-1])
    if len(found) < 3:
        raise UserError(f"{file} is missing, or lacks a title, a version or an author's name")
    return found


def _year(venue: str) -> str:
    years = re.findall(r"\b(?:19|20)\d\d\b", venue)
    return years[-1] if years else ""


def tex(text: str) -> str:
    """Text as TeX reads it back: special characters escaped, accents as commands."""
    return "".join(LETTERS.get(c) or SPECIAL.get(c) or _accented(c) for c in text)


def _accented(letter: str) -> str:
    base, mark = letter, ""
    if len(parts := unicodedata.normalize("NFD", letter)) == 2:
        base, mark = parts[0], ACCENTS.get(parts[1], "")
    return f"{{\\{mark}{{{base}}}}}" if mark else letter


def text(found: dict[str, Entry]) -> str:
    """The entries, to be appended to a .bib file."""
    return "\n\n".join(entry.bibtex for entry in found.values())
