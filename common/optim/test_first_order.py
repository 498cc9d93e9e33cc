"""First-order methods against the textbook's two sequences, closed forms, rates and bounds."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from common.optim import first_order

L, M = 25.0, 1.0
Q = np.sqrt(M / L)
RHO = 1 - Q


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def kinked(x):
    """The gradient of Lessard, Recht & Packard 2016: slopes 25, 1, 25; least at 0."""
    return jnp.where(x < 1, 25 * x, jnp.where(x < 2, x + 24, 25 * x - 24))


def run(tx, grad, x0, steps):
    """(y_k, x_k) for k = 0 .. steps."""

    def step(carry, _):
        y, state = carry
        updates, new = tx.update(grad(y), state)
        return (optax.apply_updates(y, updates), new), (y, first_order.output(state, y))

    x0 = jnp.asarray(x0)
    return jax.lax.scan(step, (x0, tx.init(x0)), length=steps + 1)[1]


def test_every_method_is_the_textbooks_two_sequences():
    """Written with x_k and x_(k-1), on the counterexample, where nothing is linear."""
    beta = (1 - Q) / (1 + Q)
    hb = 4 / (np.sqrt(L) + np.sqrt(M)) ** 2, ((1 - Q) / (1 + Q)) ** 2
    abc = (1 + RHO) / L, RHO**2 / (2 - RHO), RHO**2 / ((1 + RHO) * (2 - RHO))
    delta = RHO**2 / (1 - RHO**2)

    def next_of(name, k, now, before):
        move = now - before
        if name == "gradient_descent":
            return now, now - 2 / (L + M) * kinked(now), now
        if name == "heavy_ball":
            return now, now - hb[0] * kinked(now) + hb[1] * move, now
        if name == "triple_momentum":
            y = (1 + abc[2]) * now - abc[2] * before
            new = (1 + abc[1]) * now - abc[1] * before - abc[0] * kinked(y)
            return y, new, (1 + delta) * now - delta * before
        y = now + (beta if name == "nag_sc" else (k - 1) / (k + 2)) * move
        return y, y - kinked(y) / L, now

    for name in ("gradient_descent", "heavy_ball", "nag_sc", "nag_c", "triple_momentum"):
        tx = getattr(first_order, name)(*((L,) if name == "nag_c" else (L, M)))
        y, x = run(tx, kinked, 3.3, 30)
        now = before = 3.3
        for k in range(31):
            at, new, out = map(float, next_of(name, k, now, before))
            assert (float(y[k]), float(x[k])) == pytest.approx((at, out), abs=1e-12), (name, k)
            now, before = new, now


def test_nesterov_is_its_polynomial_on_a_quadratic():
    """z = 1 - h/L: x_(k+1) = (1+b) z x_k - b z x_(k-1), solved by its roots."""
    h, k = np.array([1.0, 2.0, 9.0, 20.0]), np.arange(40)[:, None]
    x = np.asarray(run(first_order.nag_sc(L, M), lambda y: h * y, np.ones(4), 39)[1])
    beta, z = (1 - Q) / (1 + Q), 1 - h / L
    root = np.sqrt(((1 + beta) * z / 2) ** 2 - beta * z + 0j)
    middle = (1 + beta) * z / 2
    up, down = middle + root, middle - root
    double = np.abs(root) < 1e-6  # h = m: both roots are 1 - 1/sqrt kappa
    span = np.where(double, 1, up - down)
    general = ((z - down) * up**k - (z - up) * down**k) / span
    want = np.where(double, middle**k * (1 + k * (z / middle - 1)), general).real
    np.testing.assert_allclose(x, want, atol=1e-12)


def test_gradient_descent_and_heavy_ball_have_their_rates_on_a_quadratic():
    x = run(first_order.gradient_descent(L, M), lambda y: np.array([M, L]) * y, np.ones(2), 20)[1]
    want = np.array([1.0, -1.0]) ** np.arange(21)[:, None] * (24 / 26) ** np.arange(21)[:, None]
    np.testing.assert_allclose(x, want, atol=1e-13)
    x = run(first_order.heavy_ball(L, M), lambda y: np.array([M, L]) * y, np.ones(2), 300)[1]
    k = np.arange(301)  # double roots +-(sqrt kappa - 1) / (sqrt kappa + 1) at both ends
    r = (5 - 1) / (5 + 1)
    np.testing.assert_allclose(x[:, 0], r**k * (1 + k * ((1 - 4 / 36) / r - 1)), atol=1e-12)
    np.testing.assert_allclose(x[:, 1], (-r) ** k * (1 + k * ((1 - 100 / 36) / -r - 1)), atol=1e-12)


def test_counterexample():
    """Heavy ball cycles, triple momentum falls by 1 - 1/sqrt kappa a step."""
    x = np.asarray(run(first_order.heavy_ball(L, M), kinked, 3.3, 402)[1])
    np.testing.assert_allclose(np.sort(x[-3:]), [-1.80245, 0.64653, 2.11592], atol=1e-5)
    np.testing.assert_allclose(x[-3:], x[-6:-3], atol=1e-10)
    x = np.asarray(run(first_order.triple_momentum(L, M), kinked, 3.3, 80)[1])
    np.testing.assert_allclose(np.abs(x[61:] / x[60:-1]), RHO, atol=1e-6)


def test_convex_momentum_keeps_its_bound():
    """2L |x_0 - x*|^2 / (k+1)^2, on Nesterov's tridiagonal matrix, whose norm is below 4."""
    d = 200
    t = 2 * np.eye(d) - np.eye(d, k=1) - np.eye(d, k=-1)
    end = np.linalg.solve(t, np.eye(d)[0])
    x = np.asarray(run(first_order.nag_c(4.0), lambda y: t @ y - np.eye(d)[0], np.zeros(d), 100)[1])
    gap = np.einsum("ki,ij,kj->k", x - end, t, x - end) / 2
    bound = 8 * (end @ end) / (np.arange(101) + 1) ** 2
    assert (gap <= bound).all()
    assert gap[100] > 0.05 * bound[100]  # the bound is of the right order


def test_two_are_what_optax_calls_momentum():
    """In optax.sgd the parameters of Nesterov's method are y_k too."""
    beta = (1 - Q) / (1 + Q)
    for ours, theirs in (
        (first_order.nag_sc(L, M), optax.sgd(1 / L, momentum=beta, nesterov=True)),
        (first_order.heavy_ball(L, M), optax.sgd(4 / 36, momentum=(4 / 6) ** 2)),
    ):
        u, v = ours, theirs
        a = b = jnp.asarray([3.3, -1.0])
        s, t = u.init(a), v.init(b)
        for _ in range(20):
            (du, s), (dv, t) = u.update(kinked(a), s), v.update(kinked(b), t)
            a, b = optax.apply_updates(a, du), optax.apply_updates(b, dv)
        np.testing.assert_allclose(a, b, atol=1e-13)


def test_in_a_chain_of_pytrees_of_32_bits_and_over_many_moduli():
    """A batch of problems, each with its own kappa, in one program."""
    many = jnp.array([4.0, 25.0, 400.0], jnp.float32)

    def end(big):
        tx = optax.chain(optax.identity(), first_order.triple_momentum(big, 1.0))
        params = {"a": jnp.ones(2, jnp.float32), "b": (jnp.ones((), jnp.float32),)}
        state = tx.init(params)
        for _ in range(3):
            updates, state = tx.update(jax.tree.map(lambda y: big * y, params), state)
            params = optax.apply_updates(params, updates)
        return first_order.output(state, params)

    found = jax.vmap(end)(many)
    assert {x.dtype for x in jax.tree.leaves(found)} == {jnp.dtype("float32")}
    for i, big in enumerate((4.0, 25.0, 400.0)):
        want = run(first_order.triple_momentum(big, 1.0), lambda y, c=big: c * y, 1.0, 3)[1][-1]
        for leaf in jax.tree.leaves(found):
            np.testing.assert_allclose(leaf[i], want, rtol=1e-4, atol=1e-5)


REFUSED = [
    (lambda: first_order.nag_sc(1.0, 2.0), "L and m must keep 0 < m <= L, not 1.0 and 2.0"),
    (lambda: first_order.triple_momentum(1.0, 0.0), "L and m must keep 0 < m <= L"),
    (lambda: first_order.nag_c(np.ones(2)), "L and m must be numbers"),
    (lambda: first_order.heavy_ball(np.inf, 1.0), "L must be finite"),
    (lambda: first_order.output(optax.sgd(1.0).init(1.0), 1.0), "state must be that of a method"),
]


@pytest.mark.parametrize("wrong", REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_wrong_is_said_in_one_line(wrong):
    call, said = wrong
    with pytest.raises(ValueError, match=f"^{said}"):
        call()
