"""What `./lab` does: every paper at its laptop preset, figures, verdicts, index and gallery."""

import sys
import time

from launch import cards, gallery, report, run, settings, store
from launch.errors import UserError
from launch.paths import EXPERIMENTS, slugs
from launch.terminal import coloured, duration


def run_all(*, fresh: bool = False) -> int:
    """Exit status 0 if every paper ran; a paper that cannot run does not stop the others."""
    start = time.monotonic()
    papers = [s for s in slugs() if not (EXPERIMENTS / s / "lineage.json").exists()]
    print(f"rerunning {len(papers)} papers at their laptop preset", flush=True)
    failed = []
    for i, slug in enumerate(papers, 1):
        print(coloured(f"\n[{i}/{len(papers)}] {slug}", "bold"), flush=True)
        try:
            folder = run.execute(
                slug, "laptop", settings.get(slug, "laptop"), reuse=True, fresh=fresh
            )
            print(run.finished_line(folder))
            claims = report.load_claims(slug)[1]
            verdicts = report.write(folder)
            print(
                cards.block([(c, v, "") for c, v in zip(claims, verdicts, strict=True)]), flush=True
            )
        except UserError as error:
            failed.append(slug)
            print(f"{coloured('error:', 'red', sys.stderr)} {slug}: {error}", file=sys.stderr)
    pages = gallery.write()
    print(f"\nall of it in {duration(time.monotonic() - start)}")
    print(f"figures and verdicts:  {pages['gallery']}\nthe same as text:      {pages['index']}")
    print("these runs:            " + str(store.results().absolute() / "runs"))
    if papers:
        name = papers[-1]
        print(f"\nnext: ./lab compare {name}            your run beside the committed one")
        print(f"      ./lab verify {name} --seeds 2000-2004    decide its claims on other seeds")
        print(f"      ./lab fork {name} my_{name}    start from a working copy")
    return 1 if failed else 0
