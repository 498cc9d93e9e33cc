"""Every record that is kept as JSON and read back: its keys and their types, stated once.

`KINDS` and `kind` say which file holds what; launch/record/reader.py reads them. A key that is not
stated may hold any JSON. A new record is a TypedDict and a line of KINDS: tests/test_records.py
damages it in every way.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from launch.record import caches
from launch.record.checks import Tagged
from launch.record.words import (
    Amount,
    Control,
    Count,
    Figure,
    JobId,
    Level,
    Name,
    Seed,
    Seeds,
    State,
    Versions,
)


class Devices(TypedDict):
    platform: str
    kind: str
    count: Count
    processes: Count


# --- a run ----------------------------------------------------------------------------------------


class Fingerprint(TypedDict):
    compute: str
    measure: str
    rule: NotRequired[str]
    definitions: NotRequired[dict[str, str]]


class Config(TypedDict):  # and the settings of the paper
    seeds: Seeds


class Jax(TypedDict):
    environment: NotRequired[dict[str, str]]


class Known(TypedDict):
    """Of run.json, whatever became of the run."""

    schema: Literal[1]
    experiment: Name
    preset: Name
    overrides: dict[str, Any]
    config: Config
    identity: str
    fingerprint: Fingerprint
    versions: Versions
    status: str
    preset_seeds: NotRequired[Count]
    attempts: NotRequired[Count]
    seconds_before: NotRequired[Amount]
    device_peak_mb: NotRequired[Amount | None]
    programs: NotRequired[Count]
    command: NotRequired[str]
    note: NotRequired[str]
    error: NotRequired[str]
    anywhere: NotRequired[str]
    source_diff: NotRequired[str]
    machine: NotRequired[dict[str, Any]]
    jax: NotRequired[Jax]
    wanted: NotRequired[list[str]]
    figures: NotRequired[list[Figure]]
    arrays: NotRequired[dict[str, tuple[str, list[Count]]]]
    predicted: NotRequired[dict[str, Any] | None]


class Run(Known, total=False):
    seconds: Amount
    compile_seconds: Amount
    cpu_seconds: Amount
    peak_memory_mb: Amount
    started: str
    finished: str
    commit: str
    dirty: str
    devices: Devices
    data: dict[str, str]


class Done(Known):
    """A run with arrays: the same keys, none of which is missing."""

    seconds: Amount
    compile_seconds: Amount
    cpu_seconds: Amount
    peak_memory_mb: Amount
    started: str
    finished: str
    commit: str
    dirty: str
    devices: Devices
    data: dict[str, str]


UNFINISHED = ("submitted", "running", "stopped", "failed")
RUN = Tagged("status", {**dict.fromkeys(UNFINISHED, Run), "done": Done})


# --- verdicts -------------------------------------------------------------------------------------


class Part(TypedDict):
    name: str
    estimate: float | None
    low: float | None
    high: float | None
    region: tuple[float | None, float | None]
    side: Literal["inside", "outside", "across"]


class Verdict(TypedDict):
    """Of verdicts.json; a line of the ledger says more."""

    id: str
    state: State
    level: Level
    word: str
    reason: str
    estimate: float | None
    low: float | None
    high: float | None
    parts: list[Part]
    per_seed: list[float | None]
    n: Count
    needed: Count | None
    mutants: list[str]
    repeats: NotRequired[Amount | None]
    official: NotRequired[bool]
    claim: str
    thresholds: str


class Line(Verdict):
    schema: Literal[1]
    headline: bool
    preset: Name
    overrides: dict[str, Any]
    seeds: Seeds
    control: Control
    control_value: float | None
    control_seconds: NotRequired[Amount | None]
    run: str
    identity: str
    data: dict[str, str]
    date: str
    commit: str
    dirty: str
    devices: Devices
    versions: Versions
    seconds: Amount
    fingerprint: Fingerprint
    definitions: NotRequired[dict[str, str | None]]


class Compared(TypedDict):
    preset: Name
    seeds: list[list[Seed]]
    arrays: Count


Carried = TypedDict("Carried", {
    "schema": Literal[1],
    "kind": str,
    "preset": Name,
    "date": str,
    "from": str,
    "to": str,
    "dirty": str,
    "compared": Compared,
    "fingerprint": Fingerprint,
    "definitions": dict[str, str | dict[str, str | None] | None],
    "onto": NotRequired[str],
    "claims": list[str],
    "repeats": dict[str, Amount | None],
})  # fmt: skip
LEDGER = Tagged("kind", {None: Line, "carried": Carried})


class Verdicts(TypedDict):
    seeds: Seeds
    verdicts: list[Verdict]
    by: dict[str, str]


# --- jobs, forks, tests ---------------------------------------------------------------------------


class Job(TypedDict):
    id: JobId
    on: str
    engine: str
    target: dict[str, Any]
    experiment: Name
    preset: Name
    folder: str
    name: str
    chips: str
    command: str
    submitted: str
    workdirs: Annotated[list[str], "one folder or more", len]
    arguments: list[list[str]]
    cancelled: NotRequired[str]


class Lineage(TypedDict):
    parent: Name
    commit: NotRequired[str]
    compute: NotRequired[str]
    claims: dict[str, dict[str, str]]


class Checked(TypedDict):
    key: str
    date: str


KINDS: dict[str, Any] = {
    "run.json": RUN,
    "verdicts.json": Verdicts,
    "ledger.jsonl": LEDGER,
    "job.json": Job,
    "lineage.json": Lineage,
    "checked.json": dict[str, Checked],
    "claims.json": dict[str, caches.Summary],
    "fingerprints.json": caches.Fingerprints,
    "definitions.json": caches.Modules,
    "plans": caches.Plan,
}
MADE_AGAIN = ("checked.json", "claims.json", "fingerprints.json", "definitions.json", "plans")


def kind(file: Path) -> str:
    """The name in KINDS of what a file holds; else its own."""
    return "plans" if file.parent.name == "plans" else file.name
