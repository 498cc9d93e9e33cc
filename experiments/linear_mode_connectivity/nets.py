"""Networks on the host: three of every seed, their images; trees and the flat arrays of a store.

Shapes: S seeds, N examples, D pixels.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

PIXELS = {"digits": 64, "mnist": 784, "fashion_mnist": 784, "mnist_small": 784}
TRAIN = {"digits": 1347, "mnist": 60_000, "fashion_mnist": 60_000, "mnist_small": 6000}
TEST = {"digits": 450, "mnist": 10_000, "fashion_mnist": 10_000, "mnist_small": 2000}
WHITE = {"digits": 16}  # 255 elsewhere


class Images(NamedTuple):
    learnt: Any  # x [N, D], y int [N]
    seen: Any  # the same of test images and of training images


def images(data, name: str, test: int, train: int) -> Images:
    """Pixels from 0 to 1; of either set so many at most are looked at."""

    def part(x, y, count):
        x, y = x[:count].reshape(-1, PIXELS[name]), y[:count]
        return x.astype(np.float32) / np.float32(WHITE.get(name, 255)), y.astype(np.int32)

    looked = part(data.x_test, data.y_test, test), part(data.x_train, data.y_train, train)
    return Images(part(data.x_train, data.y_train, None), looked)


def sets(name: str, test: int, train: int) -> Images:
    """Shapes of `images`."""

    def part(count):
        shape = jax.ShapeDtypeStruct
        return shape((count, PIXELS[name]), jnp.float32), shape((count,), jnp.int32)

    looked = part(min(test, TEST[name])), part(min(train, TRAIN[name]))
    return Images(part(TRAIN[name]), looked)


def at(tree, *index):
    """Some of many networks."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def each(tree) -> list:
    """Networks along the first axis, one by one."""
    return [at(tree, i) for i in range(len(jax.tree.leaves(tree)[0]))]


def merged(tree):
    """The first two axes as one."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), tree)


def flat(params) -> dict[str, Any]:
    """[(w, b), ...] -> arrays by name."""
    pairs = enumerate(params)
    return {f"{kind}{i}": p for i, pair in pairs for kind, p in zip("wb", pair, strict=True)}


def tree(arrays: dict[str, np.ndarray], *lead: int):
    """What `flat` took apart, its first axis split.  -> [*lead, ...]"""
    split = {name: p.reshape(*lead, *p.shape[1:]) for name, p in arrays.items()}
    return [(split[f"w{i}"], split[f"b{i}"]) for i in range(len(split) // 2)]


def thirds(params):
    """Every network as the first of its three.  [N 3, ...] -> [N 3, ...]"""
    return jax.tree.map(lambda leaf: jnp.repeat(leaf[::3], 3, axis=0), params)


def cut(params, width: int):
    """Without the hidden units from `width` on.  [..., n, m] -> [..., n, m]"""
    last, found = len(params) - 1, []
    for i, (w, b) in enumerate(params):
        before, after = slice(width if i else None), slice(width if i < last else None)
        found.append((w[..., before, after], b[..., after]))
    return found


def filled(params, width: int):
    """With hidden units that do nothing, up to this width."""
    last, found = len(params) - 1, []
    for i, (w, b) in enumerate(params):
        more = [width - w.shape[-2] if i else 0, width - w.shape[-1] if i < last else 0]
        none = [(0, 0)] * (b.ndim - 1)
        both = np.pad(w, [*none, (0, more[0]), (0, more[1])]), np.pad(b, [*none, (0, more[1])])
        found.append(both)
    return found
