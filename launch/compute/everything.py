"""`./lab`: one paper, now. `./lab run all` or `theme:NAME`: many, cheapest first, continued."""

import sys
import time
import traceback
from collections import Counter

from launch.compute import run, stop
from launch.compute.computing import Predict
from launch.errors import Interrupted, UserError, nearest
from launch.paths import PRESETS, results, shown
from launch.read import cards, gallery, listing, report
from launch.record import store
from launch.settings import job
from launch.terminal import coloured, duration, table

FIRST = "dynamical_stability_sgd"  # what ./lab reruns: a figure worth seeing, in under a minute


def several(name: str) -> tuple[list[dict], str]:
    """(papers, preset) that 'all', 'all:PRESET' or 'theme:NAME' stands for.

    Forks are left out. Errors: UserError for an unknown preset or theme.
    """
    word, _, rest = name.partition(":")
    if word == "all" and rest and rest not in PRESETS:
        raise UserError(f"no preset {rest!r}; {nearest(rest, PRESETS)}")
    papers = [r for r in listing.rows([name] if word == "theme" else []) if not r["parent"]]
    return papers, (rest if word == "all" else "") or "laptop"


def first(predict: Predict) -> dict:
    """What `./lab` does: one paper rerun, the pages of all written; what there is to see."""
    papers = [r for r in listing.rows() if not r["parent"]]
    print(opening(papers), flush=True)
    row = _rerun(FIRST, "laptop", fresh=False, predict=predict)
    return row | {"pages": gallery.write(), "papers": len(papers), "all": _long(papers, "laptop")}


def opening(papers: list[dict]) -> str:
    """What was found so far, and what happens now."""
    total = Counter[str]()
    for r in papers:
        total.update(r["claims"])
    decided = sum(total.values()) - total["untested"]
    return (
        f"{len(papers)} papers rerun, {decided} claims decided, each beside a control "
        f"that must fail: {total['pass']} hold, {total['fail']} do not, "
        f"{total['inconclusive']} undecided.\nOne of the papers, here and now: {FIRST}"
    )


def first_text(row: dict) -> str:
    """Where to look, and what to type next."""
    what = (
        (f"./lab verify {FIRST} --seeds 2000-2004", "decide again, on seeds nobody has looked at"),
        ("./lab list", "the papers: verdicts and times"),
        ("./lab run NAME", "another one"),
        ("./lab run all", f"all of them ({row['all']})"),
        (f"./lab fork {FIRST} mine", "a working copy of your own"),
    )
    return (
        f"its figures and arrays:  {row['folder']}\n"
        f"the pages of all papers: {row['pages']['gallery']}\n\nnext:\n{table(what)}"
    )


def _rerun(slug: str, preset: str, *, fresh: bool, predict: Predict) -> dict:
    """Compute, or find the finished run, and say what it decided."""
    folder = run.execute(job(slug, preset), reuse=True, fresh=fresh, predict=predict)
    claims = report.load_claims(slug)[1]
    verdicts = report.current(folder)
    print(run.finished_line(folder))
    print(cards.block([(c, v, "") for c, v in zip(claims, verdicts, strict=True)]), flush=True)
    info = store.read_json(folder / "run.json")
    return {
        "name": slug,
        "folder": shown(folder),
        "claims": dict(Counter(v.state for v in verdicts)),
        "seconds": store.seconds(info),
        "error": "",
    }


def run_all(
    papers: list[dict], preset: str, *, predict: Predict, fresh: bool = False
) -> list[dict]:
    """One record a paper; one that cannot run stops no other.

    Cheapest first by the committed times. A finished run is kept and an unfinished one continued,
    so that the same command goes on where it was killed. Errors: Interrupted.
    """
    papers = sorted(papers, key=lambda r: (r["laptop_seconds"] or float("inf"), r["name"]))
    print(f"{len(papers)} papers at their {preset} preset: {_long(papers, preset)}", flush=True)
    done: list[dict] = []
    with stop.heard("run all") as request:
        for i, paper in enumerate(papers, 1):
            if request.asked:  # between two papers: all is saved
                raise Interrupted(results() / "runs")
            print(coloured(f"\n[{i}/{len(papers)}] {paper['name']}", "bold"), flush=True)
            done.append(_one(paper["name"], preset, fresh=fresh, predict=predict))
    gallery.write()
    return done


def _one(slug: str, preset: str, *, fresh: bool, predict: Predict) -> dict:
    start = time.monotonic()
    try:
        return _rerun(slug, preset, fresh=fresh, predict=predict)
    except Interrupted:
        raise
    except UserError as error:
        what = str(error)
    except Exception as error:
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
    print(f"{coloured('error:', 'red', sys.stderr)} {slug}: {what}", file=sys.stderr)
    took = time.monotonic() - start
    return {"name": slug, "folder": "", "claims": {}, "seconds": took, "error": what}


def _long(papers: list[dict], preset: str) -> str:
    """How long these papers take, as far as is known."""
    if preset != "laptop":
        return f"the time of {preset} is not known beforehand"
    known = [r["laptop_seconds"] for r in papers if r["laptop_seconds"]]
    more = f" and {len(papers) - len(known)} not yet timed" if len(known) < len(papers) else ""
    return f"about {duration(sum(known))} by the committed runs{more}, cheapest first"


def text(rows: list[dict]) -> str:
    """What became of every paper, and what to type next."""
    lines = [[r["name"], _decided(r), duration(r["seconds"]), r["folder"]] for r in rows]
    failed = [r["name"] for r in rows if r["error"]]
    said = [table(lines, ["paper", "claims", "took", "figures and arrays"]), ""]
    if failed:
        said.append(f"{len(failed)} did not run: {', '.join(failed)} (above)")
    took = duration(sum(r["seconds"] for r in rows))
    said.append(f"computing took {took}; pages: {shown(results() / 'gallery' / 'index.html')}")
    name = next((r["name"] for r in rows if not r["error"]), None)
    said.append(f"next: ./lab compare {name}   (your run beside the committed one)" if name else
                "next: ./lab doctor")  # fmt: skip
    return "\n".join(said)


def _decided(row: dict) -> str:
    return "did not run" if row["error"] else listing.counts(row["claims"])
