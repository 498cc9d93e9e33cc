"""Truths of the experiment: sums, limits, free flight, dense propagators, paths one by one."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from . import classical, lattice, packet, series

BOX = packet.Box(L=16.0, N=12, dt=0.05, sigma=1.5, k0=0.5)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def made(L, coupling=0.4, seed=0):
    amplitude = lattice.froehlich(L, coupling, 1.0)
    u = np.random.default_rng(seed).random(amplitude.shape)
    return jnp.asarray(amplitude * lattice.phases(u))


def summed(a, L, N, path):
    """The potential, wave by wave.  -> [N, N]"""
    M = len(a) // 2
    x = np.arange(N) * L / N
    V = np.zeros((N, N))
    for n, m in np.ndindex(a.shape):
        q = np.array([n - M, m - M]) * 2 * np.pi / L
        turn = q[0] * x[:, None] + q[1] * x - np.linalg.norm(q) * path
        V += abs(a[n, m]) * np.cos(turn + np.angle(a[n, m]))
    return V


def test_the_potential_is_a_sum_of_waves():
    a, L, N = np.asarray(made(25.0)), 25.0, 20
    found = jax.jit(lambda a: lattice.potential(lattice.spectrum(a, L, N), 1.7))(a)
    np.testing.assert_allclose(found, summed(a, L, N, 1.7), atol=1e-12)


def test_the_law_is_its_integral_and_has_both_limits():
    for theta in (0.03, 0.5, 4.0):
        whole = quad(lambda u, T=theta: u**2 / np.expm1(u / T), 0, 1, epsrel=1e-12, points=[0.1])
        np.testing.assert_allclose(lattice.law(theta), whole[0], rtol=1e-9)
    np.testing.assert_allclose(lattice.law(0.01) / 0.01**3, 2 * 1.2020569, rtol=1e-6)
    np.testing.assert_allclose(lattice.law(50.0), 25 - 1 / 6 + 1 / 2400, rtol=1e-8)


def test_the_variance_of_one_field_spreads_as_one_over_root_of_waves():
    L, N = 60.0, 32
    A = lattice.froehlich(L, 1.0, 1.0, "equipartition")
    a = A * lattice.phases(np.random.default_rng(0).random((1000, *A.shape)))
    found = np.asarray(jax.jit(jax.vmap(lambda a: lattice.measured(a, L, N)[1]))(a))
    np.testing.assert_allclose(
        found.std() / found.mean() * lattice.modes(L)[1].sum() ** 0.5, 1, rtol=0.08
    )


def test_without_a_field_the_packet_spreads_freely():
    """MSD = 2 sigma^2 + t^2 / (2 sigma^2), PR = 4 pi sigma^2 as the area grows."""
    box = packet.Box(L=80.0, N=80, dt=0.5, sigma=4.0, k0=0.5)
    psi, a = jnp.asarray(packet.start(box, complex)), jnp.zeros((3, 3), complex)
    move = jax.jit(partial(packet.propagate, box=box))
    seen = move(psi, a, jnp.array(0.1), 0, jnp.array([0, 30]))[1]
    law = 2 * 4.0**2 + np.array([0, 15.0]) ** 2 / (2 * 4.0**2)
    np.testing.assert_allclose(seen["msd"], law, rtol=1e-6)
    np.testing.assert_allclose(seen["pr"], 2 * np.pi * law, rtol=1e-6)
    np.testing.assert_allclose(seen["kinetic"], 0.125 + 1 / (4 * 4.0**2), rtol=1e-6)
    np.testing.assert_allclose(seen["norm"], 1, rtol=1e-12)


def test_small_steps_in_a_frozen_field_are_the_dense_propagator():
    """exp(-i H t) of all 144 points; halving the step divides the error by four."""
    a, N = made(BOX.L, 0.8), BOX.N
    F = np.fft.fft(np.eye(N))
    F = np.kron(F, F)
    V = summed(np.asarray(a), BOX.L, N, 0.0).ravel()
    H = F.conj().T @ np.diag(packet.squares(BOX).ravel() / 2) @ F / N**2 + np.diag(V)
    psi = jnp.asarray(packet.start(BOX, complex))
    exact = expm(-2j * H) @ np.asarray(psi).ravel()
    errors = []
    for steps in (20, 40):
        box = BOX._replace(dt=2 / steps)
        move = jax.jit(partial(packet.propagate, box=box))
        found = move(psi, a, jnp.array(0.0), 0, jnp.array([steps]))[0]
        errors.append(abs(np.asarray(found).ravel() - exact).max())
    assert errors[1] < 2e-4
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.1)


def test_in_a_moving_field_the_error_is_of_second_order():
    a, psi = made(BOX.L, 0.8), jnp.asarray(packet.start(BOX, complex))
    ends = []
    for steps in (20, 40, 320):
        move = jax.jit(partial(packet.propagate, box=BOX._replace(dt=2 / steps)))
        ends.append(move(psi, a, jnp.array(0.5), 0, jnp.array([steps]))[0])
    errors = [jnp.abs(x - ends[-1]).max() for x in ends[:2]]
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.1)


def test_uniform_and_speckle_have_their_areas():
    box, key = BOX._replace(N=64), jax.random.key(0)
    observe = jax.jit(partial(packet.observe, box=box))
    flat = observe(jnp.ones((64, 64), complex))
    np.testing.assert_allclose(flat["msd"], box.L**2 / 6 * (1 - 1 / 64**2), rtol=1e-10)
    np.testing.assert_allclose(flat["pr"], box.L**2, rtol=1e-10)
    speckle = observe(jax.random.normal(key, (64, 64), complex))
    np.testing.assert_allclose(speckle["pr"], box.L**2 / 2, rtol=0.05)


def test_classical_particles_feel_the_slope_and_fly_free_without():
    L, N, h = 25.0, 40, 1e-5
    a = made(L)
    M = len(a) // 2
    shift = jnp.exp(1j * np.arange(-M, M + 1)[:, None] * 2 * np.pi * h / L)
    field = jax.jit(partial(lattice.field, L=L, N=N))
    V = [field(x) for x in (a / shift, a * shift)]
    found = jax.jit(partial(classical.force, L=L, N=N))(a)
    np.testing.assert_allclose(found[..., 0], (V[0] - V[1]) / (2 * h), atol=1e-8)
    places = jnp.array([[0.0, L / N], [L, 0.0]])
    at = jax.jit(partial(classical.between, L=L))(found, places)
    np.testing.assert_allclose(at, np.asarray(found)[N // 2, [N // 2 + 1, N // 2]], atol=1e-12)
    z = np.random.default_rng(1).normal(size=(5000, 4))
    r, p = classical.launched(z, 4.0, 0.5)
    spread = jax.jit(partial(classical.spread, L=L, dt=0.5))
    seen = spread(r, p, 0 * found, strides=jnp.array([0, 60]))
    np.testing.assert_allclose(seen, [32.0, 32 + 30**2 / 32], rtol=0.05)


def brute(x, y, i=0, j=0):
    """DTW by every monotone path."""
    here = ((x[i] - y[j]) ** 2).sum()
    ways = ((i + 1, j), (i, j + 1), (i + 1, j + 1))
    ways = [(a, b) for a, b in ways if a < len(x) and b < len(y)]
    return here + (min(brute(x, y, *way) for way in ways) if ways else 0.0)


def test_warped_distances_are_the_least_of_all_paths():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 5, 2)), rng.normal(size=(4, 5, 2))
    np.testing.assert_allclose(series.dtw(x, y), [[brute(a, b) for b in y] for a in x], rtol=1e-12)
    cost, turns = series.accumulated(x, y[:3]), series.paths(series.accumulated(x, y[:3]))
    total = sum(live * ((x[range(3), i] - y[range(3), j]) ** 2).sum(-1) for i, j, live in turns)
    np.testing.assert_allclose(total, cost[-1, -1], rtol=1e-12)


def test_the_barycentre_of_shifted_copies_is_one_of_them():
    base = np.sin(np.arange(6.0))[:, None]
    ends = base[:1], base[-1:]
    copies = [(ends[0].repeat(k, 0), base, ends[1].repeat(3 - k, 0)) for k in range(4)]
    x = np.array([np.concatenate(parts) for parts in copies])
    np.testing.assert_allclose(series.dtw(x, x), 0, atol=1e-12)
    found = series.barycentre(x, x[:1], np.zeros(4, int))
    np.testing.assert_allclose(found, x[:1], atol=1e-12)


def test_means_find_planted_groups_and_silhouettes_are_rousseeuws():
    rng = np.random.default_rng(1)
    kind = np.repeat([0, 1, 2], 5)
    x = kind[:, None, None] * 3.0 + 0.1 * rng.normal(size=(15, 6, 2))
    between = series.dtw(x, x)
    label, _, inertia = series.kmeans(x, between, rng.random((3, 3)))
    np.testing.assert_array_equal(label, kind)
    assert inertia < 0.05 * between.sum() / 15
    far = np.sqrt(between)
    each = []
    for i in range(15):
        mean = [far[i, (kind == c) & (np.arange(15) != i)].mean() for c in range(3)]
        a, b = mean[kind[i]], min(m for c, m in enumerate(mean) if c != kind[i])
        each.append((b - a) / max(a, b))
    np.testing.assert_allclose(series.silhouette(far, label), np.mean(each), rtol=1e-12)


def test_neighbours_agree_on_halves_and_never_on_a_chequerboard():
    halves, board = np.arange(4) // 2 * np.ones((4, 1)), np.indices((4, 4)).sum(0) % 2
    np.testing.assert_array_equal(series.agreement(np.stack([halves, board])), [1, 0])
