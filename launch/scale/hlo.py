"""What a compiled program costs one device: read from its text, loops counted as often as they run.

The compiler's own `cost_analysis` counts the body of a loop once. Here every computation is
visited with the number of times it runs: a loop's bound is in the compiled text (a known trip
count, or the constant its condition compares with).

FLOP: 2 for a multiply-add of a dot or convolution. Bytes: operands and results of every fusion,
dot, copy …, as they cross the memory; a slice of an operand counts as the slice. Elements: results
of arithmetic outside dots, inside fusions too. Wire bytes: what one device sends in collectives,
ring algorithms assumed.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

BYTES = {
    "pred": 1, "s4": 0.5, "u4": 0.5, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "bf16": 2, "f16": 2,
    "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8, "c64": 8, "c128": 16,
}  # fmt: skip
ARRAY = re.compile(r"([a-z]+\d*[a-z0-9]*)\[([\d,]*)\]")
LINE = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = ")
HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) (?:\(.*\) -> .*|)\{$")
FREE = {
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id",
    "replica-id", "iota", "while", "conditional", "call", "domain", "opt-barrier",
    "add-dependency", "copy-done", "async-done", "async-update", "bitcast-convert",
}  # fmt: skip
MOVES = {
    "copy", "reshape", "transpose", "broadcast", "slice", "dynamic-slice", "dynamic-update-slice",
    "concatenate", "pad", "gather", "scatter", "reverse", "copy-start", "bitcast", "convert",
    "parameter", "constant", "tuple", "get-tuple-element", "iota", "fusion",
}  # fmt: skip
DEAR = {  # elementwise functions that cost many operations
    "exponential", "exponential-minus-one", "log", "log-plus-one", "tanh", "logistic", "sine",
    "cosine", "tan", "power", "erf", "cbrt", "atan2", "sqrt", "rsqrt", "divide",
}  # fmt: skip
COLLECTIVES = {
    "all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all",
    "ragged-all-to-all", "collective-broadcast",
}  # fmt: skip


@dataclass
class Instruction:
    name: str
    shape: str
    op: str
    operands: list[str]
    rest: str
    root: bool


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
    unknown_loops: int = 0  # loops whose bound is not in the text, counted once
    kernels: list[Kernel] = field(default_factory=list)

    @property
    def wire_bytes(self) -> float:
        return sum(self.wire.values())


def cost(text: str, devices: int = 1) -> Cost:
    """The cost of a compiled module's text on one of `devices`."""
    module = parse(text)
    entry = next(n for n, c in module.items() if c and c[0].rest == "ENTRY")
    total = Cost()
    _visit(module, entry, 1.0, total, devices)
    return total


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


def _called(rest: str, key: str) -> str | None:
    match = re.search(rf"\b{key}=%?([\w.\-]+)", rest)
    return match[1] if match else None


def _visit(module: dict, name: str, times: float, total: Cost, devices: int) -> None:
    body = module[name]
    shapes = {i.name: i.shape for i in body}
    for i in body:
        if i.op == "while":
            inner = _called(i.rest, "body")
            trips = _trips(module, i, body)
            total.unknown_loops += trips is None
            if inner:
                _visit(module, inner, times * (trips or 1), total, devices)
        elif i.op in ("call", "async-start"):
            inner = _called(i.rest, "to_apply") or _called(i.rest, "calls")
            if inner:
                _visit(module, inner, times, total, devices)
        elif i.op == "conditional":
            branches = re.search(r"branch_computations=\{([^}]*)\}", i.rest)
            names = re.findall(r"%?([\w.\-]+)", branches[1]) if branches else []
            names += [n for k in ("true_computation", "false_computation")
                      if (n := _called(i.rest, k))]  # fmt: skip
            parts = []
            for n in names:
                part = Cost()
                _visit(module, n, times, part, devices)
                parts.append(part)
            if parts:
                _add(total, max(parts, key=lambda p: p.flops + p.bytes))
        elif i.op not in FREE:
            _one(module, i, shapes, times, total, devices)


def _add(total: Cost, part: Cost) -> None:
    for name in ("flops", "bytes", "elements", "dear", "ops", "unknown_loops"):
        setattr(total, name, getattr(total, name) + getattr(part, name))
    for k, v in part.wire.items():
        total.wire[k] = total.wire.get(k, 0.0) + v
    total.kernels += part.kernels


def _one(module, i: Instruction, shapes: dict, times: float, total: Cost, devices: int) -> None:
    base = i.op.removesuffix("-start")
    if base.endswith("-done"):
        return
    if base in COLLECTIVES:
        key, sent = base, _sent(base, i, devices)
        total.wire[key] = total.wire.get(key, 0.0) + times * sent
        total.ops += times
        return
    flops, elements, dear = _arithmetic(module, i, shapes)
    moved = _traffic(module, i, shapes)
    total.flops += times * flops
    total.bytes += times * moved
    total.elements += times * elements
    total.dear += times * dear
    total.ops += times
    kind = _operand_type(module, i, shapes) if flops else ""
    one = flops / _batch(module, i, shapes) if flops else 0.0
    total.kernels.append(Kernel(times, flops, moved, elements, dear, kind, one))


def _trips(module: dict, loop: Instruction, body: list[Instruction]) -> int | None:
    """How often a loop runs: stated, or from its counter's start, step and bound."""
    match = re.search(r'known_trip_count":\{"n":"(\d+)"', loop.rest)
    if match:
        return int(match[1])
    condition = {i.name: i for i in module.get(_called(loop.rest, "condition") or "", [])}
    root = next((i for i in condition.values() if i.root), None)
    if root is not None and root.op == "fusion":
        inner = module.get(_called(root.rest, "calls") or "", [])
        less = any(i.root and "direction=LT" in i.rest for i in inner)
    else:
        less = root is not None and "direction=LT" in root.rest
    if root is None or not less:
        return None
    bound = counter = None
    for name in root.operands:
        source = condition.get(name)
        if source is None:
            continue
        bound = _constant(source) if bound is None else bound
        at = re.search(r"index=(\d+)", source.rest)
        counter = int(at[1]) if source.op == "get-tuple-element" and at else counter
    if bound is None:
        return None
    step, start = 1, 0
    if counter is not None:
        step = _step(module.get(_called(loop.rest, "body") or "", []), counter) or 1
        named = {i.name: i for i in body}
        initial = named.get(loop.operands[0]) if loop.operands else None
        if initial is not None and initial.op == "tuple":
            start = _constant(named.get(initial.operands[counter])) or 0
    return max(0, -(-(bound - start) // step))


def _constant(i: Instruction | None) -> int | None:
    digits = i is not None and i.op == "constant" and re.fullmatch(r"-?\d+", i.operands[0])
    return int(i.operands[0]) if i is not None and digits else None


def _step(body: list[Instruction], counter: int) -> int | None:
    """By how much a loop's body raises the counter, where that is a chain of additions."""
    named = {i.name: i for i in body}
    root = next((i for i in body if i.root and i.op == "tuple"), None)
    at = named.get(root.operands[counter]) if root and counter < len(root.operands) else None
    total = 0
    while at is not None and at.op != "get-tuple-element":
        if at.op not in ("add", "copy"):
            return None
        constants = [_constant(named.get(o)) for o in at.operands]
        total += next((c for c in constants if c is not None), 0)
        rest = [o for o, c in zip(at.operands, constants, strict=True) if c is None]
        at = named.get(rest[0]) if rest else None
    return total or None


def _sent(op: str, i: Instruction, devices: int) -> float:
    """Bytes that one device sends, by a ring over its group of n."""
    n = _group(i.rest, devices)
    arrays = [size(f"{k}[{d}]") for k, d in ARRAY.findall(i.shape)]
    whole = sum(arrays) / (2 if i.op.endswith("-start") and op != "all-reduce" else 1)
    if op == "all-reduce":
        return 2 * (n - 1) / n * whole
    if op == "reduce-scatter":
        return (n - 1) * whole  # the result is one part of n
    if op == "collective-permute":
        return max(arrays, default=0.0)
    if op == "all-gather" and i.op.endswith("-start"):
        return (n - 1) / n * max(arrays, default=0.0)
    return (n - 1) / n * whole


def _group(rest: str, devices: int) -> int:
    match = re.search(r"replica_groups=\{\{([\d,]+)\}", rest)
    if match:
        return max(1, len(match[1].split(",")))
    match = re.search(r"replica_groups=\[(\d+),(\d+)\]", rest)
    return max(1, int(match[2])) if match else max(1, devices)


# --- arithmetic ----------------------------------------------------------------------------------


def _arithmetic(module, i: Instruction, shapes: dict) -> tuple[float, float, float]:
    """(FLOP of dots, other elements computed, of these dear ones) of an instruction."""
    if i.op == "fusion":
        inner = module.get(_called(i.rest, "calls") or "", [])
        names = {j.name: j.shape for j in inner}
        parts = [_arithmetic(module, j, names) for j in inner]
        return tuple(map(sum, zip(*parts, strict=True))) if parts else (0.0, 0.0, 0.0)  # type: ignore
    count = float(math.prod(dims(i.shape)))
    if i.op == "dot":
        return _dot(i, shapes, "lhs_contracting_dims"), 0.0, 0.0
    if i.op == "convolution":
        return _convolution(i, shapes), 0.0, 0.0
    if i.op == "custom-call":
        return _custom(i, shapes), 0.0, 0.0
    if i.op in ("reduce", "reduce-window", "sort"):
        return 0.0, sum(math.prod(dims(shapes.get(o, ""))) for o in i.operands[:1]), 0.0
    if i.op in MOVES or i.op in FREE:
        return 0.0, 0.0, 0.0
    return 0.0, count, count if i.op in DEAR else 0.0


def _operand_type(module, i: Instruction, shapes: dict) -> str:
    """The type in which an instruction's matrix product multiplies."""
    if i.op == "fusion":
        inner = module.get(_called(i.rest, "calls") or "", [])
        names = {j.name: j.shape for j in inner}
        return next((k for j in inner if (k := _operand_type(module, j, names))), "")
    if i.op not in ("dot", "convolution", "custom-call") or not i.operands:
        return ""
    array = ARRAY.search(shapes.get(i.operands[0], ""))
    return {"f16": "bf16", "c64": "f32", "c128": "f64"}.get(array[1], array[1]) if array else ""


def _batch(module, i: Instruction, shapes: dict) -> float:
    """How many products a dot computes side by side (1 for anything else)."""
    if i.op == "fusion":
        inner = module.get(_called(i.rest, "calls") or "", [])
        names = {j.name: j.shape for j in inner}
        return max((_batch(module, j, names) for j in inner), default=1.0)
    match = re.search(r"lhs_batch_dims=\{([\d,]+)\}", i.rest) if i.op == "dot" else None
    left = dims(shapes.get(i.operands[0], "")) if match else ()
    return float(math.prod(left[int(d)] for d in match[1].split(","))) if match and left else 1.0


def _dot(i: Instruction, shapes: dict, key: str) -> float:
    match = re.search(rf"{key}=\{{([\d,]*)\}}", i.rest)
    left = dims(shapes.get(i.operands[0], ""))
    k = math.prod(left[int(d)] for d in match[1].split(",") if d) if match and left else 1
    return 2.0 * math.prod(dims(i.shape)) * k


def _custom(i: Instruction, shapes: dict) -> float:
    """Products and convolutions of a library (cuBLAS, cuDNN, oneDNN); 0 for what is not known."""
    if "cudnn$conv" in i.rest:
        return _library_convolution(i, shapes)
    if "gemm" not in i.rest and "matmul" not in i.rest:
        return 0.0
    left = dims(shapes.get(i.operands[0], "")) if i.operands else ()
    match = re.search(r'"lhs_contracting_dimensions":\[([^\]]*)\]', i.rest)
    axes = [int(d) for d in re.findall(r"\d+", match[1])] if match else [len(left) - 1]
    if not left:
        return 0.0
    return 2.0 * math.prod(dims(i.shape)) * math.prod(left[a] for a in axes)


def _library_convolution(i: Instruction, shapes: dict) -> float:
    """As `_convolution`, padding counted too, for cuDNN's forward and both backward calls."""
    labels = re.search(r"dim_labels=\w+_(\w+)->\w+", i.rest)
    arrays = [dims(shapes.get(o, "")) for o in i.operands[:2]] + [dims(i.shape)]
    if not labels or len(arrays) < 3 or not all(arrays):
        return 0.0
    if "BackwardFilter" in i.rest:
        activations, kernel = arrays[1], arrays[2]
    elif "BackwardInput" in i.rest:
        activations, kernel = arrays[0], arrays[1]
    else:
        activations, kernel = arrays[2], arrays[1]
    return 2.0 * math.prod(activations) * math.prod(kernel) / kernel[labels[1].index("o")]


def _convolution(i: Instruction, shapes: dict) -> float:
    """2 x multiply-adds on entries that exist (padding and holes of dilation do not count)."""
    labels = re.search(r"dim_labels=(\w+)_(\w+)->(\w+)", i.rest)
    out, right = dims(i.shape), dims(shapes.get(i.operands[1], ""))
    left = dims(shapes.get(i.operands[0], ""))
    if not labels or not left or not right:
        return 0.0
    window = dict(re.findall(r"(\w+)=([\dx_\-]+)", (re.search(r"window=\{([^}]*)\}", i.rest) or
                                                    ["", ""])[1]))  # fmt: skip
    spatial = sorted(c for c in labels[1] if c.isdigit())
    features = right[labels[2].index("i")]
    pairs = 1.0
    for n, c in enumerate(spatial):
        pairs *= _pairs(
            left[labels[1].index(c)], right[labels[2].index(c)], out[labels[3].index(c)],
            *(int(_entry(window, k, n, d)) for k, d in
              (("stride", "1"), ("lhs_dilate", "1"), ("rhs_dilate", "1"))),
            int(_entry(window, "pad", n, "0_0").split("_")[0]),
        )  # fmt: skip
    return 2.0 * pairs * features * out[labels[3].index("b")] * out[labels[3].index("f")]


def _entry(window: dict, key: str, n: int, default: str) -> str:
    parts = window[key].split("x") if key in window else []
    return parts[n] if n < len(parts) else default


@lru_cache(maxsize=4096)
def _pairs(size_in, kernel, out, stride, lhs_dilate, rhs_dilate, low) -> int:
    """How many (output, kernel) positions of one dimension meet an entry of the input."""
    last = (size_in - 1) * lhs_dilate
    if kernel * out > 4_000_000:
        return kernel * out
    found = 0
    for k in range(kernel):
        at = k * rhs_dilate - low
        first = max(0, -(at // stride))
        stop = min(out - 1, (last - at) // stride)
        if lhs_dilate == 1:
            found += max(0, stop - first + 1)
        else:
            found += sum((o * stride + at) % lhs_dilate == 0 for o in range(first, stop + 1))
    return found


# --- memory --------------------------------------------------------------------------------------


def _traffic(module, i: Instruction, shapes: dict) -> float:
    """Bytes an instruction reads and writes; a slice of an operand counts as the slice."""
    if i.op == "fusion":
        inner = module.get(_called(i.rest, "calls") or "", [])
        return _fused(inner, i, shapes)
    if i.op in ("dynamic-slice", "slice", "gather"):
        return 2 * size(i.shape)
    if i.op == "dynamic-update-slice":
        return 2 * size(shapes.get(i.operands[1], ""))
    if i.op == "broadcast":
        return size(i.shape)
    if i.op == "copy-start":
        return size(shapes.get(i.operands[0], "")) * 2
    return size(i.shape) + sum(size(shapes.get(o, "")) for o in i.operands)


def _fused(inner: list[Instruction], i: Instruction, shapes: dict) -> float:
    parameters = {j.name: j for j in inner if j.op == "parameter"}
    names = {j.name: j for j in inner}
    users: dict[str, list[Instruction]] = {}
    for j in inner:
        for o in j.operands:
            users.setdefault(o, []).append(j)
    moved = 0.0
    for name, p in parameters.items():
        use = _through(name, users)
        if use and all(u.op in ("dynamic-slice", "slice", "gather") for u, _ in use):
            moved += sum(size(u.shape) for u, _ in use)
        elif use and all(u.op == "dynamic-update-slice" and u.operands[0] == at for u, at in use):
            continue  # updated in place: only the slice is written, below
        else:
            moved += size(p.shape)
    root = next((j for j in inner if j.root), None)
    results = [names[o] for o in root.operands if o in names] if root and root.op == "tuple" else (
        [root] if root else [])  # fmt: skip
    for r in results:
        while r.op in ("bitcast", "copy", "convert") and r.operands and r.operands[0] in names:
            r = names[r.operands[0]]
        if r.op == "dynamic-update-slice" and r.operands[1] in names:
            moved += size(names[r.operands[1]].shape)
        else:
            moved += size(r.shape)
    return moved if inner else size(i.shape) + sum(size(shapes.get(o, "")) for o in i.operands)


def _through(name: str, users: dict) -> list[tuple[Instruction, str]]:
    """Uses of a value, seen through bitcasts: (instruction, the name it uses)."""
    found = []
    for u in users.get(name, []):
        if u.op in ("bitcast", "copy", "convert") and u.name in users:
            found += _through(u.name, users)
        else:
            found.append((u, name))
    return found


def largest(text: str, count: int = 5) -> list[dict]:
    """The largest arrays that the program makes: bytes, shape, and which operation makes each."""
    best: dict[str, dict] = {}
    inside = {n for c in _fusions(text) for n in [c]}
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
            found = _called(line, "calls")
            if found:
                yield found
