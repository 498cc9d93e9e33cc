"""What becomes of inputs of every kind at every door: run inside a tree.

    python -P tests/doors.py [KIND …]

Each must end in one line that says what, where and what to do, and leave the rest as it was. What
does not is printed as JSON, with how many were tried.
"""

import hashlib
import json
import os
import signal
import sys
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # after the tree, whose launch/ this is about
from tests import inputs
from tests.damaged import Said, verb
from tests.inputs import HOME, RESULTS, ROOT, Input

LONGEST = 2000  # characters of a line
PATIENCE = 60  # seconds; a machine may be busy
KINDS = {
    "O": inputs.texts,
    "O, pages": inputs.markup,
    "P": inputs.amounts,
    "Q": inputs.paths,
    "R": inputs.strangers,
}


class Hang(BaseException):
    """Nobody catches it."""


class Page(HTMLParser):
    """What a browser would find in a page that we did not write."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.alien = 0, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        names = {name for name, _ in attrs}
        odd = tag == "svg" or ("id", "x") in attrs or any(n.startswith("on") for n in names)
        self.alien = f"<{tag} {attrs}>" if odd else self.alien


def alien() -> str:
    """What stands in the pages as markup that came in as text."""
    for file in (ROOT / "results/gallery").glob("*.html"):
        page = Page()
        page.feed(file.read_text())
        if page.alien or page.scripts != (file.name == "index.html"):
            return f"{file.name}: {page.alien or 'a script'}"
    text = (RESULTS / "README.md").read_text() + (ROOT / "results/INDEX.md").read_text()
    return next((f"markdown: {m}" for m in inputs.MARKUP if m in text), "")


def state() -> dict[str, str]:
    """What no refused input changes: the paper, its results, which runs there are."""
    files = [p for home in (HOME.parent, RESULTS) for p in home.rglob("*")]
    files = [p for p in files if p.is_file() and p.suffix != ".pyc"]
    found = {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    runs = sorted(map(str, (ROOT / "results/runs").glob("*/*/*")))
    return found | {"runs": " ".join(runs), "tmp": str((Path("/tmp") / "x").exists())}


def outcome(asked: Input, said: Said) -> str:
    """'' where all is well, else the kind of what is not, and what was said."""
    if isinstance(said.status, str):
        return f"{'hang' if 'Hang' in said.status else 'traceback'}: {said.status}"
    lines = [x for x in said.err if x.strip()]
    errors = [x for x in lines if x.startswith("error: ")]
    if "Traceback" in "".join(lines):
        return f"traceback: {lines[-1]}"
    if asked.refused and not said.status:
        return "silent: it is taken"
    if (asked.refused or said.status == 2) and (len(errors), len(lines)) != (1, 1):
        return f"unclear: {len(lines)} lines"
    told = errors or lines
    if len(told) > 1 or any(len(x) > LONGEST for x in told):
        return f"unclear: {len(told)} lines, the longest of {max(map(len, told))} characters"
    if told and " at launch/" in told[0]:
        return f"unclear: nobody thought of it: {told[0]}"
    if asked.says and asked.says not in told[0]:
        return f"unclear: no {asked.says!r} in it"
    shown = said.out + "".join(said.err)
    if odd := next((c for c in shown if not c.isprintable() and c not in "\n\t"), ""):
        return f"escapes: {odd!r} is shown"
    if asked.words == ["gallery"] and (found := alien()):
        return f"escapes: {found}"
    return ""


def tried(kind: str) -> dict:
    """{"count": {outcome: how many}, "wrong": […], "seconds"} of a kind."""
    count: Counter[str] = Counter()
    wrong, start, good, before = [], time.process_time(), state(), dict(os.environ)
    for asked in KINDS[kind]():
        try:
            asked.put()
            os.environ.update(asked.env)
            said = verb(asked.words, PATIENCE)
        finally:
            os.environ.clear()
            os.environ.update(before)
            asked.back()
        what, now = outcome(asked, said), state()
        if asked.refused and now != good:
            what = what or "lost: the rest is not as it was"
        good = now
        count[what.partition(":")[0] or "well"] += 1
        if what:
            words = [w if len(w) < 60 else f"{w[:40]}… ({len(w)})" for w in asked.words]
            wrong.append(f"{words} {list(asked.env.items())!r:.80} {what} {said.err[:2]!r:.300}")
    return {"count": count, "wrong": wrong, "seconds": time.process_time() - start}


def main() -> None:
    def hung(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, hung)
    kinds = sys.argv[1:] or list(KINDS)
    sys.stdout.write(json.dumps({kind: tried(kind) for kind in kinds}))


if __name__ == "__main__":
    main()
