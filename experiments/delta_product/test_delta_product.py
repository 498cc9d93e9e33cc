"""Truths of the experiment: counts of reflections, orbits, distances, dense matrices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import exact, groups, learning, measure, model

SIZES = model.Sizes(tokens=7, width=6, heads=2, head=3, steps=2, hidden=5)


weights = jax.jit(lambda seed: model.init(jax.random.key(seed), SIZES, gain=2.0))


@jax.jit
def layer(params, word, mask, top):
    return model.apply(params, word, SIZES, mask, top)


def cycles(matrix):
    """Of a permutation matrix, by walking."""
    image, seen, count = matrix.argmax(0), set(), 0
    for start in range(len(image)):
        count += start not in seen
        while start not in seen:
            seen.add(start)
            start = image[start]
    return count


@pytest.mark.parametrize(
    ("name", "counts"), [("S3", [1, 3, 2]), ("S4", [1, 6, 11, 6]), ("S5", [1, 10, 35, 50, 24])]
)
def test_a_permutation_is_n_minus_its_cycles_reflections(name, counts):
    """Stirling's numbers, and the product is the matrix."""
    group = groups.named(name)
    number = []
    for q in group.matrices:
        normals, product = groups.reflections(q), np.eye(len(q))
        for v in normals:
            product = product @ (np.eye(len(q)) - 2 * np.outer(v, v))
        np.testing.assert_allclose(product, q, atol=1e-12)
        assert len(normals) == len(q) - cycles(q)
        number.append(len(normals))
    assert np.bincount(number).tolist() == counts


@pytest.mark.parametrize(
    ("name", "orders"), [("cube", {1: 1, 2: 9, 3: 8, 4: 6}), ("A5", {1: 1, 2: 15, 3: 20, 5: 24})]
)
def test_rotations_of_cube_and_icosahedron(name, orders):
    """Orders of S4's and A5's elements; determinant 1, so two reflections or none."""
    group = groups.named(name)
    powers, order = np.arange(len(group.table)), np.ones(len(group.table), int)
    for _ in range(5):
        order += powers != 0
        powers = np.where(powers == 0, 0, group.table[powers, np.arange(len(powers))])
    assert dict(zip(*np.unique(order, return_counts=True), strict=True)) == orders
    np.testing.assert_allclose(np.linalg.det(group.matrices), 1)
    assert {len(groups.reflections(q)) for q in group.matrices} == {0, 2}


def test_a_table_is_that_of_the_matrices():
    group = groups.named("A5")
    a, b = np.divmod(np.arange(0, 3600, 7), 60)
    product = np.einsum("aij,ajk->aik", group.matrices[a], group.matrices[b])
    np.testing.assert_allclose(group.matrices[group.table[a, b]], product, atol=1e-12)


@pytest.mark.parametrize("name", list(groups.GENERATORS))
def test_points_of_an_orbit_lie_apart(name):
    """Far beyond rounding: else nothing is decided by the nearest."""
    made = exact.letters(name, 120, 4, 5)
    orbit = made.orbit[: made.order]
    apart = np.linalg.norm(orbit[:, None] - orbit, axis=-1) + 9 * np.eye(len(orbit))
    assert apart.min() > 0.1


def test_hand_set_keys_tell_every_word_and_fail_without_a_factor():
    run = jax.jit(partial(exact.accuracy, words=16, length=200))
    assert (run(jax.random.key(0), exact.letters("A5", 120, 2, 5)) == 1).all()
    assert run(jax.random.key(0), exact.letters("A5", 120, 1, 5))[-1] < 0.5


def test_one_step_comes_no_nearer_to_a_turn_by_a_third_than_its_closed_form():
    """min over beta, k of |Q - I + beta k k^T|^2 = 6 + 2 beta k.(Q-I)k + beta^2, k.(Q-I)k >= -3/2:
    beta = 3/2 gives 15/4."""
    target, mask = np.float32(groups.cycle(3, 3)), np.float32([1, 0])
    found = jax.jit(partial(exact.distance, starts=4, steps=300))
    assert float(found(jax.random.key(0), target, mask)) == pytest.approx(3.75**0.5, rel=1e-4)
    assert float(found(jax.random.key(0), target, np.ones(2, np.float32))) < 0.1
    assert groups.unreachable(groups.cycle(3, 3), 1) == pytest.approx(3**0.5)
    assert groups.unreachable(groups.cycle(5, 5), 3) == pytest.approx(2 * np.sin(np.pi / 5))


def test_the_layer_is_that_of_dense_matrices():
    """Every state by products of I - beta k k^T, in NumPy."""
    params = weights(0)
    word, mask = np.array([[6, 0, 3, 5, 1]]), np.float32([1, 1])
    found = layer(params, word, mask, 2.0)
    table = jax.device_get(jax.jit(partial(model.tokens, sizes=SIZES))(params, mask=mask, top=2.0))
    p = jax.tree.map(np.asarray, params)
    norm = lambda x: x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)  # noqa: E731
    states = np.zeros((2, 3, 3))
    for t, letter in enumerate(word[0]):
        for h in range(2):
            for k, v, beta in zip(*(part[letter, h] for part in table[1:]), strict=True):
                states[h] += beta * np.outer(k, v - states[h].T @ k)
        heads = [norm(states[h].T @ table.q[letter, h]) for h in range(2)]
        x = p["embed"][letter] + np.concatenate(heads) @ p["out"]
        gate = norm(x) @ p["gate"]
        x = x + (gate / (1 + np.exp(-gate)) * (norm(x) @ p["up"])) @ p["down"]
        np.testing.assert_allclose(found[0, t], norm(x) @ p["logits"], rtol=2e-4, atol=1e-5)


def test_a_masked_step_is_no_step():
    """n_h = 1 beside n_h = 2 in one program: the second step's weights do not matter."""
    params = weights(1)
    cut = jnp.zeros((6, 2, 2, 3)).at[:, :, 0].set(1).reshape(6, 12)
    word, mask = np.array([[6, 2, 4, 4, 0]]), np.float32([1, 0])
    want = layer(params, word, mask, 1.0)
    other = params | {"k": params["k"] * cut - (1 - cut), "v": params["v"] * cut + 3 * (1 - cut)}
    np.testing.assert_allclose(layer(other, word, mask, 1.0), want, rtol=1e-5)


def test_chunks_filled_up_give_the_numbers_of_single_steps():
    """Ten steps in chunks of four."""
    case, word = learning.case("S3", 6, 2, 2, 2.0), np.array([[6, 0, 3, 5, 1]])
    weights = 0.5 * jax.random.normal(jax.random.key(3), (429,))
    nets = [learning.Net(SIZES, chunk).logits for chunk in (0, 4)]
    alone, together = jax.jit(lambda w: [logits(w, word, case) for logits in nets])(weights)
    assert alone.shape == (1, 4, 6)
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_words_begin_with_bos_and_carry_their_product():
    case = jax.tree.map(jnp.asarray, learning.case("S3", 6, 1, 2, 2.0))
    word, product = jax.jit(lambda k: learning.words(k, case, 50, 9))(jax.random.key(2))
    matrices = groups.named("S3").matrices
    assert (word[:, 0] == 6).all()
    assert set(np.asarray(word[:, 1:]).ravel()) == set(range(6))
    for letters, told in zip(np.asarray(word), np.asarray(product), strict=True):
        running = np.eye(3)
        for letter, element in zip(letters[1:], told, strict=True):
            running = running @ matrices[letter]
            np.testing.assert_allclose(running, matrices[element])


def test_eigenvalues_of_planted_keys():
    """S3's own reflections: the spectra are the elements', with a step missing they cannot be."""
    group = groups.named("S3")
    key, beta = np.zeros((1, 1, 1, 6, 1, 2, 3)), np.zeros((1, 1, 1, 6, 1, 2))
    for i, q in enumerate(group.matrices):
        normals = groups.reflections(q)
        key[0, 0, 0, i, 0, : len(normals)], beta[0, 0, 0, i, 0, : len(normals)] = normals, 2
    arrays = {"key": key, "beta": beta, "letters": group.matrices, "loss": np.ones((1, 1, 1, 1, 1))}
    np.testing.assert_allclose(measure.turns(arrays), 0, atol=1e-7)
    np.testing.assert_allclose(measure.mismatch(arrays), 0, atol=1e-7)
    arrays["beta"] = beta * np.array([1, 0])
    np.testing.assert_allclose(measure.turns(arrays), 3**0.5, rtol=1e-6)
