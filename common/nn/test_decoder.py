"""The decoder: causality, the bound of qk-layernorm, RoPE and the start, against closed forms."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.nn import decoder

SHAPE = {"vocab": 64, "width": 32, "layers": 2, "heads": 4}


@pytest.fixture(scope="module")
def params():
    return jax.jit(partial(decoder.init, **SHAPE))(jax.random.split(jax.random.key(0)))


@pytest.fixture(scope="module")
def apply():
    return jax.jit(decoder.apply)


def test_later_tokens_do_not_change_logits(params, apply):
    tokens = jax.random.randint(jax.random.key(1), (2, 8), 0, 64)
    other = tokens.at[:, 5:].set((tokens[:, 5:] + 1) % 64)
    one, two = apply(params, tokens, True)[0], apply(params, other, True)[0]
    np.testing.assert_array_equal(one[:, :5], two[:, :5])
    assert float(jnp.abs(one[:, 5:] - two[:, 5:]).min(axis=(1, 2)).max()) > 0


def test_qk_layernorm_bounds_attention_logits(params, apply):
    """|z| <= sqrt(K) with scales of one (Cauchy and Schwarz); without, z grows as the square."""
    tokens = jax.random.randint(jax.random.key(1), (2, 8), 0, 64)

    def largest(factor, qk_norm):
        attention = params["blocks"]["attention"]
        louder = attention | {"qkv": factor * attention["qkv"]}
        return apply(
            params | {"blocks": params["blocks"] | {"attention": louder}}, tokens, qk_norm
        )[1]

    for factor in (1.0, 100.0):
        assert float(largest(factor, True).max()) <= 8**0.5 * (1 + 1e-5)
    without = largest(1.0, False)[0], largest(100.0, False)[0]  # the first layer's input is fixed
    assert float(without[1] / without[0]) == pytest.approx(1e4, rel=1e-4)


def test_rope_sees_distances_alone():
    """q . k depends on the difference of positions, and lengths stay."""
    q, k = jax.random.normal(jax.random.key(0), (2, 1, 1, 1, 8))
    at, turn = jnp.arange(50), jax.jit(decoder.rope)
    q, k = (turn(jnp.broadcast_to(x, (1, 50, 1, 8)), at)[0, :, 0] for x in (q, k))
    products = np.array(q @ k.T)
    for distance in (0, 1, 7):
        np.testing.assert_allclose(np.diag(products, distance), products[0, distance], atol=1e-4)
    np.testing.assert_allclose(jnp.linalg.norm(q, axis=-1), jnp.linalg.norm(q[0]), rtol=1e-5)
    assert np.ptp(products[0]) > 0.1


def test_start_has_variance_one_over_fan_in(params):
    for path, x in jax.tree_util.tree_leaves_with_path(params):
        name = str(path[-1])
        fan_in = 128 if "down" in name else 32
        wanted = 0.0 if "norm" in name else fan_in**-0.5
        assert float(x.std()) == pytest.approx(wanted, rel=0.06)


@pytest.mark.parametrize(("change", "word"), [
    ({"heads": 3}, "heads=3"), ({"width": 0}, "width"), ({"layers": 1.5}, "layers"),
])  # fmt: skip
def test_what_is_refused(change, word):
    with pytest.raises(ValueError, match=word):
        decoder.init(jax.random.split(jax.random.key(0)), **SHAPE | change)
