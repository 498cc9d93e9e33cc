"""Arithmetic of instructions: multiply-adds of products and convolutions, elements of the rest."""

import math
import re
from functools import lru_cache

from launch.scale.hlo.text import ARRAY, FREE, Instruction, called, dims

MOVES = {
    "copy", "reshape", "transpose", "broadcast", "slice", "dynamic-slice", "dynamic-update-slice",
    "concatenate", "pad", "gather", "scatter", "reverse", "copy-start", "bitcast", "convert",
    "parameter", "constant", "tuple", "get-tuple-element", "iota", "fusion",
}  # fmt: skip
DEAR = {  # elementwise functions that cost many operations
    "exponential", "exponential-minus-one", "log", "log-plus-one", "tanh", "logistic", "sine",
    "cosine", "tan", "power", "erf", "cbrt", "atan2", "sqrt", "rsqrt", "divide",
}  # fmt: skip


def arithmetic(module, i: Instruction, shapes: dict) -> tuple[float, float, float]:
    """(FLOP of dots, other elements computed, of these dear ones) of an instruction."""
    if i.op == "fusion":
        inner = module.get(called(i.rest, "calls") or "", [])
        names = {j.name: j.shape for j in inner}
        parts = [arithmetic(module, j, names) for j in inner]
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


def operand_type(module, i: Instruction, shapes: dict) -> str:
    """The type in which an instruction's matrix product multiplies."""
    if i.op == "fusion":
        inner = module.get(called(i.rest, "calls") or "", [])
        names = {j.name: j.shape for j in inner}
        return next((k for j in inner if (k := operand_type(module, j, names))), "")
    if i.op not in ("dot", "convolution", "custom-call") or not i.operands:
        return ""
    array = ARRAY.search(shapes.get(i.operands[0], ""))
    return {"f16": "bf16", "c64": "f32", "c128": "f64"}.get(array[1], array[1]) if array else ""


def batch(module, i: Instruction, shapes: dict) -> float:
    """How many products a dot computes side by side (1 for anything else)."""
    if i.op == "fusion":
        inner = module.get(called(i.rest, "calls") or "", [])
        names = {j.name: j.shape for j in inner}
        return max((batch(module, j, names) for j in inner), default=1.0)
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
