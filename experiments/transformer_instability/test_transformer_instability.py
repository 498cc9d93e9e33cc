"""Model, losses, optimiser, language and sensitivity against closed forms and references."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from . import history, loss, measure, text, training

HYPER = training.Hyper(0.01, 0.1, 1e-2, 1e-8, 0.0, 0.0, True)


def test_losses_of_uniform_and_shifted_logits():
    """log V; a shift moves log Z and not the cross-entropy."""
    targets = jnp.array([[0, 3, 4]])
    logits = jax.random.normal(jax.random.key(0), (1, 3, 7))
    assert float(loss.cross_entropy(jnp.zeros((1, 3, 7)), targets)[0]) == pytest.approx(np.log(7))
    value, log_z = loss.cross_entropy(logits, targets)
    moved, moved_z = loss.cross_entropy(logits + 5.0, targets)
    assert float(moved) == pytest.approx(float(value), rel=1e-5)
    np.testing.assert_allclose(moved_z, log_z + 5.0, rtol=1e-5)


def test_gradient_of_z_loss():
    """2 log Z softmax(y) over the number of positions."""
    y = jax.random.normal(jax.random.key(0), (1, 4, 6))

    def of(y):
        return loss.z_loss(loss.cross_entropy(y, jnp.zeros((1, 4), int))[1])

    grad = jax.jit(jax.grad(of))(y)
    log_z = jax.nn.logsumexp(y, axis=-1, keepdims=True)
    np.testing.assert_allclose(grad, 2 * log_z * jax.nn.softmax(y) / 4, rtol=1e-5)


def bigram(params, tokens, _):
    """A model of one table, for tests of the step."""
    return params["blocks"]["table"][tokens], jnp.abs(tokens).max(keepdims=True).ravel()[:1]


def table(seed=0):
    return {"blocks": {"table": jax.random.normal(jax.random.key(seed), (5, 5))}}


def test_a_batch_in_pieces_has_the_same_gradient():
    tokens = jax.random.randint(jax.random.key(1), (8, 7), 0, 5)

    @jax.jit
    def both(params):
        how = {"apply": bigram, "place": lambda g: g}
        return [training.gradient(params, tokens, HYPER, pieces=n, **how) for n in (1, 4)]

    (whole, seen), (parts, seen_in_parts) = both(table())
    np.testing.assert_allclose(parts["blocks"]["table"], whole["blocks"]["table"], atol=1e-7)
    for one, two in zip(seen, seen_in_parts, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-6)


@pytest.mark.parametrize(("decay", "coupled"), [(0.03, 0.0), (0.0, 0.03)])
def test_step_is_adamw_of_optax(decay, coupled):
    """Independent decay is the library's with lambda over the peak rate (as in nanodo)."""
    lr, steps = 0.05, 20
    each = decay / lr if decay else coupled
    rate = optax.warmup_cosine_decay_schedule(0.0, lr, 4, steps, 1e-3)
    tx = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(lambda i: rate(i + 1), b1=0.9, b2=0.95, eps=1e-8, weight_decay=each),
    )
    hyper = HYPER._replace(lr=lr, warmup=0.2, decay=decay, coupled=coupled)

    def both(carry, i):
        state, params, kept = carry
        grads = jax.tree.map(lambda w: (3.0 - i) * jnp.sin(3 * w), params)
        r = training.schedule(state.step + 1, hyper, steps=steps, lr_end=1e-3)
        updates, kept = tx.update(grads, kept, params)
        params = optax.apply_updates(params, updates)
        return (training.adamw(state, grads, hyper, r), params, kept), None

    start = training.begin(table()), table(), tx.init(table())
    (state, params, _), _ = jax.lax.scan(both, start, jnp.arange(steps))
    ours, theirs = state.params["blocks"]["table"], params["blocks"]["table"]
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_independent_decay_does_not_know_the_rate():
    """Without gradients weights shrink by the product of 1 - r lambda, whatever eta."""
    zero = jax.tree.map(jnp.zeros_like, table())
    for lr in (1e-3, 1.0):
        hyper, state, product = HYPER._replace(lr=lr, decay=0.1), training.begin(table()), 1.0
        for r in (0.5, 1.0, 0.25):
            state, product = training.adamw(state, zero, hyper, r), product * (1 - 0.1 * r)
        np.testing.assert_allclose(
            state.params["blocks"]["table"], product * table()["blocks"]["table"], rtol=1e-6
        )


def test_each_token_follows_one_of_the_last_two():
    followers = text.language(jax.random.key(0), 50)
    speak = jax.jit(text.sample, static_argnums=(2, 3))
    said = np.array(speak(jax.random.key(1), followers, 200, 30))
    followers = np.array(followers)
    a, b, c = said[:, :-2], said[:, 1:-1], said[:, 2:]
    last, before = (followers[i][x] == c[..., None] for i, x in ((0, b), (1, a)))
    assert (last.any(-1) | before.any(-1)).all()
    clear = last.any(-1) & ~before.any(-1)
    assert last[clear][:, 0].mean() == pytest.approx(0.5, abs=0.04)
    assert last.any(-1).mean() == pytest.approx(0.5 + 0.5 * 4 / 50, abs=0.04)


def test_windows_are_pieces_of_the_text():
    found = text.windows(jax.random.key(0), jnp.arange(40), 300, 8)
    np.testing.assert_array_equal(jnp.diff(found, axis=1), 1)
    assert (int(found.min()), int(found.max())) == (0, 39)


def test_records_are_means_of_their_steps_and_finite():
    """Two records of two steps; a step that is not finite spoils its record alone: the loss counts
    as at the start, others keep what they had, or 0."""
    seen = {
        "loss": np.array([[4.0, 2, 1, np.nan], [5, 3, 2, 0]]),
        "rms": np.array([[np.inf, 2, 1, 3], [5, 3, 2, np.nan]]),
        "max_logit": np.array([[4.0, 2, 1, 3], [5, 3, 2, 8]])[..., None],
    }
    found = history.summary(seen, records=2)
    assert found["loss"].tolist() == [[3, 4], [4, 1]]
    assert found["rms"].tolist() == [[0, 2], [4, 4]]
    assert found["max_logit"].tolist() == [[[4], [3]], [[5], [8]]]
    assert found["start"].tolist() == [4, 5]
    assert found["diverged"].tolist() == [1, 1]
    tame = {"loss": seen["loss"][:, :2]}
    assert history.summary(tame, records=1)["diverged"].tolist() == [0, 0]


def test_sensitivity_in_closed_form():
    """Losses above that of initialisation count as it; S is the mean distance from the best."""
    assert measure.sensitivity(np.array([2.0, 3.0, 2.5, 4.5])) == pytest.approx(1.0)
    arrays = {
        "arm": np.array([0]),
        "loss": np.array([[[[9.0, 2.0], [9.0, 3.0], [2.0, 99.0]]]]),  # [seed, arm, lr, record]
        "start": np.array([[4.0]]),
    }
    np.testing.assert_allclose(measure.lr_sensitivity(arrays, "base"), [1.0])
