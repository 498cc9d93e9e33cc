"""Keys: the same numbers as JAX's own functions draw, one key at a time."""

import zlib

import jax
import numpy as np
import pytest

from common import keys

SEEDS = (3, 41, 1000)


@pytest.mark.parametrize("x64", [False, True])
def test_flat_draws_are_the_draws_of_the_shape(x64):
    key = jax.random.key(5)
    with jax.enable_x64(x64):
        for ours, theirs in ((keys.normal, jax.random.normal), (keys.uniform, jax.random.uniform)):
            np.testing.assert_array_equal(ours(key, (6, 7, 2)), theirs(key, (6, 7, 2)))


def test_split_and_fold_are_those_of_one_seed():
    named = keys.split(SEEDS, ("a", "b"))
    for i, seed in enumerate(SEEDS):
        each = jax.random.split(jax.random.key(seed), 2)
        assert (named["b"][i] == each[1]).all()
        folded = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 4), 9)
        assert (keys.fold(SEEDS, 4, 9)[i] == folded).all()


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("data", [zlib.crc32(b"data"), 2**31, 2**32 - 1, np.int64(2**31)])
def test_any_crc32_is_folded_in(x64, data):
    with jax.enable_x64(x64):
        assert (keys.fold((3,), data) == jax.random.fold_in(jax.random.key(3), data)).all()


@pytest.mark.parametrize("data", [-1, 2**32, 1.0, np.int64(2**32), True])
def test_what_cannot_be_folded_in_is_refused(data):
    with pytest.raises(ValueError, match="data must be"):
        keys.fold((3,), data)


@pytest.mark.parametrize("x64", [False, True])
def test_draws_of_several_shapes_are_each_its_own_draw(x64):
    shapes = {"b": (5, 3), "a": (2,), "c": (4, 4, 2)}
    named = keys.split(SEEDS, ("a", "b", "c"))
    with jax.enable_x64(x64):
        drawn = keys.draws(named, shapes)
        for name, shape in shapes.items():
            for i in range(len(SEEDS)):
                alone = jax.random.normal(named[name][i], shape)
                np.testing.assert_array_equal(drawn[name][i], alone)
