"""Bytes of instructions: through the memory of a device, and to the others."""

import re

from launch.scale.hlo.text import ARRAY, Instruction, called, size


def traffic(module, i: Instruction, shapes: dict) -> float:
    """Bytes an instruction reads and writes; a slice of an operand counts as the slice."""
    if i.op == "fusion":
        inner = module.get(called(i.rest, "calls") or "", [])
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


def sent(op: str, i: Instruction, devices: int) -> float:
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
