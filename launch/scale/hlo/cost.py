"""What a compiled program costs one device: read from its text, loops counted as often as they run.

The compiler's own `cost_analysis` counts the body of a loop once. Here every computation is
visited with the number of times it runs: a loop's bound is in the compiled text, or the caller
tells it.

FLOP: 2 for a multiply-add of a dot or convolution. Bytes: operands and results of every fusion,
dot, copy …, as they cross the memory; a slice of an operand counts as the slice. Elements: results
of arithmetic outside dots, inside fusions too. Wire bytes: what one device sends in collectives,
ring algorithms assumed.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from launch.scale.hlo import flops, loops, traffic
from launch.scale.hlo.text import FREE, Instruction, called, parse

COLLECTIVES = {
    "all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all",
    "ragged-all-to-all", "collective-broadcast",
}  # fmt: skip


class Kernel(NamedTuple):
    """An instruction that runs by itself; the numbers are of one of its `times` executions."""

    times: float
    flops: float
    bytes: float
    elements: float
    dear: float
    kind: str  # operand type of its matrix product, empty where it has none
    product: float  # FLOP of one product, where many are computed side by side


@dataclass
class Cost:
    """Sums over one execution of a program on one device."""

    flops: float = 0.0
    bytes: float = 0.0
    elements: float = 0.0
    dear: float = 0.0  # elements of functions such as exp
    ops: float = 0.0  # instructions that run one after the other
    wire: dict[str, float] = field(default_factory=dict)  # collective -> bytes a device sends
    unknown_loops: int = 0  # loops whose length nobody tells, counted once
    kernels: list[Kernel] = field(default_factory=list)

    @property
    def wire_bytes(self) -> float:
        return sum(self.wire.values())


class _Program(NamedTuple):
    computations: dict[str, list[Instruction]]
    devices: int
    trips: float


def cost(text: str, devices: int = 1, trips: float = 1.0) -> Cost:
    """The cost of a compiled module's text on one of `devices`.

    trips: turns of the loops whose length only an argument gives; 1: not told.
    """
    program = _Program(parse(text), devices, trips)
    entry = next(n for n, c in program.computations.items() if c and c[0].rest == "ENTRY")
    total = Cost()
    _visit(program, entry, 1.0, total)
    return total


def _visit(program: _Program, name: str, times: float, total: Cost) -> None:
    """Add what a computation costs that runs `times`."""
    body = program.computations[name]
    shapes = {i.name: i.shape for i in body}
    for i in body:
        if i.op == "while":
            _loop(program, i, body, times, total)
        elif i.op in ("call", "async-start"):
            inner = called(i.rest, "to_apply") or called(i.rest, "calls")
            if inner:
                _visit(program, inner, times, total)
        elif i.op == "conditional":
            _dearest(program, i, times, total)
        elif i.op not in FREE:
            _one(program, i, shapes, times, total)


def _loop(program: _Program, i: Instruction, body: list, times: float, total: Cost) -> None:
    turns: float | None = loops.trips(program.computations, i, body)
    if turns is None and program.trips != 1 and loops.told(i):
        turns = program.trips
    total.unknown_loops += turns is None
    inner = called(i.rest, "body")
    if inner:
        _visit(program, inner, times * (1 if turns is None else turns), total)


def _dearest(program: _Program, i: Instruction, times: float, total: Cost) -> None:
    """Add the branch of a conditional that costs most."""
    branches = re.search(r"branch_computations=\{([^}]*)\}", i.rest)
    names = re.findall(r"%?([\w.\-]+)", branches[1]) if branches else []
    names += [n for k in ("true_computation", "false_computation") if (n := called(i.rest, k))]
    parts = []
    for name in names:
        part = Cost()
        _visit(program, name, times, part)
        parts.append(part)
    if parts:
        _add(total, max(parts, key=lambda p: p.flops + p.bytes))


def _add(total: Cost, part: Cost) -> None:
    for name in ("flops", "bytes", "elements", "dear", "ops", "unknown_loops"):
        setattr(total, name, getattr(total, name) + getattr(part, name))
    for k, v in part.wire.items():
        total.wire[k] = total.wire.get(k, 0.0) + v
    total.kernels += part.kernels


def _one(program: _Program, i: Instruction, shapes: dict, times: float, total: Cost) -> None:
    base = i.op.removesuffix("-start")
    if base.endswith("-done"):
        return
    total.ops += times
    if base in COLLECTIVES:
        total.wire[base] = total.wire.get(base, 0.0) + times * traffic.sent(
            base, i, program.devices
        )
        return
    module = program.computations
    multiplied, elements, dear = flops.arithmetic(module, i, shapes)
    moved = traffic.traffic(module, i, shapes)
    total.flops += times * multiplied
    total.bytes += times * moved
    total.elements += times * elements
    total.dear += times * dear
    kind = flops.operand_type(module, i, shapes) if multiplied else ""
    product = multiplied / flops.batch(module, i, shapes) if multiplied else 0.0
    total.kernels.append(Kernel(times, multiplied, moved, elements, dear, kind, product))
