"""Small algebraic tasks whose every example is known: arithmetic modulo p, sparse parity.

Shapes: P pairs, N strings of bits.
"""

import jax
import jax.numpy as jnp
import numpy as np

from common.reals import at_least

Array = jax.Array
OPERATIONS = ("add", "subtract", "multiply", "divide")


def modular(p: int, operation: str = "add") -> tuple[Array, Array]:
    """All pairs (a, b), a the slower, and a + b, a - b, a b or a / b modulo p.

    There are p^2; for "divide" b is not 0 and p a prime, p (p - 1).  -> int [P, 2], int [P]
    """
    at_least(2, p=p)
    if operation not in OPERATIONS:
        raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}, not {operation!r}")
    a, b = np.divmod(np.arange(p * p), p)
    if operation == "divide":
        a, b = a[b > 0], b[b > 0]
        answers = a * _inverses(p)[b] % p
    else:
        answers = {"add": a + b, "subtract": a - b, "multiply": a * b}[operation] % p
    return jnp.asarray(np.stack([a, b], 1)), jnp.asarray(answers)


def sparse_parity(key: Array, count: int, relevant: int, noise: int) -> tuple[Array, Array]:
    """Strings of bits, no two the same, and the parity of the first `relevant` of each.

    Uniform over all choices of `count` strings out of 2^(relevant + noise).
    -> x int [N, relevant + noise], y int [N]
    """
    at_least(1, count=count, relevant=relevant)
    at_least(0, noise=noise)
    bits = relevant + noise
    if count > 2**bits:
        raise ValueError(f"count must be at most 2^{bits}, the number of strings, not {count}")
    words = _distinct(key, count, bits)
    place = np.arange(bits)
    x = (words[:, place // 32] >> (place % 32).astype(np.uint32) & 1).astype(int)
    return x, x[:, :relevant].sum(1) % 2


def _inverses(p):
    """1 / b modulo p at place b.  -> int [p]"""
    try:
        return np.array([0, *(pow(b, -1, p) for b in range(1, p))])
    except ValueError:
        raise ValueError(f"p must be a prime to divide, not {p}") from None


def _distinct(key, count, bits):
    """Strings in words of 32 bits, no two the same.  -> uint32 [count, words]

    What an earlier one has is drawn again until none has. That commutes with every renaming of
    the strings, and renamings take any choice to any other: all choices are as likely.
    """
    masks = np.minimum(2 ** np.clip(bits - 32 * np.arange(-(-bits // 32)), 0, 32) - 1, 2**32 - 1)

    def drawn(i):
        raw = jax.random.bits(jax.random.fold_in(key, i), (count * len(masks),))
        return raw.reshape(count, -1) & masks.astype(np.uint32)

    def again(state):
        i, words = state
        return i + 1, jnp.where(_repeats(words)[:, None], drawn(i), words)

    return jax.lax.while_loop(lambda s: _repeats(s[1]).any(), again, (1, drawn(0)))[1]


def _repeats(words):
    """Which rows stand earlier too: the sort is stable.  [N, W] -> bool [N]"""
    order = jnp.lexsort(words.T)
    same = (words[order[1:]] == words[order[:-1]]).all(1)
    return jnp.zeros(len(words), bool).at[order[1:]].set(same)
