"""Whether planned seeds will decide a claim: chance of a pass if the committed run is typical.

The mean and spread of a claim over the committed seeds are uncertain themselves: each imagined
verification draws them from what the committed values allow (a normal model, noninformative
prior), then its seeds, then applies the claim's rule.
"""

import numpy as np

from common import criteria
from common.claims import Claim
from launch import report, store

DRAWS = 400


def rows(slug: str, preset: str, seeds: int) -> list[dict]:
    """{id, headline, power, from} of every claim decided at a preset; power None where unknown."""
    _, claims = report.load_claims(slug)
    folder = store.reference(slug, preset) or store.reference(slug)
    arrays = store.arrays(folder) if folder else {}
    source = folder.name if folder else ""
    found = []
    for claim in claims:
        if claim.level.get(preset, "none") == "none":
            continue
        row = {"id": claim.id, "headline": claim.headline, "power": None, "from": source}
        if arrays:
            row["power"] = power(claim, report.measured_or_none(slug, claim, arrays), seeds)
        found.append(row)
    return found


def power(claim: Claim, values, seeds: int, *, draws: int = DRAWS) -> float | None:
    """Chance that `seeds` new seeds pass.  values: of the claim's measure; None if undecidable."""
    c = claim.criterion
    try:
        values = criteria.checked(c, values)
    except criteria.Invalid:
        return None
    rng = np.random.default_rng(0)
    if c["kind"] == "identity":
        return float(criteria.decide(c, values).state == "pass")
    if c["kind"] == "rate":
        n, k = values.size, float(values.sum())
        p = rng.beta(k + 0.5, n - k + 0.5, draws)
        count = rng.binomial(seeds * c.get("per_seed", 1), p)
        outcomes = [np.arange(seeds * c.get("per_seed", 1)) < x for x in count]
        return float(
            np.mean([criteria.decide(c, o.astype(float)).state == "pass" for o in outcomes])
        )
    passed = np.ones(draws, bool)
    for part in criteria.KINDS[c["kind"]].parts(c, values):
        passed &= _passes(c, part, seeds, draws, rng)
    return float(passed.mean())


def _passes(c: dict, part, seeds: int, draws: int, rng) -> np.ndarray:
    n = part.values.size
    if np.isnan(part.values).any():
        return np.zeros(draws, bool)
    spread = part.values.std(ddof=1) * np.sqrt((n - 1) / rng.chisquare(n - 1, draws))
    mean = part.values.mean() + spread / np.sqrt(n) * rng.standard_normal(draws)
    drawn = mean[:, None] + spread[:, None] * rng.standard_normal((draws, seeds))
    if part.swap:  # a rank correlation is at most 1
        drawn = np.minimum(drawn, 1.0)
    alpha = c.get("alpha", criteria.ALPHA)
    sides = [criteria._side(c, part._replace(values=x), alpha) for x in drawn]
    return np.array([side == "inside" for side in sides])
