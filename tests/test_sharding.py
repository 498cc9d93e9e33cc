"""Meshes: the same numbers on 8 forced host devices, and for every seed alone."""

import os
import subprocess
import sys

from tests.tree import ROOT, Tree

SCRIPT = """
import jax, jax.numpy as jnp, numpy as np
from common import sharding
assert jax.device_count() == 8
mesh = sharding.make_mesh()
fn = lambda key: {"x": jnp.linalg.eigvalsh(jax.random.normal(key, (6, 6)))}
keys = jax.vmap(jax.random.key)(jnp.arange(5))
spread = sharding.vmap_over(mesh, fn)
for n in (1, 5, 8, 11):
    keys = jax.vmap(jax.random.key)(jnp.arange(n))
    got = sharding.gather(spread(keys))["x"]
    want = np.stack([fn(k)["x"] for k in keys])
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-6)
x = np.arange(24.0, dtype=np.float32).reshape(8, 3)
placed = sharding.put({"a": x}, mesh, "data")["a"]
assert len(placed.sharding.device_set) == 8 and placed.addressable_shards[0].data.shape == (1, 3)
np.testing.assert_array_equal(sharding.gather(placed), x)
total = placed
for _ in range(300):  # hangs on few cores unless PJRT_NPROC is set
    total = jax.jit(lambda y: y + jnp.sum(y) * 0)(total)
np.testing.assert_array_equal(sharding.gather(total), x)
two = sharding.make_mesh(model=2)
assert dict(two.shape) == {"data": 4, "model": 2}
try:
    sharding.make_mesh(3, 2)
except ValueError as error:
    assert "does not cover 8 devices" in str(error)
else:
    raise AssertionError
"""

CHECKPOINT = """
import sys
from typing import NamedTuple
import jax, jax.numpy as jnp, numpy as np
from common import sharding
from common.scratch import Scratch

class State(NamedTuple):
    w: jax.Array
    key: jax.Array
    host: np.ndarray

mesh = sharding.make_mesh()
with jax.enable_x64(True):
    values = np.linspace(0, 1, 40).reshape(8, 5)
    ckpt = Scratch(sys.argv[1]).checkpoints("a", every=0.0)
    w = sharding.put(np.zeros_like(values), mesh, "data")
    state, step = ckpt.restore(State(w, jax.random.key(3), np.zeros(2)))
    assert isinstance(state, State)
    if sys.argv[2] == "save":
        full = State(sharding.put(values, mesh, "data"), jax.random.key(7), np.ones(2))
        ckpt.save(4, full)
    else:
        assert step == 4
        assert state.w.dtype == jnp.float64, state.w.dtype
        assert len(state.w.sharding.device_set) == jax.device_count()
        np.testing.assert_array_equal(np.asarray(state.w), values)
        np.testing.assert_array_equal(state.host, np.ones(2))
        assert (jax.random.key_data(state.key) == jax.random.key_data(jax.random.key(7))).all()
    ckpt.close()
"""


def run(script: str, *arguments: str, devices: int) -> None:
    flags = f"--xla_force_host_platform_device_count={devices}"
    env = Tree(ROOT).environment(XLA_FLAGS=flags, PJRT_NPROC="32")
    command = [sys.executable, "-P", "-c", script, *arguments]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_vmap_over_and_placement_on_8_devices():
    run(SCRIPT, devices=8)


def test_checkpoint_of_8_devices_is_restored_on_one_and_on_eight(tmp_path):
    """float64, typed keys, host arrays and NamedTuples come back as they were."""
    run(CHECKPOINT, str(tmp_path), "save", devices=8)
    run(CHECKPOINT, str(tmp_path), "load", devices=1)
    run(CHECKPOINT, str(tmp_path), "load", devices=8)


def test_damaged_checkpoint_is_skipped(tmp_path):
    run(CHECKPOINT, str(tmp_path), "save", devices=1)
    run(CHECKPOINT.replace("save(4", "save(5"), str(tmp_path), "save", devices=1)
    for file in (tmp_path / "checkpoints-a/5").rglob("d/*"):
        os.truncate(file, 3)
    run(CHECKPOINT, str(tmp_path), "load", devices=1)


def test_checkpoint_whose_shapes_hung_on_the_devices_is_not_used(tmp_path):
    """A state padded to the number of devices does not fit another: begin anew, and say so."""
    script = (
        "import sys, warnings, jax.numpy as jnp\n"
        "from common.scratch import Scratch\n"
        "rows = int(sys.argv[2])\n"
        "ckpt = Scratch(sys.argv[1]).checkpoints('a', every=0.0)\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    warnings.simplefilter('always')\n"
        "    state, step = ckpt.restore({'x': jnp.zeros((rows, 3))})\n"
        "texts = [str(w.message) for w in said if 'begins anew' in str(w.message)]\n"
        "assert (step, len(texts)) == (int(sys.argv[3]), int(sys.argv[4])), (step, texts)\n"
        "assert state['x'].shape == (rows, 3)\n"
        "ckpt.save(1 + step, {'x': jnp.ones((rows, 3))}, force=True)\n"
        "ckpt.close()\n"
    )
    run(script, str(tmp_path), "2", "0", "0", devices=1)
    run(script, str(tmp_path), "2", "1", "0", devices=1)
    run(script, str(tmp_path), "4", "0", "1", devices=1)
