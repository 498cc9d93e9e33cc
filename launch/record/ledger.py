"""The ledger: every verdict ever decided on verdict seeds, one JSON line each, append-only.

A line of kind "carried" (of a paper and preset, by ./lab refresh) says that later code computes the
same bits as the code that made the verdicts: they stand under its fingerprint too.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING

from common import files
from launch.paths import results
from launch.record import fingerprint, kept, provenance, reader, store

if TYPE_CHECKING:
    from pathlib import Path

    from common.claims import Claim

HASHES = ("compute", "measure", "rule")
BEFORE = "before"  # a carried line's definitions are what changed since the line before it


def file(slug: str) -> Path:
    """The ledger of an experiment."""
    return results() / slug / "ledger.jsonl"


def _all(slug: str) -> list[dict]:
    """Every good line, oldest first. What a crash cut short is passed over, and said."""
    return _parsed(file(slug), str(kept.stamp(file(slug))))


@lru_cache(1)  # a verb asks for the same ledger several times running
def _parsed(path: Path, _stamp: str) -> list[dict]:
    return reader.lines(path)


def _carries(line: dict) -> bool:
    return line.get("kind") == "carried"


def lines(slug: str) -> list[dict]:
    """The verdicts of an experiment, oldest first."""
    return [x for x in _all(slug) if not _carries(x)]


def verdicts(slug: str, preset: str = "laptop") -> dict[str, dict]:
    """The last verdict of every claim at a preset, as it was made."""
    return {x["id"]: x for x in lines(slug) if x["preset"] == preset}


def newest(slug: str, preset: str = "laptop") -> dict[str, dict]:
    """The last verdict of every claim at a preset, under the newest code it was carried over to.

    Such a one has "carried": {from, to, compared, date}.
    """
    found: dict[str, dict] = {}
    for line in _all(slug):
        if line["preset"] != preset:
            continue
        if not _carries(line):
            found[line["id"]] = line
            continue
        more = {"carried": {k: line.get(k) for k in ("from", "to", "compared", "date")}}
        more["fingerprint"] = line["fingerprint"]
        chances = {i: {"repeats": c} for i, c in line.get("repeats", {}).items()}
        found |= {i: found[i] | more | chances.get(i, {}) for i in line["claims"] if i in found}
    return found


def append(slug: str, new: list[dict]) -> None:
    """Add lines. One that a crash, an editor or a merge left without its end is ended first, so
    that no line is lost.  Errors: FileError where the ledger is a link."""
    path = file(slug)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(store.cleaned(line), sort_keys=True) + "\n" for line in new)
    files.own_file(path)
    with path.open("a+b") as out:
        store.hold(out, wait=True)
        size = out.seek(0, os.SEEK_END)
        if size:
            out.seek(size - 1)
            text = text if out.read(1) == b"\n" else f"\n{text}"
        out.write(text.encode())
        out.flush()
        os.fsync(out.fileno())


def times_decided(slug: str, claim: str, preset: str = "laptop") -> int:
    """How often a claim was decided on verdict seeds (a second look is on show)."""
    return sum(x["id"] == claim and x["preset"] == preset for x in lines(slug))


def standing(line: dict | None, claim: Claim | dict, now: dict) -> str:
    """'fresh', 'stale', 'thresholds changed' or 'untested': what a ledger line is worth today.

    claim: its hashes; now: fingerprint.fingerprint of the experiment.
    """
    if line is None:
        return "untested"
    hashes = claim if isinstance(claim, dict) else {"t": claim.thresholds, "c": claim.hash}
    if line["thresholds"] != hashes["t"]:
        return "thresholds changed"
    same_code = all(line["fingerprint"].get(k) == now[k] for k in HASHES)
    return "fresh" if same_code and not _new_jax(line) and line["claim"] == hashes["c"] else "stale"


def changes(slug: str, claims: list[dict], preset: str = "laptop") -> list[str]:
    """Why verdicts are stale: definitions that changed since, JAX, texts of claims.

    claims: {"id", "c": hash} of those that claims.toml has.
    """
    found = newest(slug, preset)
    known = [(c, found[c["id"]]) for c in claims if c["id"] in found]
    now = fingerprint.fingerprint(slug)
    reasons = []
    old = [x for _, x in known if any(x["fingerprint"].get(k) != now[k] for k in HASHES)]
    if old:
        then = old[0]["fingerprint"] | definitions(slug, preset)
        reasons += fingerprint.changed(then, now) or ["the code"]
    jax = {_new_jax(line): None for _, line in known if _new_jax(line)}
    texts = [f"the text of {c['id']}" for c, line in known if line["claim"] != c["c"]]
    return [*reasons, *jax, *texts]


def folded(flat: dict) -> dict:
    """Definitions of a carried line by file, a third shorter.  {"file:name" or "file": hash}"""
    files: dict = {}
    for place, hash_ in flat.items():
        file, _, name = place.partition(":")
        files.setdefault(file, {})[name] = hash_
    return files


def unfolded(kept: dict) -> dict:
    """What `folded` was given; older lines are flat."""
    flat: dict = {}
    for file, found in kept.items():
        inside = found if isinstance(found, dict) else {"": found}
        flat |= {f"{file}:{name}" if name else file: h for name, h in inside.items()}
    return flat


def definitions(slug: str, preset: str = "laptop") -> dict:
    """{"definitions": …} under which the verdicts of a preset stand; {} where it was not kept.

    Those of the reference run, and what the lines say of what came after: a verdict's line where
    its numbers were the same as before and run.json stayed, a line that carries it.
    """
    reference = store.peek(results() / slug / preset / "run.json").get("fingerprint", {})
    found, made = reference.get("definitions"), None
    for line in _all(slug):
        if line["preset"] != preset:
            continue
        once = (line.get("run"), line.get("date"), str(line["fingerprint"]))
        if "definitions" in line:
            found = _overlaid(found if line.get("onto") == BEFORE else None, reference, line)
        elif once != made:
            found = reference.get("definitions")
        made = once
    return {} if found is None else {"definitions": found}


def _overlaid(before: dict | None, reference: dict, line: dict) -> dict:
    base = reference.get("definitions", {}) if before is None else before
    both = base | unfolded(line.get("definitions", {}))
    return {k: h for k, h in both.items() if h is not None}


def of_reference(info: dict) -> dict:
    """The fingerprint under which a run stands whose arrays are the reference's; {} for others.

    The reference is of the newest verdicts: they may have been carried over, or made again to the
    same numbers, since its run.json was written.
    """
    slug, preset = info["experiment"], info["preset"]
    reference = store.peek(results() / slug / preset / "run.json")
    known = list(newest(slug, preset).values())
    if not known or reference.get("identity") != info["identity"]:
        return {}
    last = max(known, key=lambda line: (line.get("carried") or line).get("date") or "")
    return last["fingerprint"] | definitions(slug, preset)


def carried_text(line: dict | None) -> str:
    """'carried over from 1a2b3c4 (same bits at smoke)'; empty for a verdict of today's code."""
    carried = (line or {}).get("carried")
    if not carried:
        return ""
    compared = carried.get("compared") or {}
    same = f"same bits at {compared.get('preset', 'smoke')}"
    if compared.get("arrays") == 0:  # what computes had not changed
        same = "decided again from the same arrays"
    return f"carried over from {(carried.get('from') or '')[:7]} ({same})"


def _new_jax(line: dict) -> str:
    """'jax 0.9.1 -> 0.10.2' where JAX's minor version is another; else empty."""
    then, now = line["versions"].get("jax") or "", provenance.version("jax")
    return "" if then.split(".")[:2] == now.split(".")[:2] else f"jax {then} -> {now}"
