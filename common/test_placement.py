"""Both forms of an ensemble: the same numbers as members trained one by one in NumPy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.placement import Ensemble
from common.sharding import make_mesh

SCRIPT = """
import json
from typing import Any, NamedTuple
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import PartitionSpec as P
from common.placement import Ensemble
from common.sharding import gather, make_mesh

class State(NamedTuple):
    w: Any
    moment: Any

N, B, STEPS = 64, 16, 4
rng = np.random.default_rng(0)
seeds, rates = np.arange(3), np.array([0.1, 0.2, 0.3], "f")
x = rng.normal(size=(3, STEPS, B, N)).astype("f") / 8
scale = np.float32(2)

def init(seed):
    w = jnp.sin(jnp.arange(N * 512.0) + seed).reshape(N, 512)  # large enough to be split
    return State(w, jnp.zeros_like(w))

def steps(ensemble, state, x, rate, scale):
    def step(state, x):
        def loss(w):
            hidden = ensemble.place(x @ w, "data", None)
            return scale * jnp.sum(hidden ** 2) / 2

        value, grad = jax.value_and_grad(loss)(state.w)
        moment = 0.5 * state.moment + ensemble.place_weights(grad)
        return State(state.w - rate * moment, moment), value

    return jax.lax.scan(step, state, x)

def written_out(seed, x, rate):
    w = np.sin(np.arange(N * 512.0) + seed).reshape(N, 512)
    moment, values = 0 * w, []
    for one in x.astype(float):
        values.append(scale * np.sum((one @ w) ** 2) / 2)
        moment = 0.5 * moment + scale * one.T @ (one @ w)
        w = w - rate * moment
    return w, values

want = [np.stack(x) for x in zip(*map(written_out, seeds, x, rates))]
forms, found = {"members": ["members"], "batch": ["batch"], "whole": ["batch", (), False]}, {}
for name, form in forms.items():
    ensemble = Ensemble(make_mesh(), *form)
    shapes = jax.eval_shape(init, 0)
    begin = ensemble.begin(init, shapes)
    train = ensemble.train(lambda *a: steps(ensemble, *a), shapes, P(None, "data"), P(), P(),
                           shared=(3,))
    norm = ensemble.over(lambda w: jnp.linalg.norm(w), ensemble.weights(shapes.w))
    w, values, parts = [], [], set()
    for part in ensemble.rounds(3):
        state = begin(seeds[part])
        state, seen = train(state, x[part], rates[part], scale)
        parts |= {s.data.size for s in state.moment.addressable_shards}
        np.testing.assert_allclose(norm(state.w), np.linalg.norm(want[0][part], axis=(1, 2)), 1e-5)
        w.append(gather(state.w)), values.append(gather(seen))
    np.testing.assert_allclose(np.concatenate(w), want[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.concatenate(values), want[1], rtol=1e-4)
    program = train.program("training", state, x[part], rates[part], scale, calls=1)
    text = program.fn.trace(*program.args).lower().compile().as_text()
    specs = {str(tuple(a.sharding.spec)) for a in jax.tree.leaves(program.args)}
    talks = "all-reduce" in text or "reduce-scatter" in text
    found[name] = {"rounds": len(w), "parts": list(parts), "specs": sorted(specs), "talks": talks}
print(json.dumps(found))
"""


def test_both_forms_train_the_same_and_lie_as_they_say():
    """On 8 devices: whole members apart and silent; or one after the other, every device with an
    eighth of the batch and of weights and moments, or with whole weights."""
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
        "JAX_PLATFORMS": "cpu",
        "PJRT_NPROC": "32",
    }
    call = [sys.executable, "-c", SCRIPT]
    home = Path(__file__).parents[1]
    done = subprocess.run(
        call, cwd=home, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found, whole = json.loads(done.stdout), 64 * 512
    assert found["members"]["rounds"] == 1
    assert not found["members"]["talks"]
    assert found["whole"]["parts"] == [whole]
    assert found["batch"]["parts"] == [whole // 8]
    for name in ("batch", "whole"):
        assert found[name]["rounds"] == 3
        assert found[name]["talks"]
    assert found["members"]["specs"] == ["('data',)", "()"]
    shared, split, whole_of_one = "()", "(None, None, 'data')", "(None,)"
    assert found["batch"]["specs"] == found["whole"]["specs"] == [shared, split, whole_of_one]


def test_rounds_and_a_form_that_is_none():
    mesh = make_mesh()
    assert Ensemble(mesh, "members").rounds(4) == [slice(0, 4)]
    assert Ensemble(mesh, "batch").rounds(2) == [slice(0, 1), slice(1, 2)]
    with pytest.raises(ValueError, match="members or batch, not by 'seeds'"):
        Ensemble(mesh, "seeds")
