"""Plans: what a compiled program costs against closed forms; two compilers that must agree; the
chances of claims; what a user sees."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from launch.errors import UserError
from launch.read import repeats
from launch.scale import compilers, costs, hardware, quote, roofline
from launch.scale.hlo.cost import Cost, Kernel, cost
from tests.tree import ROOT, Tree

pytestmark = pytest.mark.xdist_group("plan")


def compiled(fn, *arguments):
    return jax.jit(fn).lower(*arguments).compile().as_text()


def spec(*shape, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


# --- the reader of compiled programs -------------------------------------------------------------


def test_flop_of_products_in_nested_loops():
    """5 x 3 products of 64 x 48 by 48 x 48: 2 m n k each; the compiler's own count has one."""

    def inner(x, w):
        return jax.lax.scan(lambda x, _: (jnp.tanh(x @ w), None), x, length=3)[0]

    def outer(x, w):
        return jax.lax.scan(lambda x, _: (inner(x, w), None), x, length=5)[0]

    total = cost(compiled(outer, spec(64, 48), spec(48, 48)))
    assert total.flops == 15 * 2 * 64 * 48 * 48
    assert total.unknown_loops == 0
    assert total.dear >= 15 * 64 * 48, "as many hyperbolic tangents"


@pytest.mark.parametrize(("stride", "padding"), [(1, "SAME"), (2, "VALID"), (1, "VALID")])
def test_flop_of_convolutions_count_what_meets_the_image(stride, padding):
    """By counting, in NumPy, the kernel's positions that lie on the image."""
    x, k = spec(2, 9, 7, 3), spec(3, 3, 3, 5)

    def convolve(x, k):
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            x, k, (stride, stride), padding, dimension_numbers=numbers
        )

    ones = [jnp.ones(s.shape) for s in (x, k)]
    pairs = float(convolve(jnp.ones((1, 9, 7, 1)), jnp.ones((3, 3, 1, 1))).sum())
    assert convolve(*ones).sum() == pairs * 2 * 3 * 5
    text = jax.jit(convolve).lower(x, k).as_text(dialect="hlo")
    assert cost(text).flops == 2 * pairs * 2 * 3 * 5


def test_a_loop_of_unknown_length_is_counted_once_and_told():
    def descend(x, n):
        return jax.lax.fori_loop(0, n, lambda _, x: x @ x, x)

    total = cost(compiled(descend, spec(32, 32), spec(dtype=jnp.int32)))
    assert total.flops == 2 * 32**3
    assert total.unknown_loops == 1


def test_bytes_of_a_slice_are_the_slice_s():
    """A scan reads a row of a stack each time, not the stack."""

    def total(stack):
        return jax.lax.scan(lambda c, row: (c + jnp.cos(row), None), stack[0], stack)[0]

    rows, width = 100, 4096
    moved = cost(compiled(total, spec(rows, width))).bytes
    assert 3 * rows * width * 4 * 0.9 < moved < 3 * rows * width * 4 * 1.5


COLLECTIVES = """
import os
import jax, jax.numpy as jnp
from common import sharding
from launch.scale.hlo.cost import cost
from jax.sharding import PartitionSpec as P
mesh = sharding.make_mesh()
x = jax.ShapeDtypeStruct((64, 32), jnp.float32, sharding=sharding.sharded(mesh, "data"))
w = jax.ShapeDtypeStruct((32, 16), jnp.float32, sharding=sharding.sharded(mesh))
grad = jax.jit(jax.grad(lambda w, x: jnp.sum(jnp.sin(x @ w))))
total = cost(grad.lower(w, x).compile().as_text(), 8)
print(total.flops, total.wire["all-reduce"])
gathered = jax.jit(lambda x: x * 2, out_shardings=sharding.sharded(mesh))
print(cost(gathered.lower(x).compile().as_text(), 8).wire["all-gather"])
"""


def test_what_8_devices_compute_and_send():
    """Products are shared by 8; a ring sends 2 (n - 1) / n of a sum, (n - 1) / n of a gather."""
    env = Tree(ROOT).environment(XLA_FLAGS="--xla_force_host_platform_device_count=8")
    command = [sys.executable, "-P", "-c", COLLECTIVES]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    flops, reduced, gathered = (float(x) for x in done.stdout.split())
    assert flops == 2 * (2 * 64 * 32 * 16) / 8
    assert reduced == 2 * 7 / 8 * 32 * 16 * 4
    assert gathered == 7 / 8 * 64 * 32 * 4


# --- hardware ------------------------------------------------------------------------------------


def test_names_of_hardware():
    assert hardware.target("v5e-8").shape == "2x4"
    assert hardware.target("v5p-8").chips == 4, "v5p counts cores"
    assert hardware.target("v4:2x2x4").chips == 16
    assert hardware.target("h100-16").shape == "2x8"
    assert hardware.target("h100").chips == 1
    for n in (1, 4, 8, 16, 32, 64, 128, 256):
        assert hardware.target(f"v6e-{n}").chips == n
    for wrong in ("v5e-7", "x100-8", "h100-12", "cpu:2x2"):
        with pytest.raises(UserError):
            hardware.target(wrong)


def test_the_roofline_of_a_large_product_is_its_flop_over_the_peak():
    n = 16384
    total = Cost(kernels=[Kernel(1, 2.0 * n**3, 6.0 * n**2, 0, 0, "bf16", 2.0 * n**3)])
    t = hardware.target("h100-1")
    low, high, limits = roofline.predicted(total, hardware.CHIPS["h100"], t)
    ideal = 2 * n**3 / 989e12
    assert low == pytest.approx(ideal / 0.9)
    assert high == pytest.approx(ideal / 0.35, rel=1e-3)
    assert max(limits, key=limits.get) == "matrix products"


# --- two compilers, neither of whose machines is here --------------------------------------------


@pytest.fixture(scope="module")
def both():
    """Compilers for TPU and CUDA, installed if a registry can be reached."""
    try:
        for platform in ("tpu", "cuda"):
            compilers.ensure(platform)
    except UserError as error:
        pytest.skip(f"no compiler for hardware that is not here: {error}")
    return True


STEP = """
import sys
from launch.scale import hardware, lowering, plan
from launch.scale.hlo.cost import cost
targets = [hardware.target(n) for n in ("v5e-8", "v4-16", "h100-8", "cpu-8")]
plan.prepare(targets)
import jax, jax.numpy as jnp
from common import partition, sharding
from launch.meshes import mesh_of

def loss(w, x):
    def layer(x, w):
        return jnp.tanh(x @ w["a"]) @ w["b"], None
    return jnp.sum(jax.lax.scan(jax.checkpoint(layer), x, w)[0])

for t in targets:
    mesh = mesh_of({"mesh_model": 1}, lowering.devices(t))
    w = {"a": jax.ShapeDtypeStruct((6, 256, 1024), jnp.float32),
         "b": jax.ShapeDtypeStruct((6, 1024, 256), jnp.float32)}
    where = partition.fsdp(w, mesh)
    x = jax.ShapeDtypeStruct((512, 256), jnp.float32, sharding=sharding.sharded(mesh, "data"))
    step = jax.jit(jax.grad(loss), out_shardings=where)
    traced = step.trace(partition.abstract(w, where), x)
    program = lowering.build(traced.lower(lowering_platforms=(t.platform,)), t, full=False)
    total = cost(program.as_text(), t.chips)
    print(total.flops * t.chips, total.unknown_loops, sum(total.wire.values()) > 0)
"""


@pytest.mark.dear
def test_three_compilers_make_programs_of_the_same_flop(both):
    """Windowed products, library calls, unrolled loops: read right on all, or they would differ.

    Forward, recomputed and twice backward: 2 + 2 + 4 products a layer less the recomputed last
    one, whose value nobody needs; the first layer's input has no gradient.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", STEP], env=Tree(ROOT).environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [x.split() for x in done.stdout.splitlines()]
    product = 2 * 512 * 256 * 1024
    flops = {float(x[0]) / product for x in lines}
    assert len(lines) == 4
    assert max(flops) / min(flops) < 1.02, flops
    assert 6 * 7 <= min(flops) <= 6 * 8, "seven or eight products a layer"
    assert all(x[1:] == ["0", "True"] for x in lines)


def test_plans_of_three_kinds_of_hardware(both, tree):
    done = tree.lab("plan", "toy:paper", "dim=256", "--on", "v5e-8,h100-8,cpu-1", "--json")
    assert done.status == 0, done.err
    value = json.loads(done.out)
    assert all(0 < r["peak_gib"] < 1 for r in value["topologies"])
    assert [r["fits"] for r in value["topologies"]] == [True] * 3
    assert value["claims"] == [
        {"id": "t1", "headline": True, "chance": None, "needs": None, "from": ""}
    ]


def test_what_does_not_fit_is_refused_with_its_buffers(both, tree):
    done = tree.lab("plan", "toy:paper", "dim=3000000000", "--on", "v5e-1", "--json")
    record = json.loads(done.out)["topologies"][0]
    assert done.status == 1
    assert record["fits"] is False
    assert record["peak_gib"] > 15.75
    assert record["programs"][0]["buffers"][0]["bytes"] >= 12e9
    text = tree.lab("plan", "toy:paper", "dim=3000000000", "--on", "v5e-1").out
    assert "✗" in text
    assert "larger chips" in text


@pytest.mark.dear
def test_a_plan_is_kept_and_forgotten_with_the_code(tree):
    arguments = ("plan", "toy:laptop", "--on", "cpu-1", "--json")
    cache = str(tree.root / "cache")

    def seconds():
        done = tree.lab(*arguments, REPRISE_CACHE=cache)
        assert done.status == 0, done.err
        return json.loads(done.out)["topologies"][0]["seconds"], list(
            (tree.root / "cache/plans").iterdir()
        )

    first, files = seconds()
    again, same = seconds()
    assert (first, files) == (again, same)
    run = tree.root / "experiments/toy/run.py"
    run.write_text(run.read_text().replace("x - lr * x", "x * (1 - lr)"))
    assert len(seconds()[1]) == 2


def test_measured_beside_predicted(tree):
    done = tree.lab("plan", "toy:laptop", "--on", "cpu-1", "--measure", "--json")
    assert done.status == 0, done.err
    record = json.loads(done.out)["topologies"][0]
    assert record["programs"][0]["measured"]["seconds"] > 0
    text = tree.lab("plan", "toy:laptop", "--on", "cpu-1", "--measure").out
    assert "times the middle of the prediction" in text


def test_what_has_no_price_is_not_compared_by_money():
    def record(kind, seconds):
        return {"on": kind, "kind": kind, "chips": 1, "fits": True, "run_seconds": [seconds] * 2}

    slow, quick = record("v5e", 2.0), record("h100", 1.0)
    everything = {"v5e": 1.0, "h100": 3.0}
    assert costs.cheapest([slow, quick], everything) is slow
    assert costs.cheapest([slow, quick], {"v5e": 1.0}) is quick
    assert costs.priced([slow, quick], everything)
    assert not costs.priced([slow, quick], {"v5e": 1.0})


def test_mistakes(shared_tree):
    for arguments, piece in (
        (("toy", "--on", "v5e-9"), "there are v5e-1, v5e-4"),
        (("toy", "--on", "w5e-8"), "no hardware"),
        (("toy", "--on", "cpu-0"), "has no chips"),
        (("toy", "--on", "v5e:0x4"), "has no chips"),
        (("toy", "--on", "cpu-1", "--price", "cheap"), "--price is 1.2"),
        (("toy", "--on", "cpu-1", "--price", "-1"), "--price is 1.2"),
        (("toy", "--on", "cpu-1", "--price", "nan"), "--price is 1.2"),
        (("toy:laptop", "--on", "h100-8", "--measure"), "is not here"),
    ):
        done = shared_tree.lab("plan", *arguments)
        assert done.status == 2, done.err
        assert piece in done.err
        assert not done.traceback
    done = shared_tree.lab("plan", "toy:laptop", "dim=-1", "--on", "cpu-1")
    assert (done.status, done.traceback) == (1, False), "a row of the table: others may fit"
    assert "has no shape at these settings" in done.out


# --- chances -------------------------------------------------------------------------------------


def test_chances_of_a_plan_say_where_seeds_are_too_few():
    rows = repeats.rows("score_sde", "laptop", 1)
    assert {(r["chance"], r["needs"]) for r in rows} == {(None, 5)}
    (said,) = quote._claims(rows, 1)
    assert said.startswith("1 seed cannot decide (need 5): s1*, ")
    rows = {r["id"]: r for r in repeats.rows("score_sde", "laptop", 20)}
    assert rows["s2"]["needs"] is None
    assert rows["s2"]["chance"] > 0.99
