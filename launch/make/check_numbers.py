"""Where the numbers of a paper preset come from: every one says it in a comment."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from launch.make.check_text import Finding, Folder

OWN = ("seeds", "x64", "needs")  # keys of the contract, no numbers of a paper
SOURCE = re.compile(
    r"\b(ours|recalled|code|paper|abstract|checked|theorem|lemma|prop|cor|section|sect|sec|app|appendix|table|tab|fig|"
    r"figure|figures|eq|eqs|page|derived|algorithm|alg|et al)\b|§|\[",
    re.IGNORECASE,
)
ALL = re.compile(r"every (other )?number is ours", re.IGNORECASE)
NEXT = re.compile(r"\bas the next (\w+)")
COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def numbers(f: Folder) -> Iterator[Finding]:
    """Every number of PAPER says where it is from."""
    for key in unsourced(f.text("config.py")) if "config.py" in f.sources else ():
        todo = "a comment on its line: section, equation, figure, table, code, recalled, or ours"
        yield Finding(f.line("config.py", f'"{key}":'), f"{key} has no source", todo)


def unsourced(text: str) -> list[str]:
    """Keys of PAPER in the text of a config.py that hold numbers and tell no source.

    A source is a comment on the entry's lines, a comment further up that covers it ("as the next
    four"), the line above a group of entries, where that names one, or the docstring's "every other
    number is ours".
    """
    if ALL.search(ast.get_docstring(ast.parse(text)) or ""):
        return []
    comments = _comments(text)
    entries = _entries(text)
    covered, group, missing = 0, "", []
    for key, first, last, before, numeric in entries:
        for line in range(before + 1, first):
            group = comments.get(line, group)
        said = " ".join(comments[n] for n in range(first, last + 1) if n in comments)
        sourced = bool(SOURCE.search(said)) or covered > 0 or bool(SOURCE.search(group))
        covered = max(covered - 1, 0)
        many = NEXT.search(said)
        if many:
            covered = COUNTS.index(many[1]) + 1 if many[1] in COUNTS else 0
        if numeric and key not in OWN and not sourced:
            missing.append(key)
    return missing


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}


def _entries(text: str) -> list[tuple[str, int, int, int, bool]]:
    """(key, first line, last line, last line of the one before, whether it holds a number)"""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PAPER":
            break
    else:
        return []
    if not isinstance(node.value, ast.Dict):
        return []
    entries, before = [], node.lineno
    for key, value in zip(node.value.keys, node.value.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            continue
        last = value.end_lineno or value.lineno
        entries.append((key.value, key.lineno, last, before, _numeric(value)))
        before = last
    return entries


def _numeric(value: ast.expr) -> bool:
    numbers = (n.value for n in ast.walk(value) if isinstance(n, ast.Constant))
    return any(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
