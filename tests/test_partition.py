"""The same training on one device, on 8, and on 2 processes of 4: parameters split, checkpoints
carried from one to the other."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import partition
from launch.compute.processes import free_port
from tests.tree import ROOT, Tree

SCRIPT = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from launch.compute import cluster
cluster.join()
from common import partition, sharding
from common.scratch import Scratch

model, steps, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
mesh = partition.make_mesh(model=model)
RULES = (("w1", (None, "model")), ("w2", ("model", None)))

def init(key):
    a, b = jax.random.split(key)
    return {"w1": jax.random.normal(a, (16, 64)) / 4, "w2": jax.random.normal(b, (64, 8)) / 8}

def loss(params, x, y):
    hidden = partition.constrain(jnp.tanh(x @ params["w1"]), mesh, "data", "model")
    return jnp.mean((hidden @ params["w2"] - y) ** 2)

@jax.jit
def step(params, x, y):
    value, grad = jax.value_and_grad(loss)(params, x, y)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, grad), value

rng = np.random.default_rng(0)
x, y = rng.normal(size=(32, 16)).astype("f"), rng.normal(size=(32, 8)).astype("f")
batch = sharding.put((x, y), mesh, "data")
where = partition.fsdp(jax.eval_shape(init, jax.random.key(0)), mesh, RULES)
params = jax.jit(init, out_shardings=where)(jax.random.key(0))
part = params["w1"].addressable_shards[0].data.shape
with Scratch(folder).checkpoints("run", every=0.0) as saved:
    params, done = saved.restore(params)
    losses = []
    for i in range(done, steps):
        params, value = step(params, *batch)
        losses.append(float(value))
        saved.save(i + 1, params)
if cluster.index() == 0:
    print(json.dumps({"losses": losses, "part": part,
                      "done": done, "devices": jax.device_count()}))
"""


def run(folder, steps=6, model=1, devices=1, processes=1):
    """What the script prints, computed by `processes` with `devices` each."""
    more = {"JAX_NUM_CPU_DEVICES": str(devices)}
    if processes > 1:
        more |= {
            "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{free_port()}",
            "JAX_NUM_PROCESSES": str(processes),
        }
    command = [sys.executable, "-P", "-c", SCRIPT, str(model), str(steps), str(folder)]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(
            command, env=Tree(ROOT).environment(**more, JAX_PROCESS_ID=str(i)),
            stdout=pipe, stderr=pipe, text=True,
        )
        for i in range(processes)
    ]  # fmt: skip
    said = [p.communicate(timeout=900) for p in started]
    assert not any(p.returncode for p in started), said[0][1][-3000:] + said[-1][1][-3000:]
    lines = [x for x in said[0][0].splitlines() if x.startswith("{")]
    return json.loads(lines[-1])


@pytest.mark.xdist_group("partition")
@pytest.mark.dear
def test_the_same_numbers_on_1_on_8_and_on_2_processes_of_4(tmp_path):
    one = run(tmp_path / "one")
    eight = run(tmp_path / "eight", model=2, devices=8)
    both = run(tmp_path / "both", model=2, devices=4, processes=2)
    assert (one["devices"], eight["devices"], both["devices"]) == (1, 8, 8)
    np.testing.assert_allclose(eight["losses"], one["losses"], rtol=1e-5)
    np.testing.assert_allclose(both["losses"], one["losses"], rtol=1e-5)
    assert one["losses"][-1] < one["losses"][0]
    assert eight["part"] == both["part"] == [16, 32], "model=2 halves w1; it is small for FSDP"


@pytest.mark.xdist_group("partition")
def test_checkpoint_of_8_devices_goes_on_on_2_processes_of_4_and_on_1(tmp_path):
    whole = run(tmp_path / "whole", steps=6)
    run(tmp_path / "moved", steps=2, model=2, devices=8)
    second = run(tmp_path / "moved", steps=4, model=4, devices=4, processes=2)
    third = run(tmp_path / "moved", steps=6)
    assert (second["done"], third["done"]) == (2, 4)
    np.testing.assert_allclose(second["losses"] + third["losses"], whole["losses"][2:], rtol=1e-5)


# --- rules, without devices ----------------------------------------------------------------------


def mesh(**sizes):
    """An abstract mesh: shardings need no devices."""
    full = {"ensemble": 1, "data": 1, "model": 1} | sizes
    return jax.sharding.AbstractMesh(tuple(full.values()), tuple(full))


TREE = {
    "layers": {"query": jnp.zeros((6, 512, 256)), "scale": jnp.zeros(512)},
    "out": jnp.zeros((256, 30)),
}
RULES = (("query", (None, None, "model")), ("out", ("model",)), ("", ()))


def test_the_first_rule_that_matches_wins_and_absent_axes_are_dropped():
    found = partition.shardings(TREE, mesh(model=2), RULES)
    assert tuple(found["layers"]["query"].spec) == (None, None, "model")
    assert tuple(found["layers"]["scale"].spec) == ()
    assert tuple(found["out"].spec) == ("model",)
    data_only = jax.sharding.AbstractMesh((4,), ("data",))
    found = partition.shardings(TREE, data_only, RULES)
    assert tuple(found["out"].spec) == (None,)


def test_fsdp_splits_the_largest_free_dimension_of_large_leaves():
    found = partition.fsdp(TREE, mesh(data=4, model=2), RULES)
    assert tuple(found["layers"]["query"].spec) == (None, "data", "model")
    assert tuple(found["layers"]["scale"].spec) == (), "small leaves stay whole"
    assert tuple(found["out"].spec) == ("model",)
    small = partition.fsdp(TREE, mesh(data=3), (), least=1)
    assert tuple(small["out"].spec) == (None, "data"), "256 is not divided by 3, 30 is"
    assert tuple(small["layers"]["scale"].spec) == (None,), "nothing divides: whole"


@pytest.mark.parametrize(
    ("rules", "sizes", "piece"),
    [
        ((("query", ()),), {}, "no rule for layers/scale"),
        ((("scale", ("data", "model")), ("", ())), {}, "layers/scale has 1 dimensions"),
        ((("out", (None, "model")), ("", ())), {"model": 4}, "out: model=4 does not divide"),
    ],
)
def test_a_wrong_rule_names_the_leaf(rules, sizes, piece):
    with pytest.raises(ValueError, match=piece):
        partition.shardings(TREE, mesh(**sizes), rules)


def test_a_mesh_must_cover_the_devices():
    with pytest.raises(ValueError, match="does not cover"):
        partition.make_mesh(data=3, model=2)
