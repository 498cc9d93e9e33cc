"""How often a loop of a compiled program turns."""

import re

from launch.scale.hlo.text import Instruction, called

# JAX's own algorithms, which it traces into the program where a device has no routine for them
LIBRARY = re.compile(r"\b(eigh|_eigh_work|svd|qdwh|_gamma)\b")


def trips(module: dict, loop: Instruction, body: list[Instruction]) -> int | None:
    """The turns of a loop in `body`: stated, or from its counter's start, step and bound.

    None where the bound is not in the text: it is an argument, or a condition on what is computed.
    """
    match = re.search(r'known_trip_count":\{"n":"(\d+)"', loop.rest)
    if match:
        return int(match[1])
    condition = {i.name: i for i in module.get(called(loop.rest, "condition") or "", [])}
    counter, bound = _compared(module, condition)
    if bound is None:
        return None
    if counter is None:
        return max(0, bound)
    step = _step(module.get(called(loop.rest, "body") or "", []), counter) or 1
    named = {i.name: i for i in body}
    initial = named.get(loop.operands[0]) if loop.operands else None
    given = initial.operands if initial is not None and initial.op == "tuple" else []
    start = _constant(named.get(given[counter])) if counter < len(given) else None
    return max(0, -(-(bound - (start or 0)) // step))


def told(loop: Instruction) -> bool:
    """Whether a loop of unknown length is the program's own: not JAX's or the compiler's, such as
    the sweeps of an eigenvalue solver."""
    name = re.search(r'op_name="([^"]*)"', loop.rest)
    return not name or (name[1].endswith("/while") and not LIBRARY.search(name[1]))


def _compared(module: dict, condition: dict[str, Instruction]) -> tuple[int | None, int | None]:
    """(place of the counter in the loop's state, constant that it stays below), None if unknown."""
    root = next((i for i in condition.values() if i.root), None)
    high: int | None = 0
    if root is not None and root.op == "or":
        root, high = _halves(root, condition)
    if root is None or high is None or not _less(module, root):
        return None, None
    counter = low = None
    for source in (condition[name] for name in root.operands if name in condition):
        low = _constant(source) if low is None else low
        at = re.search(r"index=(\d+)", source.rest)
        counter = int(at[1]) if source.op == "get-tuple-element" and at else counter
    return counter, None if low is None else (high << 32) + low


def _halves(root: Instruction, condition: dict) -> tuple[Instruction | None, int | None]:
    """A comparison of 64-bit integers where there are none: high < or (high == and low < low).

    -> (the comparison of the low halves, the constant that the high half is compared with)
    """
    both = next((i for n in root.operands if (i := condition.get(n)) and i.op == "and"), None)
    parts = [condition[n] for n in both.operands if n in condition] if both else []
    low = next((i for i in parts if "direction=LT" in i.rest), None)
    equal = next((i for i in parts if "direction=EQ" in i.rest), None)
    constants = [_constant(condition.get(n)) for n in equal.operands] if equal else []
    return low, next((c for c in constants if c is not None), None)


def _less(module: dict, comparison: Instruction) -> bool:
    if comparison.op != "fusion":
        return "direction=LT" in comparison.rest
    inner = module.get(called(comparison.rest, "calls") or "", [])
    return any(i.root and "direction=LT" in i.rest for i in inner)


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
