"""The text of a compiled program: its computations, their instructions, the shapes of arrays."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

BYTES = {
    "pred": 1, "s4": 0.5, "u4": 0.5, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "bf16": 2, "f16": 2,
    "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8, "c64": 8, "c128": 16,
}  # fmt: skip
ARRAY = re.compile(r"([a-z]+\d*[a-z0-9]*)\[([\d,]*)\]")
LINE = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = ")
HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) (?:\(.*\) -> .*|)\{$")
FREE = {  # run with what they are part of, or hold other computations
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id",
    "replica-id", "iota", "while", "conditional", "call", "domain", "opt-barrier",
    "add-dependency", "copy-done", "async-done", "async-update", "bitcast-convert",
}  # fmt: skip


@dataclass
class Instruction:
    """One line of a computation."""

    name: str
    shape: str
    op: str
    operands: list[str]
    rest: str
    root: bool


def parse(text: str) -> dict[str, list[Instruction]]:
    """{computation: its instructions}; the first of ENTRY's list is a marker."""
    found: dict[str, list[Instruction]] = {}
    body: list[Instruction] | None = None
    for line in text.splitlines():
        head = HEAD.match(line)
        if head and not line.startswith(" "):
            body = found[head[2]] = []
            if head[1]:
                body.append(Instruction("", "", "parameter", [], "ENTRY", False))
        elif body is not None and line.startswith(" "):
            instruction = _instruction(line)
            if instruction:
                body.append(instruction)
    return found


def _instruction(line: str) -> Instruction | None:
    match = LINE.match(line)
    if not match:
        return None
    rest = line[match.end() :]
    end = _closing(rest) if rest.startswith("(") else rest.find(" ")
    shape, rest = rest[:end], rest[end:].lstrip()
    op, _, rest = rest.partition("(")
    end = _closing("(" + rest) - 1
    inside, rest = rest[: end - 1], rest[end:]
    operands = re.findall(r"%([\w.\-]+)", inside) or [
        w.split(" ")[-1] for w in inside.split(", ") if w
    ]
    if op == "constant":
        operands = [inside]
    return Instruction(match[2], shape, op, operands, rest, bool(match[1]))


def _closing(text: str) -> int:
    """Index after the parenthesis that closes the first one."""
    depth = 0
    for match in re.finditer(r"[()]", text):
        depth += 1 if match.group() == "(" else -1
        if depth == 0:
            return match.end()
    return len(text)


def dims(shape: str) -> tuple[int, ...]:
    """Dimensions of the first array in a shape."""
    match = ARRAY.search(shape)
    return tuple(int(d) for d in match[2].split(",") if d) if match else ()


def size(shape: str) -> float:
    """Bytes of all arrays in a shape."""
    return sum(
        BYTES.get(kind, 0) * math.prod(int(d) for d in d_.split(",") if d)
        for kind, d_ in ARRAY.findall(shape)
    )


def called(rest: str, key: str) -> str | None:
    """The computation that an instruction names as its body, condition …"""
    match = re.search(rf"\b{key}=%?([\w.\-]+)", rest)
    return match[1] if match else None


def largest(text: str, count: int = 5) -> list[dict]:
    """The largest arrays that the program makes: bytes, shape, and which operation makes each."""
    best: dict[str, dict] = {}
    inside = set(_fusions(text))
    for name, body in parse(text).items():
        if name in inside:
            continue
        for i in body:
            if i.op in FREE - {"parameter"} or i.shape.startswith("("):
                continue
            if i.op == "parameter" and not any(j.rest == "ENTRY" for j in body[:1]):
                continue
            where = re.search(r'op_name="([^"]*)"', i.rest)
            what = where[1] if where else i.op
            array = ARRAY.search(i.shape)
            shape = array.group() if array else i.shape
            record = {"bytes": size(i.shape), "shape": shape, "op": what}
            best.setdefault(f"{shape}", record)
    return sorted(best.values(), key=lambda r: -r["bytes"])[:count]


def largest_of_tensors(text: str, count: int = 5) -> list[dict]:
    """The largest arrays of a program that was lowered only, whole: before they are split."""
    found = set(re.findall(r"tensor<((?:\d+x)+)([a-z]+\d+)>", text))
    kinds = {"i1": "pred", "i8": "s8", "i32": "s32", "i64": "s64", "ui32": "u32", "ui8": "u8"}
    records: list[dict] = []
    for sides, kind in found:
        shape = f"{kinds.get(kind, kind)}[{','.join(sides.split('x')[:-1])}]"
        records.append({"bytes": size(shape), "shape": shape, "op": "whole, before it is split"})
    return sorted(records, key=lambda r: -r["bytes"])[:count]


def _fusions(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if " fusion(" in line:
            found = called(line, "calls")
            if found:
                yield found
