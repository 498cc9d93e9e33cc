"""Tokens: windows of a text, or a synthetic language of second order.

Shapes: B sequences, T tokens each, V vocabulary, F followers of a token.
"""

import jax
import jax.numpy as jnp

RANKS = (0, 0, 0, 0, 1, 1, 2, 3)  # a follower's rank: probabilities 1/2, 1/4, 1/8, 1/8
FOLLOWERS = 4


def language(key, vocab: int):
    """Followers of every token as the last one and as the last but one.  -> int [2, V, F]"""
    flat = jax.random.bits(key, (2 * vocab * FOLLOWERS,))  # flat compiles six times as fast
    return (flat % vocab).astype(jnp.int32).reshape(2, vocab, FOLLOWERS)


def sample(key, followers, size: int, length: int):
    """Sequences of the language: each token follows the last one or the last but one, with
    probability 1/2 each, so that a model must look back to tell.

    followers int [2, V, F] -> int [size, length]
    """
    bits = jax.random.bits(key, ((length + 2) * size,)).reshape(length + 2, size)
    begin = (bits[:2] % followers.shape[1]).astype(jnp.int32)

    def speak(last, bits):
        rank = jnp.array(RANKS)[bits // 2 % len(RANKS)]
        token = followers[bits % 2, jnp.where(bits % 2 == 0, last[0], last[1]), rank]
        return (token, last[0]), token

    return jax.lax.scan(speak, (begin[0], begin[1]), bits[2:])[1].T


def windows(key, text, size: int, length: int):
    """Pieces of a text at random places.  text int [n] -> int [size, length]"""
    start = jax.random.randint(key, (size, 1), 0, len(text) - length + 1)
    return text[start + jnp.arange(length)]
