"""What is kept only to save time, as `records`: damaged, it is made again without a word."""

from typing import Annotated, NotRequired, TypedDict

from launch.record.words import Amount, Control, Count, State, Versions

Stamp = tuple[int, int]  # of a file: when it changed, its size


class ClaimHashes(TypedDict):
    id: str
    t: str
    c: str
    headline: bool


class Paper(TypedDict, total=False):
    title: str
    authors: str
    venue: str
    arxiv: str
    code: str
    theme: str
    hardware: str
    shards: str


class HashesOf(TypedDict):
    compute: str
    measure: str
    rule: str


class Standing(TypedDict):
    """What the list needs of a ledger line."""

    state: State
    control: Control
    repeats: Amount | None
    thresholds: str
    claim: str
    fingerprint: HashesOf
    versions: Versions


class Summary(TypedDict):
    key: tuple[int, Stamp | None, Stamp | None, Stamp | None] | None
    paper: Paper
    claims: list[ClaimHashes]
    newest: dict[str, Standing]
    seconds: Amount | None
    error: str


class Hashes(TypedDict):
    rule: str
    definitions: dict[str, str]
    compute: NotRequired[str]  # the rule's own entry lacks it
    measure: NotRequired[str]


class Looked(TypedDict):
    """A paper's fingerprint and the files it was made of."""

    fingerprint: Hashes
    files: dict[str, Stamp | None]


def _complete(entries: dict) -> bool:
    whole = {"compute", "measure"}
    return all(whole <= e["fingerprint"].keys() for k, e in entries.items() if k != "(rule)")


class Fingerprints(TypedDict):
    by: str
    of: Annotated[dict[str, Looked], "whole fingerprints", _complete]


class Module(TypedDict):
    defs: dict[str, tuple[str, list[str]]]
    imports: dict[str, list[tuple[str, str]]]
    always: tuple[str, list[str]]
    bound: list[str]
    stamp: Stamp | None


class Modules(TypedDict):
    by: str
    of: dict[str, Module]


class Buffer(TypedDict):
    op: str
    shape: str
    bytes: Count


class Program(TypedDict):
    name: str
    calls: Amount
    trips: NotRequired[Amount]
    fits: bool
    peak_gib: Amount
    usable_gib: Amount
    argument_gib: Amount
    replicated_gib: Amount
    buffers: list[Buffer]
    specs: dict[str, Count]
    flops: NotRequired[float]
    bytes: NotRequired[float]
    ops: NotRequired[float]
    step_seconds: NotRequired[tuple[float, float]]
    limits: NotRequired[dict[str, float]]
    wire: NotRequired[dict[str, float]]
    unknown_loops: NotRequired[Count]


class Plan(TypedDict):
    on: str
    kind: str
    shape: str
    chips: Count
    programs: Annotated[list[Program], "one program or more", len]
    largest: str
    fits: bool
    peak_gib: Amount
    usable_gib: Amount
    seconds: Amount
    shards: str
    flops: NotRequired[float]
    bytes: NotRequired[float]
    ops: NotRequired[float]
    wire: NotRequired[dict[str, float]]
    run_seconds: NotRequired[tuple[float, float]]
    longest: NotRequired[str]
    limits: NotRequired[dict[str, float]]
    unknown_loops: NotRequired[Count]
