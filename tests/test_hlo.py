"""What a compiled program costs against closed forms: products, loops, bytes, what is sent."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec as P

from common import loops, sharding
from launch.scale import hardware, measured, plan
from launch.scale.hlo.cost import cost
from tests.tree import ROOT, Tree


def compiled(fn, *arguments):
    return jax.jit(fn).lower(*arguments).compile().as_text()


def spec(*shape, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


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


def test_a_loop_takes_the_turns_that_its_program_tells():
    """Strides as an argument: 7 calls of 5 records make 40 000 steps of 2 n^3 FLOP."""
    n, records, many, steps = 24, 5, 7, 40_000

    def descend(x, w, strides):
        return loops.trajectory(lambda x: jnp.tanh(x @ w), jnp.sum, x, strides)

    placed = sharding.Placed(descend, sharding.make_mesh(), (P(), P(), P()))
    arguments = spec(n, n), spec(n, n), spec(records, dtype=jnp.int32)
    p = placed.program("descents", *arguments, calls=many, trips=steps / many / records)
    lowered = p.fn.trace(*p.args).lower()
    call = plan.program(lowered, hardware.target("cpu-1"), trips=p.trips)
    total = plan.whole([{"name": p.name, "calls": p.calls} | call])
    assert total["flops"] == pytest.approx(2 * n**3 * steps, rel=0.02)
    assert total["unknown_loops"] == 0
    untold = plan.program(lowered, hardware.target("cpu-1"))
    assert untold["unknown_loops"] == 1
    assert untold["flops"] == records * 2 * n**3
    turns = measured._made_up(p)[2]
    assert turns.sum() * many == pytest.approx(steps, rel=0.01), "measured are as many"


LOOP = """HloModule loop
%below (state: (u32[], u32[], u32[], f32[4,4])) -> pred[] {
  %state = (u32[], u32[], u32[], f32[4,4]) parameter(0)
  %none = u32[] constant(0)
  %five = u32[] constant(5)
  %low = u32[] get-tuple-element(%state), index=0
  %high = u32[] get-tuple-element(%state), index=1
  %most = u32[] get-tuple-element(%state), index=2
  %far = pred[] compare(%high, %none), direction=LT
  %near = pred[] compare(%high, %none), direction=EQ
  %less = pred[] compare(%low, %BOUND), direction=LT
  %both = pred[] and(%near, %less)
  ROOT %either = pred[] or(%far, %both)
}
%turn (state: (u32[], u32[], u32[], f32[4,4])) -> (u32[], u32[], u32[], f32[4,4]) {
  %state = (u32[], u32[], u32[], f32[4,4]) parameter(0)
  %low = u32[] get-tuple-element(%state), index=0
  %high = u32[] get-tuple-element(%state), index=1
  %most = u32[] get-tuple-element(%state), index=2
  %x = f32[4,4] get-tuple-element(%state), index=3
  %one = u32[] constant(1)
  %next = u32[] add(%low, %one)
  %xx = f32[4,4] dot(%x, %x), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  ROOT %out = (u32[], u32[], u32[], f32[4,4]) tuple(%next, %high, %most, %xx)
}
ENTRY %main (x: f32[4,4], most: u32[]) -> (u32[], u32[], u32[], f32[4,4]) {
  %x = f32[4,4] parameter(0)
  %most = u32[] parameter(1)
  %none = u32[] constant(0)
  %start = (u32[], u32[], u32[], f32[4,4]) tuple(%none, %none, %most, %x)
  ROOT %loop = (u32[], u32[], u32[], f32[4,4]) while(%start), condition=%below, body=%turn, \
metadata={op_name="NAME"}
}
"""


@pytest.mark.parametrize(
    ("bound", "name", "turns", "unknown"),
    [
        ("five", "jit(f)/while", 5, 0),  # the length is in the text: what is told does not count
        ("most", "jit(f)/while", 9, 0),
        ("most", "jit(f)/jit(eigh)/jit(_eigh_work)/while", 1, 1),
        ("most", "jit(f)/while/body/eigh", 1, 1),
    ],
)
def test_a_counter_in_two_halves_as_on_tpu_and_loops_that_are_not_the_programs_own(
    bound, name, turns, unknown
):
    total = cost(LOOP.replace("BOUND", bound).replace("NAME", name), 1, trips=9)
    assert total.flops == turns * 2 * 4**3
    assert total.unknown_loops == unknown


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
