"""Neural-collapse metrics against closed forms, dense references, invariances; bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.nn import collapse

K, N_K, D = 4, 6, 9


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def rng(seed=0):
    return np.random.default_rng(seed)


def planted(counts, length=1.0, noise=0.0, seed=0):
    """Orthogonal class means of this length, and noise in the first direction: + - + - ...

    Every count is even, so that the noise has mean zero in each class.
    """
    Y = collapse.blocks(counts)
    basis = np.linalg.qr(rng(seed).standard_normal((D, D)))[0]
    signs = np.where(np.arange(Y.shape[1]) % 2, -1.0, 1.0)
    return length * basis[:, : len(counts)] @ Y + noise * np.outer(basis[:, 0], signs), Y, basis


def test_orthogonal_means_with_noise_along_one_of_them_in_closed_form():
    """Sigma_B = l^2 / K times a projection, which keeps 1 - 1/K of the first mean's direction."""
    length, noise = 3.0, 0.2
    H, Y, _ = planted((N_K,) * K, length, noise)
    nc1 = noise**2 * (1 - 1 / K) * K / length**2 / K
    ratio = noise**2 / (length**2 * (K - 1) / K)
    np.testing.assert_allclose(collapse.variability(H, Y), nc1, rtol=1e-12)
    np.testing.assert_allclose(collapse.trace_ratio(H, Y), ratio, rtol=1e-12)


def test_noise_across_the_means_is_seen_by_the_ratio_of_traces_alone():
    H, Y, basis = planted((N_K,) * K)
    H = H + 0.1 * np.outer(basis[:, K], np.where(np.arange(H.shape[1]) % 2, -1, 1))
    assert float(collapse.variability(H, Y)) < 1e-28
    np.testing.assert_allclose(collapse.trace_ratio(H, Y), 0.01 * K / (K - 1), rtol=1e-12)


@pytest.mark.parametrize("counts", [(6, 6, 6, 6), (2, 4, 8, 10)])
def test_dense_definition(counts):
    """Sums over examples and classes, and a pseudo-inverse of Sigma_B of rank K - 1."""
    H, Y = rng(1).standard_normal((D, sum(counts))), collapse.blocks(counts)
    label = np.repeat(np.arange(len(counts)), counts)
    mu = np.stack([H[:, label == k].mean(1) for k in range(len(counts))], 1)
    W = sum(np.outer(h - mu[:, k], h - mu[:, k]) for h, k in zip(H.T, label, strict=True))
    B = sum(np.outer(m - H.mean(1), m - H.mean(1)) for m in mu.T) / len(counts)
    W = W / len(label)
    found = collapse.scatter(H, Y)
    np.testing.assert_allclose(found.within, W, atol=1e-13)
    np.testing.assert_allclose(found.between, B, atol=1e-13)
    values, vectors = np.linalg.eigh(B)
    top = slice(D - (len(counts) - 1), D)  # sum_k n_k (mu_k - mu_G) = 0
    inverse = vectors[:, top] / values[top] @ vectors[:, top].T
    want = np.trace(W @ inverse) / len(counts)
    np.testing.assert_allclose(collapse.variability(H, Y), want, rtol=1e-9)
    np.testing.assert_allclose(collapse.trace_ratio(H, Y), np.trace(W) / np.trace(B), rtol=1e-12)
    np.testing.assert_allclose(collapse.means(H, Y), mu, atol=1e-13)
    np.testing.assert_allclose(collapse.within(H, Y) @ Y.T, 0, atol=1e-12)


def test_scatter_adds_up_to_the_covariance_of_all_examples():
    """Law of total variance, balanced classes."""
    H, Y = rng(2).standard_normal((D, 24)), collapse.blocks((6,) * 4)
    total = np.cov(H, bias=True)
    np.testing.assert_allclose(sum(collapse.scatter(H, Y)), total, atol=1e-13)


def test_nc1_does_not_change_with_basis_scale_shift_or_order_of_examples():
    """Any invertible map when the means span all: tr(A W A^T (A B A^T)^-1) = tr(W B^-1)."""
    counts = (6,) * 5
    H, Y = rng(3).standard_normal((4, 30)), collapse.blocks(counts)
    want = collapse.variability(H, Y)
    order = rng(4).permutation(30)
    moved = rng(5).standard_normal((4, 4)) @ H + rng(6).standard_normal((4, 1))
    for other in (collapse.variability(moved, Y), collapse.variability(H[:, order], Y[:, order])):
        np.testing.assert_allclose(other, want, rtol=1e-9)
    np.testing.assert_allclose(collapse.trace_ratio(7 * H + 1, Y), collapse.trace_ratio(H, Y))


def test_leading_axes_and_vmap_and_float32():
    H, Y = rng(7).standard_normal((3, 2, D, 24)), collapse.blocks((6,) * 4)
    for metric in (collapse.variability, collapse.trace_ratio):
        want = [[metric(H[i, j], Y) for j in range(2)] for i in range(3)]
        np.testing.assert_allclose(metric(H, Y), want, rtol=1e-10)
        np.testing.assert_allclose(jax.jit(jax.vmap(metric, (0, None)))(H, Y), want, rtol=1e-10)
        single = metric(H.astype(np.float32), Y.astype(np.float32))
        assert single.dtype == jnp.float32
        np.testing.assert_allclose(single, want, rtol=1e-4)
    assert collapse.means(H, np.broadcast_to(Y, (3, 2, *Y.shape))).shape == (3, 2, D, 4)


def test_rcond_decides_which_directions_between_classes_count():
    """Means of squared spread 1 and 1e-4 of it, noise in the weak direction."""
    Y = collapse.blocks((2, 2, 2, 2))
    strong, weak = np.array([1.0, 1, -1, -1]), 1e-2 * np.array([1.0, -1, 1, -1])
    H = np.stack([strong, weak]) @ Y + np.outer([0, 1e-3], [1, -1] * 4)
    np.testing.assert_allclose(collapse.variability(H, Y), 1e-6 / 1e-4 / 4, rtol=1e-9)
    assert float(collapse.variability(H, Y, rcond=1e-3)) < 1e-12


def test_frames_are_told_apart_whatever_their_size():
    """|I / sqrt(K) - S / sqrt(K - 1)|^2 = 2 - 2 sqrt((K - 1) / K), as <I, S> = K - 1 = |S|^2."""
    want = np.sqrt(2 - 2 * np.sqrt((K - 1) / K))
    identity = collapse.frame(np.full(K, 5.0))
    np.testing.assert_allclose(collapse.distance(identity, 3 * collapse.simplex(K)), want)
    assert float(collapse.distance(identity, np.eye(K))) < 1e-15
    H, Y, _ = planted((N_K,) * K)
    centred = collapse.means(H, Y) - H.mean(1, keepdims=True)
    gram = centred.T @ centred
    assert float(collapse.distance(gram, collapse.simplex(K))) < 1e-14  # of orthogonal means: ETF


def test_labels_two_ways():
    labels = np.repeat(np.arange(3), (1, 2, 4))
    np.testing.assert_array_equal(collapse.one_hot(labels, 3), collapse.blocks((1, 2, 4)))
    assert collapse.one_hot(np.zeros((5, 7), int), 2).shape == (5, 2, 7)


H, Y = np.ones((D, 8)), np.repeat(np.eye(4), 2, axis=1)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: collapse.means(H, Y[:, :7]), "H must have shape"),
        (lambda: collapse.means(H[0], Y), "H must have shape"),
        (lambda: collapse.within(H, Y[0]), "Y must have shape"),
        (lambda: collapse.variability(H, Y[:1]), "number of classes"),
        (
            lambda: collapse.trace_ratio(H, np.eye(4, 8)[[0, 1, 2, 2]] * 0),
            "without examples",
        ),
        (lambda: collapse.variability(H, Y, rcond=1.0), "rcond"),
        (lambda: collapse.scatter(H * 1j, Y), "H must hold real numbers"),
        (lambda: collapse.one_hot([0.5], 2), "integers"),
        (lambda: collapse.one_hot(np.array([0, 2]), 2), "from 0 to 1"),
        (lambda: collapse.blocks((3, 0)), "count 1"),
        (lambda: collapse.blocks(()), "number of classes"),
        (lambda: collapse.simplex(1), "classes"),
        (lambda: collapse.frame(2.0), "axes"),
        (lambda: collapse.distance(H, Y), "B must have shape"),
        (lambda: collapse.unit(np.ones(3)), "A must have shape"),
    ],
)
def test_bad_input_is_one_line(call, word):
    with pytest.raises(ValueError, match=word) as error:
        call()
    assert "\n" not in str(error.value)
