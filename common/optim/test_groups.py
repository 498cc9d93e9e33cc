"""Groups of parameters against each leaf's own chain, and against adamw."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from common.optim import groups
from common.optim.groups import Group

PARAMS = {
    "ssm": {"log_step": jnp.array([1.0, -2.0]), "kernel": jnp.array([[3.0, 1.0]])},
    "head": [jnp.array([0.5]), jnp.array([4.0, 4.0, 1.0])],
}
RULES = {"log_step": Group(0.1), "head/0": Group(0.0), "ssm": Group(1.0, 0.3)}
DEFAULT = Group(2.0, 0.01)
WANTED = {"ssm": {"log_step": Group(0.1), "kernel": Group(1.0, 0.3)},
          "head": [Group(0.0), DEFAULT]}  # fmt: skip


def trajectory(tx, params, steps=4):
    state = tx.init(params)
    for i in range(steps):
        grads = jax.tree.map(lambda w, i=i: jnp.sin(w + i), params)
        updates, state = tx.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params


def chain(*middle):
    schedule = optax.linear_schedule(0.1, 0.01, 4)
    return optax.chain(optax.scale_by_adam(), *middle, optax.scale_by_learning_rate(schedule))


def test_a_leaf_moves_as_by_its_own_chain():
    found = trajectory(chain(groups.grouped(RULES, DEFAULT)), PARAMS)

    def alone(group, w):
        rate, decay = group
        return trajectory(chain(optax.add_decayed_weights(decay), optax.scale(rate)), w)

    want = jax.tree.map(alone, WANTED, PARAMS, is_leaf=lambda g: isinstance(g, Group))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, want)
    assert float(found["head"][0][0]) == 0.5


def test_one_group_is_adamw():
    tx = optax.chain(
        optax.scale_by_adam(), groups.grouped({}, Group(1, 0.2)), optax.scale_by_learning_rate(0.1)
    )
    want = trajectory(optax.adamw(0.1, weight_decay=0.2), PARAMS)
    found = trajectory(tx, PARAMS)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, want)


def test_labels_are_those_that_partition_wants():
    label = groups.labels({"kernel|head/1": "matrix"}, "other")
    assert label(PARAMS) == {
        "ssm": {"log_step": "other", "kernel": "matrix"}, "head": ["other", "matrix"]
    }  # fmt: skip
    tx = optax.partition({"matrix": optax.sgd(0.1), "other": optax.set_to_zero()}, label)
    updates, _ = tx.update(PARAMS, tx.init(PARAMS), PARAMS)
    np.testing.assert_allclose(updates["ssm"]["kernel"], [[-0.3, -0.1]], rtol=1e-6)
    assert not updates["ssm"]["log_step"].any()


REFUSED = [
    (lambda: groups.grouped({"log_stepp": Group()}).init(PARAMS), "rules: 'log_stepp' decides for"),
    (lambda: groups.grouped({"ssm": Group(), "kernel": Group()}).init(PARAMS), "rules: 'kernel'"),
    (lambda: groups.grouped({"ssm": Group()}, None).init(PARAMS), "rules have no pattern for head"),
    (lambda: groups.grouped({"ssm": Group(-1.0)}), "rate of a group must be 0 or more, not -1.0"),
    (lambda: groups.grouped({}, Group(1.0, np.nan)), "decay of a group must be 0 or more, not nan"),
    (lambda: groups.grouped({}).update(PARAMS, optax.EmptyState()), "params must be given"),
]


@pytest.mark.parametrize("wrong", REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_wrong_is_said_in_one_line(wrong):
    call, said = wrong
    with pytest.raises(ValueError, match=f"^{said}") as error:
        call()
    assert "\n" not in str(error.value)
