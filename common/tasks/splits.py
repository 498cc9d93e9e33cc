"""Parts and changes of a labelled set: train and test, tasks of classes, domains, wrong labels.

Shapes: N examples, K tasks, C classes, H x W pixels.
"""

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, namespace, reals, refuted

Array = jax.Array
NOISES = ("permuted", "uniform", "other")


def split(key: Array, count: int, fraction: float) -> tuple[Array, Array]:
    """Indices of a random part, floor(fraction * count) of them, and of the rest."""
    at_least(1, count=count)
    order = jax.random.permutation(key, count)
    size = int(_whole(float(fraction), count))
    return order[:size], order[size:]


def balanced(key: Array, labels: Array, per_class: int, classes: int) -> Array:
    """Indices of so many random examples of every class.  labels int [N] -> int [C, per_class]

    Errors: ValueError where a class has fewer; under jit nobody sees that.
    """
    labels = _labels(labels, classes)
    at_least(1, per_class=per_class)
    members = labels == jnp.arange(classes)[:, None]
    if refuted(lambda m: m.sum(1) >= per_class, members):
        raise ValueError(f"labels must have {per_class} or more examples of every class")
    height = jax.random.uniform(key, labels.shape)
    return jax.lax.top_k(jnp.where(members, height, -1.0), per_class)[1]


def class_order(key: Array, classes: int, tasks: int) -> Array:
    """Classes in random order, dealt to tasks of as many each.  -> int [K, C / K]"""
    at_least(1, classes=classes, tasks=tasks)
    if classes % tasks:
        raise ValueError(f"tasks must divide the {classes} classes, not {tasks}")
    return jax.random.permutation(key, classes).reshape(tasks, -1)


def class_incremental(labels: Array, tasks: Array) -> Array:
    """Which examples belong to which task.  labels int [N], tasks int [K, c] -> bool [K, N]

    tasks: the classes of each, no class in two: jnp.arange(10).reshape(5, 2) is Split-MNIST.
    """
    shapes.check("tasks", tasks, "K c")
    tasks = jnp.asarray(tasks)
    if refuted(lambda t: jnp.diff(jnp.sort(t.ravel())) > 0, tasks):
        raise ValueError("tasks must share no class")
    return (_labels(labels)[None, :, None] == tasks[:, None, :]).any(-1)


def permuted(key: Array, x: Array) -> Array:
    """The N sequences with their T steps in one random order: a domain.  [N, T, ...] -> same"""
    return jnp.asarray(x)[:, jax.random.permutation(key, shapes.check("x", x, "N T ...")["T"])]


def rotated(images: Array, degrees: Array) -> Array:
    """Images turned about their middle, anticlockwise with row 0 on top: a domain.

    Bilinear, 0 outside; of square images multiples of 90 degrees are exact. Compiled as one.
    images [N, H, W], degrees [] -> [N, H, W]; jax.vmap(rotated, (None, 0)) makes K domains
    """
    shapes.check("images", images, "N H W")
    shapes.check("degrees", degrees, "")
    images, degrees = jnp.asarray(reals("images", images)), jnp.asarray(reals("degrees", degrees))
    return _turned(images, degrees)


def label_noise(
    key: Array, labels: Array, fraction: Array, classes: int, kind: str = "permuted"
) -> tuple[Array, Array]:
    """Labels of which a random floor(fraction * N) are noise, and which.  int [N] -> int [N], bool

    kind: "permuted" among themselves (the counts of classes stay), "uniform" over all classes (a
    label may come out as it was), or "other": uniform over the classes that it is not.
    fraction in [0, 1] may be traced.
    """
    labels = _labels(labels, classes)
    if kind not in NOISES:
        raise ValueError(f"kind must be one of {', '.join(NOISES)}, not {kind!r}")
    at_least(1 + (kind == "other"), classes=classes)
    which, what = jax.random.split(key)
    chosen = jax.random.permutation(which, len(labels))  # those in front are noise
    front = jnp.arange(len(labels)) < _whole(fraction, len(labels))
    picked = labels[chosen]
    if kind == "permuted":
        height = jax.random.uniform(what, labels.shape)
        changed = picked[jnp.lexsort((height, ~front))]
    elif kind == "uniform":
        changed = jax.random.randint(what, labels.shape, 0, classes)
    else:
        changed = (picked + jax.random.randint(what, labels.shape, 1, classes)) % classes
    changed = jnp.where(front, changed, picked).astype(labels.dtype)
    return labels.at[chosen].set(changed), jnp.zeros(len(labels), bool).at[chosen].set(front)


def _whole(fraction, count: int):
    """floor(fraction * count): a product that rounding put below a whole number is that number."""
    fraction = reals("fraction", fraction)
    shapes.check("fraction", fraction, "")
    if refuted(lambda f: (f >= 0) & (f <= 1), fraction):
        raise ValueError(f"fraction must be from 0 to 1, not {fraction}")
    return namespace(fraction).floor(fraction * count + 1e-6 * count).astype(int)


def _labels(labels, classes: int | None = None) -> Array:
    shapes.check("labels", labels, "N")
    labels = jnp.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers, not {labels.dtype}")
    if classes is not None:
        at_least(1, classes=classes)
        if refuted(lambda y: (y >= 0) & (y < classes), labels):
            raise ValueError(f"labels must be from 0 to {classes - 1}")
    return labels


@jax.jit
def _turned(images, degrees):
    quarters = jnp.round(degrees / 90)
    rest = jnp.deg2rad(degrees - 90 * quarters)  # exact; so is cos = 1, sin = 0 at 0
    cos, sin = jnp.cos(rest), jnp.sin(rest)
    turns = jnp.mod(quarters, 4).astype(int)
    cos, sin = jnp.stack([cos, -sin, -cos, sin])[turns], jnp.stack([sin, cos, -sin, -cos])[turns]
    height, width = images.shape[1:]
    y = jnp.arange(height, dtype=images.dtype)[:, None] - (height - 1) / 2
    x = jnp.arange(width, dtype=images.dtype) - (width - 1) / 2
    source = cos * y + sin * x + (height - 1) / 2, cos * x - sin * y + (width - 1) / 2
    return jax.vmap(lambda image: _bilinear(image, *source))(images)


def _bilinear(image, y, x):
    """Between the four pixels around (y, x), pixels outside being 0.  image, y, x [H, W] -> same"""
    padded = jnp.pad(image, 2)
    y, x = (jnp.clip(a + 2, 0, n + 2) for a, n in zip((y, x), image.shape, strict=True))
    top, left = jnp.floor(y).astype(int), jnp.floor(x).astype(int)
    down, right = y - top, x - left
    above = (1 - right) * padded[top, left] + right * padded[top, left + 1]
    below = (1 - right) * padded[top + 1, left] + right * padded[top + 1, left + 1]
    return (1 - down) * above + down * below
