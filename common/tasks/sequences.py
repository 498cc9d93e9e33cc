"""Tasks over a sequence: delay, reconstruction, copying, images as pixels, tones as noise.

Shapes: S sequences, L steps, J frequencies, N images of H x W pixels.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys, shapes
from common.reals import at_least, reals
from common.tasks.splits import permuted

Array = jax.Array
BLANK = 0


def band_limited(normals: Array, length: int) -> Array:
    """White noise below a frequency, shifted so that it begins at 0.

    u_t = v_t - v_0, v_t = sum_j (a_j cos - b_j sin)(2 pi j t / L) / sqrt(J), j = 1..J cycles over
    the sequence: for normals N(0, 1) the variance of v is 1. At even lengths it is `whitesignal`
    of state-spaces/s4 with rms = 1 (1/2 is the default there) and J = freq * period.
    normals [..., 2, J] of a and b -> [..., L]
    Errors: ValueError where J is 0, or L / 2 or more.
    """
    count = shapes.check("normals", normals, "... 2 J")["J"]
    at_least(1, length=length)
    if not 0 < count < length / 2:
        raise ValueError(f"normals of {count} frequencies: one or more, below half of {length=}")
    normals = jnp.asarray(reals("normals", normals))
    normals = normals * (length / (2 * count**0.5))  # before: v_0 - v_0 is 0 in a program too
    waves = jax.lax.complex(normals[..., 0, :], normals[..., 1, :])
    spectrum = jnp.zeros((*waves.shape[:-1], length // 2 + 1), waves.dtype)
    v = jnp.fft.irfft(spectrum.at[..., 1 : count + 1].set(waves), length)
    return v - v[..., :1]


def delay(key: Array, count: int, length: int, lag: int, frequencies: int) -> tuple[Array, Array]:
    """Noise of so many frequencies and itself `lag` steps later, 0 before (Gu et al. 2022).

    -> u [S, L], y [S, L] with y_t = u_(t - lag)
    """
    _within("lag", lag, length)
    u = _noise(key, count, length, frequencies)
    return u, jnp.pad(u, ((0, 0), (lag, 0)))[:, :length]


def reconstruction(
    key: Array, count: int, length: int, window: int, frequencies: int
) -> tuple[Array, Array]:
    """Noise of so many frequencies and its last `window` steps, to be told at the end at once.

    -> u [S, L], y [S, window]
    """
    _within("window", window, length)
    u = _noise(key, count, length, frequencies)
    return u, u[:, length - window :]


class Copying(NamedTuple):
    """T = 2 memorised + blanks steps."""

    inputs: Array  # int [S, T]: the word among blanks, then a marker for each of its tokens
    targets: Array  # int [S, T]: blanks, then the word
    mask: Array  # bool [S, T]: where the markers are, which is where the answer counts


def copying(
    key: Array, count: int, *, memorised: int, blanks: int, alphabet: int, selective: bool = False
) -> Copying:
    """A word of `memorised` tokens, to be said again after `blanks` blanks, in its order.

    Tokens 1 .. alphabet - 2 are letters, all as likely; 0 is the blank, alphabet - 1 the marker.
    selective: the word's tokens lie anywhere among the blanks, all places as likely; otherwise
    first. The form of Gu et al.; Arjovsky et al. (2016) mark only the first step of the answer.
    """
    at_least(1, count=count, memorised=memorised)
    at_least(0, blanks=blanks)
    at_least(3, alphabet=alphabet)
    letters, places = jax.random.split(key)
    shown = memorised + blanks
    word = jax.random.randint(letters, (count, memorised), 1, alphabet - 1)
    place = jnp.broadcast_to(jnp.arange(memorised), word.shape)
    if selective:
        height = keys.uniform(places, (count, shown))
        place = jnp.sort(jax.lax.top_k(height, memorised)[1], axis=1)
    blank = jnp.full((count, shown), BLANK, word.dtype)
    filled = blank.at[jnp.arange(count)[:, None], place].set(word)
    inputs = jnp.concatenate([filled, jnp.full_like(word, alphabet - 1)], axis=1)
    asked = jnp.broadcast_to(jnp.arange(shown + memorised) >= shown, inputs.shape)
    return Copying(inputs, jnp.concatenate([blank, word], axis=1), asked)


def tone(x: Array, amplitude: Array, frequency: Array, phase: Array) -> Array:
    """x_t + amplitude sin(frequency t + phase), t = 0, 1, ...: frequency in radians a step.

    x [..., L], the others [] or [...] -> [..., L]
    """
    shapes.check("x", x, "... L")
    waves = []
    for name, value in (("amplitude", amplitude), ("frequency", frequency), ("phase", phase)):
        if np.ndim(value) and np.shape(value) != np.shape(x)[:-1]:
            wanted = list(np.shape(x)[:-1])
            raise ValueError(f"{name} must have shape [] or {wanted}, not {list(np.shape(value))}")
        waves.append(jnp.asarray(reals(name, value))[..., None])
    x = jnp.asarray(reals("x", x))
    height, rate, start = waves
    return x + height * jnp.sin(rate * jnp.arange(x.shape[-1]) + start)


def tones(key: Array, x: Array, amplitude: Array, frequencies: Array) -> Array:
    """How robust to sinusoidal noise: every sequence under a tone of every frequency.

    The phase of a sequence is uniform and the same for all F frequencies.  x [S, L],
    frequencies [F] in radians a step, pi the highest -> [F, S, L]
    """
    sizes = shapes.check("x", x, "S L")
    shapes.check("frequencies", frequencies, "F")
    phase = 2 * jnp.pi * keys.uniform(key, (sizes["S"],))
    return jax.vmap(lambda w: tone(x, amplitude, w, phase))(jnp.asarray(frequencies))


def pixels(images: Array, order: str = "rows", key: Array | None = None) -> Array:
    """Images as sequences of pixels in [0, 1]: sequential MNIST, with a key permuted MNIST.

    order: "rows" (one after the other from the top, each from the left), "columns", or "snake"
    (rows, every second one from the right).  key: the same random order of all images.
    images uint8 [N, H, W, ...] -> [N, H W, ...]
    """
    sizes = shapes.check("images", images, "N H W ...")
    images = jnp.asarray(images)
    if images.dtype != jnp.uint8:
        raise ValueError(f"images must be uint8, not {images.dtype}")
    if order == "columns":
        images = jnp.swapaxes(images, 1, 2)
    elif order == "snake":
        images = images.at[:, 1::2].set(images[:, 1::2, ::-1])
    elif order != "rows":
        raise ValueError(f"order must be rows, columns or snake, not {order!r}")
    sequence = images.reshape(sizes["N"], sizes["H"] * sizes["W"], *images.shape[3:]) / 255
    return sequence if key is None else permuted(key, sequence)


def _noise(key, count, length, frequencies):
    at_least(1, count=count, frequencies=frequencies)
    return band_limited(keys.normal(key, (count, 2, frequencies)), length)


def _within(name: str, steps: int, length: int) -> None:
    at_least(1, length=length, **{name: steps})
    if steps >= length:
        raise ValueError(f"{name} must be below length, {length}, not {steps}")
