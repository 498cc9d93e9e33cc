"""`./lab refresh`: verdicts carried over to later code that computes the same bits.

A cheap preset is run with the code that made the verdicts and with today's, on two sets of seeds.
Equal bits say that a refactoring changed no number, as far as that preset takes the same paths
through the code: presets differ in sizes. Where claims are measured or decided by other code than
then, the committed arrays are decided again and must give the ledger's verdicts. Controls are not
computed again: of them only what they share with the preset is compared.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from common.claims import Claim
from launch import settings
from launch.compute import verify
from launch.compute.past import Arrays, Past, Shallow, Task
from launch.errors import UserError
from launch.paths import slugs, split
from launch.read import report
from launch.record import fingerprint, ledger, provenance, store
from launch.terminal import coloured, table

CARRIED, STALE, FRESH, UNTESTED, UNKNOWN = "carried", "stale", "fresh", "untested", "unknown"
DEVELOPMENT = 100  # verdict seeds are not looked at: the second set ends below this
SAME = 1e-9  # relative: of verdicts decided again


def refresh(names: Sequence[str], *, preset: str = "smoke", jobs: int | None = None) -> list[dict]:
    """Carry over what can be, in the ledgers; a record for every paper and preset with verdicts.

    names: experiments, none: all that are stale. preset: what is compared. Errors: UserError.
    """
    if jobs is not None and jobs < 1:
        raise UserError("--jobs is 1 or more")
    chosen = [split(n)[0] for n in names] or slugs()
    with Past() as past:
        pool = ThreadPoolExecutor(jobs or os.cpu_count())
        try:
            work = [pool.submit(_in_turn, slug, preset, past) for slug in chosen]
            found = [record for w in work for record in w.result()]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return [r for r in found if names or r["outcome"] not in (FRESH, UNTESTED)]


def _in_turn(slug: str, preset: str, past: Past) -> list[dict]:
    with past.turn:
        return _paper(slug, preset, past)


def _paper(slug: str, preset: str, past: Past) -> list[dict]:
    """Records of one paper, a preset of the ledger each."""
    claims = {c.id: c for c in report.load_claims(slug)[1]}
    presets = dict.fromkeys(x["preset"] for x in ledger.lines(slug)) or {"laptop": None}
    records = []
    for decided in presets:
        record: dict[str, Any] = {"name": slug, "preset": decided, "reason": ""}
        try:
            record |= _carry(slug, decided, claims, preset, past)
        except Shallow:
            raise
        except UserError as error:
            record |= {"outcome": UNKNOWN, "reason": str(error)}
        record["cpu_seconds"] = round(past.cpu.pop(slug, 0.0), 1)
        records.append(record)
        if not os.environ.get("REPRISE_QUIET") and record["outcome"] in (CARRIED, STALE):
            print(coloured(f"{slug} {record['outcome']}", "dim"), file=sys.stderr, flush=True)
    return records


def _carry(slug: str, decided: str, claims: dict[str, Claim], preset: str, past: Past) -> dict:
    made, today = ledger.verdicts(slug, decided), ledger.newest(slug, decided)
    now = fingerprint.fingerprint(slug)
    standing = {i: ledger.standing(today.get(i), c, now) for i, c in claims.items()}
    stale = [i for i, s in standing.items() if s == "stale"]
    if not stale:
        some = any(s == "fresh" for s in standing.values())
        return {"outcome": FRESH if some else UNTESTED}
    other = [x for i in stale if (x := _not_code(today[i], claims[i]))]
    if other:
        return {"outcome": STALE, "reason": f"{other[0]}: ./lab verify {slug}"}
    hashes = {k: now[k] for k in ledger.HASHES}
    if any(today[i]["fingerprint"].get(k) != now[k] for i in stale for k in ("measure", "rule")):
        wrong = _decided_again(slug, decided, [(claims[i], made[i]) for i in stale])
        if wrong:
            return {"outcome": STALE, "reason": wrong}
    compared: dict = {"preset": preset, "seeds": [], "arrays": 0}
    old = {(made[i]["fingerprint"]["compute"], made[i]["commit"]) for i in stale}
    if any(today[i]["fingerprint"]["compute"] != now["compute"] for i in stale):
        task = Task(slug, preset, _seeds(slug, preset))
        then = [past.then(task, *code) for code in sorted(old)]
        arrays = past.now(task, now["compute"])
        compared = {"preset": preset, "seeds": task.seeds, "arrays": len(arrays)}
        differ = [d for x in then for d in differences(x, arrays, task.seeds)]
        if differ:
            return {"outcome": STALE, "reason": _words(differ), "differ": differ}
        unseen = _unseen(slug, decided, [claims[i] for i in stale], arrays)
        if unseen:
            what = f"{preset} does not compute {unseen[0]}, which a claim reads"
            return {"outcome": STALE, "reason": f"{what}: ./lab refresh {slug} --preset {decided}"}
    commit, _, dirty = provenance.source(slug)
    before = ledger.definitions(slug, decided)
    line = {
        "schema": store.SCHEMA,
        "kind": "carried",
        "preset": decided,
        "date": provenance.now(),
        "from": made[stale[0]]["commit"],
        "to": commit,
        "dirty": dirty,
        "compared": compared,
        "fingerprint": hashes,
        "definitions": ledger.folded(fingerprint.difference(before, now)),
        "onto": ledger.BEFORE if before else "",
        "claims": stale,
        "repeats": _repeats(slug, decided, [claims[i] for i in stale if "repeats" not in made[i]]),
    }
    ledger.append(slug, [line])
    return {"outcome": CARRIED, **{k: line[k] for k in ("from", "to", "compared", "claims")}}


def _unseen(slug: str, preset: str, some: list[Claim], arrays: Arrays) -> list[str]:
    """Arrays that claims read and that were not compared: others say nothing of them."""
    folder = store.reference(slug, preset)
    if folder is None:
        return []
    read = report.reads(slug, some, store.arrays(folder)) or frozenset()
    return sorted(read - {name.partition("/")[2] for name in arrays})


def _repeats(slug: str, preset: str, some: list[Claim]) -> dict[str, float | None]:
    """{claim: chance that it is given again} of verdicts whose lines were made before there was."""
    folder = store.reference(slug, preset)
    if folder is None or not some:
        return {}
    arrays, seeds = (
        store.arrays(folder),
        len(store.read_json(folder / "run.json")["config"]["seeds"]),
    )
    return {c.id: report.judge(slug, c, preset, arrays, seeds=seeds).repeats for c in some}


def _not_code(line: dict, claim: Claim) -> str:
    """What makes a verdict stale that comparing code cannot mend."""
    then, now = (line["versions"].get("jax") or ""), provenance.version("jax")
    if then.split(".")[:2] != now.split(".")[:2]:
        return f"decided with jax {then}, here is {now}"
    return f"the text of {claim.id} changed" if line["claim"] != claim.hash else ""


def _seeds(slug: str, preset: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The preset's own seeds, and as many others of the development seeds."""
    own = tuple(settings.get(slug, preset).seeds)
    return own, tuple(s for s in range(DEVELOPMENT) if s not in own)[-len(own) :]


def differences(old: Arrays, new: Arrays, seeds: Sequence) -> list[dict]:
    """Arrays of which a bit, the shape or the type differs: name, seeds, by how much."""
    found = []
    for key in sorted(old.keys() | new.keys()):
        place, _, name = key.partition("/")
        why = _difference(old.get(key), new.get(key))
        if why:
            found.append({"array": name, "seeds": list(seeds[int(place)]), **why})
    return found


def _difference(a: np.ndarray | None, b: np.ndarray | None) -> dict:
    if a is None or b is None:
        return {"what": "is new" if a is None else "is gone"}
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return {"what": f"is {b.dtype}{list(b.shape)}, was {a.dtype}{list(a.shape)}"}
    if a.tobytes() == b.tobytes():
        return {}
    if a.dtype.kind not in "biufc":
        return {"what": "differs"}
    x, y = a.astype(complex), b.astype(complex)
    both = np.isfinite(x) & np.isfinite(y)
    if not (both | (a == b) | (np.isnan(x) & np.isnan(y))).all():
        return {"what": "differs in which values are finite"}
    scale = float(np.abs(x[both]).max(initial=0.0)) or 1.0
    worst = float(np.abs(x - y)[both].max(initial=0.0)) / scale
    return {"what": f"differs by {worst:.1e} of its largest value", "relative": worst}


def _words(differ: list[dict]) -> str:
    """The worst of them, and how many more."""
    worst = max(differ, key=lambda d: d.get("relative", np.inf))
    names = {d["array"] for d in differ} - {worst["array"]}
    more = f" (and {len(names)} more)" if names else ""
    return f"array {worst['array']} {worst['what']}{more}"


def _decided_again(slug: str, preset: str, pairs: list[tuple[Claim, dict]]) -> str:
    """The first claim that today's measure and rule decide otherwise from the committed arrays."""
    home = store.reference(slug, preset)
    info = store.read_json(home / "run.json") if home else {}
    if home is None or any(info["config"]["seeds"] != line["seeds"] for _, line in pairs):
        return f"the committed arrays are not those of its verdicts: ./lab verify {slug}"
    arrays, seeds = store.arrays(home), len(info["config"]["seeds"])
    for claim, line in pairs:
        new = report.judge(slug, claim, preset, arrays, seeds=seeds)
        spoilt = new.state == "pass" and line["control"] == verify.PASSES
        state = "invalid" if spoilt else new.state
        numbers = [(line[k], getattr(new, k)) for k in ("estimate", "low", "high")]
        if state != line["state"] or not all(_same(a, b) for a, b in numbers):
            is_, was = (
                f"{state} {_number(new.estimate)}",
                f"{line['state']} {_number(line['estimate'])}",
            )
            why = f" ({new.reason})" if new.reason else ""
            return f"{claim.id} is decided otherwise: {is_.strip()}, was {was.strip()}{why}"
    return ""


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None or not np.isfinite(b):  # the ledger writes null for no number
        return a is None and (b is None or not np.isfinite(b))
    return abs(a - b) <= SAME * max(abs(a), abs(b))


def _number(x: float | None) -> str:
    return "" if x is None else f"{x:.10g}"


def status(records: list[dict]) -> int:
    """Exit status: 2 where something could not be compared, 1 where something stays stale."""
    outcomes = {r["outcome"] for r in records}
    return 2 if UNKNOWN in outcomes else 1 if STALE in outcomes else 0


def text(records: list[dict]) -> str:
    """One line a paper."""
    if not records:
        return "nothing is stale"
    rows = [[r["name"], *_said(r)] for r in records]
    stays = [r["name"] for r in records if r["outcome"] == STALE]
    following = f"./lab verify {stays[0]}" if stays else "./lab list"
    return "\n".join([table(rows), f"next: {following}"])


def _said(record: dict) -> list[str]:
    what = record["outcome"]
    if what == CARRIED:
        c = record["compared"]
        sets = " and ".join(", ".join(map(str, s)) for s in c["seeds"])
        bits = f"{c['arrays']} arrays, the same bits at {c['preset']} on seeds {sets}"
        how = bits if c["arrays"] else "it computes by the same code and is decided the same"
        return [f"carried over from {record['from'][:7]}", how]
    return ["STALE" if what == STALE else what, record["reason"]]
