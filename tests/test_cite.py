"""BibTeX of every paper and rerun: it parses, says what claims.toml says, and TeX can read it."""

import re
import tomllib
import unicodedata

import pytest

from launch import paths
from launch.read import cite
from launch.record import ledger
from tests.tree import ROOT, read

PAPERS = paths.slugs()
COMMANDS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    '"': "\u0308",
    "c": "\u0327",
}


def parsed(text):
    """{key: {field: value}} of entries; every brace is matched."""
    found, at = {}, 0
    while match := re.compile(r"\s*@misc\{([^\s,{}]+),").match(text, at):
        fields, at = {}, match.end()
        while field := re.compile(r"\s*([a-z]+) = \{").match(text, at):
            end, depth = field.end(), 1
            while depth:
                escaped = text[end - 1] == "\\"
                depth += 0 if escaped else {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            fields[field[1]] = text[field.end() : end - 1]
            assert text[end] == ","
            at = end + 1
        assert text[at : at + 2] == "\n}"
        found[match[1]], at = fields, at + 2
    assert not text[at:].strip()
    return found


def plain(tex):
    """What TeX prints: accents put on, commands and braces gone."""
    tex = re.sub(r"\{\\(.)\{(.)\}\}", lambda m: m[2] + COMMANDS[m[1]], tex)
    tex = re.sub(r"\\([&%$#_{}])", r"\1", re.sub(r"(?<!\\)[{}]", "", tex))
    return unicodedata.normalize("NFC", tex)


@pytest.mark.parametrize("slug", PAPERS)
def test_a_paper_and_its_rerun(slug):
    with (paths.EXPERIMENTS / slug / "claims.toml").open("rb") as file:
        paper = tomllib.load(file)["paper"]
    said = cite.text(cite.entries(slug))
    assert said.isascii()
    found = parsed(said)
    assert found.keys() == {slug, f"reprise_{slug}"}
    one, two = found.values()
    assert plain(one["title"]) == paper["title"]
    assert one["title"][0] + one["title"][-1] == "{}", "its capitals stay"
    assert plain(one["author"]).split(" and ") == paper["authors"].split(", ")
    assert one["year"] in paper["venue"]
    assert one.get("eprint", "none") == paper["arxiv"]
    assert paper["title"] in plain(two["title"])
    assert two["note"].removeprefix("commit ") in {x["commit"] for x in ledger.lines(slug)}


def test_keys_are_unique():
    keys = [e.key for s in ("", *PAPERS) for e in cite.entries(s).values()]
    assert len(set(keys)) == len(keys) == 1 + 2 * len(PAPERS)


def test_characters_that_tex_takes_for_commands():
    assert cite.tex("R&D_1 of 50% #2 {x} $y") == r"R\&D\_1 of 50\% \#2 \{x\} \$y"
    assert cite.tex("Erdős, Łojasiewicz – ü") == r"Erd{\H{o}}s, {\L}ojasiewicz -- {\"{u}}"


def test_the_verb_says_it_also_as_json(shared_tree):
    alone = read(shared_tree.lab("cite", "--json"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert alone["repository"]["fields"]["version"] == version
    found = read(shared_tree.lab("cite", "toy", "--json"))
    said = shared_tree.lab("cite", "toy").out
    assert parsed(said) == {e["key"]: e["fields"] for e in found.values()} | {
        "toy": {k: v for k, v in found["paper"]["fields"].items() if v},
        "reprise_toy": {k: v for k, v in found["rerun"]["fields"].items() if v},
    }
    assert "no experiment 'toi'; did you mean 'toy'?" in shared_tree.lab("cite", "toi").err
