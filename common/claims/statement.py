"""A claim of a paper: its fields, the words allowed in them, its hashes."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

LEVELS = ("none", "exact", "reduced", "substitute", "theory")
PRESETS = ("smoke", "laptop", "paper")
SOURCES = (
    "table",
    "abstract",
    "theorem",
    "figure",
    "read-off",
    "code",
    "derived",
    "text",
    "recalled",
)
THEMES = (
    "curvature", "dynamics", "diffusion", "generative", "sequence", "transport", "pde",
    "approximation", "optimization", "statmech", "causality", "structured", "physics",
)  # fmt: skip
SEEDS = (5, 10, 20)  # how many verdict seeds a paper may have: [paper] verdict_seeds, default 5


class ClaimError(ValueError):
    """claims.toml is wrong: one line saying what, where, and what to do."""


@dataclass(frozen=True)
class Claim:
    """One statement of a paper and how it is decided. Fields as in WORKSPACE.md."""

    id: str
    text: str
    where: str
    paper: dict
    measure: str
    criterion: dict
    why: str
    level: dict
    trivial: float | str
    headline: bool = False
    falsifier: dict | None = None
    note: str = ""
    figure: str = ""  # the figure that shows it: "fig2", or a whole name "fig2_widths"

    @property
    def thresholds(self) -> str:
        """Hash of what decides: a verdict made under another one does not count."""
        keep = ("id", "measure", "criterion", "level", "trivial", "falsifier")
        return digest({k: getattr(self, k) for k in keep})

    @property
    def hash(self) -> str:
        """Hash of the whole claim but its note and where it is shown."""
        return digest({k: v for k, v in asdict(self).items() if k not in ("note", "figure")})


def digest(value: Any) -> str:
    """The first 16 hex digits of the sha256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
