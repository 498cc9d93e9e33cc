"""Will fresh seeds give a verdict again: of a plan, of a committed paper, of development seeds.

The chances are those of common/repeats.py. As many verdict seeds as a paper needs are chosen from
runs on development seeds (0-99), never on verdict seeds.
"""

from pathlib import Path

from common import claims as claims_module
from common import repeats
from common.claims import SEEDS, Claim
from launch.paths import verdict_seeds
from launch.read import report
from launch.record import store

WANTED = 0.9  # chance that a headline's verdict is given again


def rows(slug: str, preset: str, seeds: int) -> list[dict]:
    """{id, headline, chance, needs, from} of every claim decided at a preset.

    chance: that so many seeds pass, if the committed run is typical; None where that is unknown or
    they are too few: then `needs` is the number that could decide.
    """
    _, claims = report.load_claims(slug)
    folder = store.reference(slug, preset) or store.reference(slug)
    arrays = store.arrays(folder) if folder else {}
    ran = len(store.read_json(folder / "run.json")["config"]["seeds"]) if folder else 0
    found = []
    for claim in claims:
        if claim.level.get(preset, "none") == "none":
            continue
        row = {"id": claim.id, "headline": claim.headline, "chance": None, "needs": None}
        if claims_module.too_few(claim, seeds):
            row["needs"] = needs(claim)
        elif arrays:
            values = report.measured_or_none(slug, claim, arrays)
            row["chance"] = repeats.chance_of_pass(claim.criterion, values, seeds, ran=ran)
        found.append(row | {"from": folder.name if folder else ""})
    return found


def needs(claim: Claim) -> int | None:
    """The fewest seeds that could decide a claim."""
    return next((n for n in range(1, 1001) if not claims_module.too_few(claim, n)), None)


def short(slug: str, preset: str = "laptop") -> list[tuple[str, float]]:
    """(id, chance) of every headline that holds in the committed run and may well not again.

    The chance is that as many fresh seeds as the paper has verdict seeds hold again.
    """
    folder = store.reference(slug, preset)
    if folder is None:
        return []
    wanted = len(verdict_seeds(slug))
    chances = holding(folder, (wanted,))
    return [(i, c[wanted]) for i, c in chances.items() if round(c[wanted], 2) < WANTED]


def holding(folder: Path, counts: tuple[int, ...] = SEEDS) -> dict[str, dict[int, float]]:
    """{headline that holds in a run: {number of fresh seeds: chance that it holds on them}}."""
    info, claims, verdicts = report.decide(folder)
    ran = len(info["config"]["seeds"])
    arrays = store.arrays(folder)
    found = {}
    for claim, verdict in zip(claims, verdicts, strict=True):
        if claim.headline and verdict.state == "pass":
            values = report.measured(info["experiment"], claim, arrays)
            chances = {
                n: repeats.chance_of_pass(claim.criterion, values, n, ran=ran) or 0.0
                for n in counts
            }
            found[claim.id] = chances
    return found


def enough(chances: dict[str, dict[int, float]]) -> tuple[int, list[str]]:
    """(fewest verdict seeds at which every headline has its chance, []); else those that lack it.

    Where no number does, the one at which the fewest lack it.
    """
    lacking = {n: [i for i, c in chances.items() if round(c[n], 2) < WANTED] for n in SEEDS}
    best = min(SEEDS, key=lambda n: (len(lacking[n]), n))
    return best, lacking[best]


def advice(folder: Path) -> str:
    """What a run on development seeds says of the number of verdict seeds; '' if nothing holds."""
    chances = holding(folder)
    if not chances:
        return ""
    best, lacking = enough(chances)
    now = len(verdict_seeds(store.read_json(folder / "run.json")["experiment"]))
    named = ", ".join(f"{i} {chances[i][best]:.2f}" for i in lacking)
    what = f"all headlines that hold here{f' but {named}' if lacking else ''}"
    also = "" if now == best else f"; claims.toml has {now}"
    return f"{best} verdict seeds repeat {what} with a chance of {WANTED} or more{also}"
