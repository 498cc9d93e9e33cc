"""Word problems of finite groups: the running product of a word's letters, from the left.

Shapes: G elements, n points that they move, B words, T letters.
"""

import re
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys, shapes
from common.reals import at_least, refuted

Array = jax.Array
MOST = 5040  # elements: the table of S7 has 25 million entries


class Group(NamedTuple):
    """Element 0 is the identity."""

    elements: np.ndarray  # int [G, n]: point i goes to elements[:, i]
    table: np.ndarray  # int [G, G]: table[a, b] is a b: b first, then a, as for matrices


def generated(generators: np.ndarray) -> Group:
    """The group of all products of some permutations of 0 .. n - 1.  int [K, n] -> Group"""
    n = shapes.check("generators", generators, "K n")["n"]
    generators = np.asarray(generators)
    if generators.dtype.kind not in "iu" or (np.sort(generators, 1) != np.arange(n)).any():
        raise ValueError(f"generators must be permutations of 0 .. {n - 1}")
    places = {tuple(range(n)): 0}
    elements, origins, after = list(places), [(0, 0)], []
    for number, element in enumerate(elements):  # it grows
        products = [tuple(element[point] for point in g) for g in generators.tolist()]
        for turn, product in enumerate(products):
            if product not in places:
                places[product] = len(elements)
                elements.append(product)
                origins.append((number, turn))
        after.append([places[product] for product in products])
        if len(elements) > MOST:
            raise ValueError(f"generators of more than {MOST} elements")
    times = np.array(after, int)  # [G, K]: an element times a generator
    table = np.empty((len(elements), len(elements)), int)
    table[:, 0] = np.arange(len(elements))
    for number, (earlier, turn) in enumerate(origins[1:], 1):
        table[:, number] = times[table[:, earlier], turn]  # a (b g) = (a b) g
    return Group(np.array(elements, int).reshape(-1, n), table)


def named(name: str) -> Group:
    """Z<n> (Z2: parity), S<n> or A<n> by its name.  Z2, S3, A4, S4, A5, S5: 2, 6, 12, ... 120."""
    found = re.fullmatch(r"([ZSA])([1-9]\d*)", name)
    if not found:
        raise ValueError(f"name must be Z, S or A and a number, as in A5, not {name!r}")
    kind, n = found[1], int(found[2])
    cycles = [[0, 1, i] for i in range(2, n)]
    if kind != "A":
        cycles = [list(range(n)), *([[0, 1]] if kind == "S" and n > 1 else [])]
    generators = np.tile(np.arange(n), (max(len(cycles), 1), 1))  # the identity, if there is none
    for generator, cycle in zip(generators, cycles, strict=False):
        generator[cycle] = np.roll(cycle, -1)
    try:
        return generated(generators)
    except ValueError as error:
        raise ValueError(f"name {name!r}: {error}") from None


def words(
    key: Array,
    table: Array,
    count: int,
    length: int,
    *,
    order: int | Array | None = None,
    letters: Array | None = None,
) -> tuple[Array, Array]:
    """Words of independent uniform letters and their running products.  table int [G, G]

    -> word int [B, T], product int [B, T] with product_t = x_1 x_2 … x_t
    letters int [K]: the elements that words are made of (transpositions, say); all, if none.
    order: draw from the first `order` of them, which may be traced: tables of several groups are
    padded to one size and run together.
    """
    size = shapes.check("table", table, "G G")["G"]
    at_least(1, count=count, length=length, **{"size of table": size})
    most = size
    if letters is not None:
        most = shapes.check("letters", letters, "K")["K"]
        if refuted(lambda x: (x >= 0) & (x < size), jnp.asarray(letters)):
            raise ValueError(f"letters must be elements 0 .. {size - 1}")
    order = most if order is None else order
    if refuted(lambda n: (n >= 1) & (n <= most), jnp.asarray(order)):
        raise ValueError(f"order must be from 1 to {most}, not {order}")
    drawn = keys.uniform(key, (length, count), jnp.float32)  # steps of 2^-23
    word = (drawn * order).astype(int).T
    word = word if letters is None else jnp.asarray(letters)[word]
    return word, running(table, word)


def running(table: Array, word: Array) -> Array:
    """x_1 x_2 … x_t of every word.  table int [G, G], word int [..., T] -> as word"""
    size = shapes.check("table", table, "G G")["G"]
    shapes.check("word", word, "... T")
    table, word = jnp.asarray(table), jnp.asarray(word)
    for name, x in (("table", table), ("word", word)):
        if x.dtype.kind not in "iu":
            raise ValueError(f"{name} must hold integers, not {x.dtype}")
        if refuted(lambda a: (a >= 0) & (a < size), x):
            raise ValueError(f"{name} must hold elements 0 .. {size - 1}")

    def times(product, letter):
        product = table[product, letter]
        return product, product

    steps = jnp.moveaxis(word, -1, 0)  # one after the other: a look-up each, and little to compile
    products = jax.lax.scan(times, jnp.zeros_like(word[..., 0]), steps)[1]
    return jnp.moveaxis(products, 0, -1)
