"""Plans: hardware, two compilers that must agree, programs added up, the chances of claims, what a
user sees."""

import json
import subprocess
import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from common import sharding
from launch import meshes
from launch.errors import UserError
from launch.read import repeats
from launch.scale import compilers, costs, hardware, lowering, plan, quote, roofline
from launch.scale.hlo.cost import Cost, Kernel
from tests.tree import ROOT, Tree

pytestmark = pytest.mark.xdist_group("plan")


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

def placed(x, s):
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s)

for t in targets:
    mesh = mesh_of({"mesh_model": 1}, lowering.devices(t))
    w = {"a": jax.ShapeDtypeStruct((6, 256, 1024), jnp.float32),
         "b": jax.ShapeDtypeStruct((6, 1024, 256), jnp.float32)}
    where = partition.fsdp(w, mesh)
    x = jax.ShapeDtypeStruct((512, 256), jnp.float32, sharding=sharding.sharded(mesh, "data"))
    step = jax.jit(jax.grad(loss), out_shardings=where)
    traced = step.trace(jax.tree.map(placed, w, where), x)
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
    assert [r["unknown_loops"] for r in value["topologies"]] == [0] * 3, "float64 counters, too"
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


TWO = """

def programs(cfg, mesh):
    start = jax.ShapeDtypeStruct((len(cfg.seeds), cfg.dim), float)
    long = sharding.vmap_over(mesh, partial(descend, lr=cfg.lr, steps=cfg.chunk))
    short = sharding.vmap_over(mesh, partial(descend, lr=cfg.lr, steps=1))
    chunks = cfg.steps // cfg.chunk
    return [
        long.program("descent", start, calls=chunks), short.program("last step", start, calls=3)
    ]
"""


def test_a_run_is_the_sum_of_its_programs(tree):
    run = tree.root / "experiments/toy/run.py"
    run.write_text(run.read_text() + TWO)
    done = tree.lab("plan", "toy:laptop", "--on", "cpu-1", "--json")
    assert done.status == 0, done.err
    record = json.loads(done.out)["topologies"][0]
    descent, last = record["programs"]
    assert (descent["calls"], last["calls"]) == (20, 3)
    assert record["peak_gib"] == max(descent["peak_gib"], last["peak_gib"])
    for end in (0, 1):
        seconds = 20 * descent["step_seconds"][end] + 3 * last["step_seconds"][end]
        assert record["run_seconds"][end] == pytest.approx(seconds)
    text = tree.lab("plan", "toy:laptop", "--on", "cpu-1").out
    assert "descent 20 times, last step 3 times" in text
    assert "\n  descent x 20 " in text
    assert "\n  last step x 3 " in text


def test_what_limits_a_run_is_weighted_by_the_time_of_its_programs():
    def described(name, calls, seconds, memory, limits):
        times = {"step_seconds": [seconds / 2, seconds * 2], "limits": limits}
        sums = {"flops": seconds * 1e12, "bytes": 1.0, "ops": 1.0, "wire": {}, "unknown_loops": 0}
        fits = {"peak_gib": memory, "usable_gib": 10.0, "fits": memory <= 10.0}
        return {"name": name, "calls": calls} | times | sums | fits

    record = plan.whole([
        described("many", 300, 1.0, 4.0, {"memory": 1.0, "links": 0.0}),
        described("few", 2, 50.0, 12.0, {"memory": 0.2, "links": 0.8}),
    ])  # fmt: skip
    assert record["run_seconds"] == [200.0, 800.0]
    assert record["limits"] == pytest.approx({"memory": 0.75 + 0.05, "links": 0.2})
    assert (record["longest"], record["largest"], record["fits"]) == ("many", "few", False)
    assert record["flops"] == pytest.approx(400e12)


def test_a_paper_for_cpus_has_hours_on_cores(tree):
    """Nothing is compiled; hours are measured where a run has finished."""
    claims = tree.root / "experiments/toy/claims.toml"
    claims.write_text(claims.read_text().replace("1 x any accelerator", "cpu"))
    done = tree.lab("plan", "toy:smoke")
    assert done.status == 0, done.err
    assert "is not known" in done.out
    assert tree.lab("run", "toy:smoke").status == 0
    (folder,) = tree.runs("toy")
    info = json.loads((folder / "run.json").read_text())
    done = tree.lab("plan", "toy:smoke", "--on", "v5e-8,h100-8", "--json")
    (record,) = json.loads(done.out)["topologies"]
    assert done.status == 0, done.err
    assert record["core_hours"] == pytest.approx(info["cpu_seconds"] / 3600)
    assert record["programs"] == []
    assert (
        f"hours on a core (by the run of {info['finished']})" in tree.lab("plan", "toy:smoke").out
    )


def test_hours_on_cores_as_stated(monkeypatch):
    monkeypatch.setattr(costs, "paper", lambda _: {"core_hours": 12.5})
    monkeypatch.setattr(costs, "_finished", lambda *_: [])
    assert costs.core_hours("score_sde", "paper", []) == (12.5, "claims.toml")
    assert costs.core_hours("score_sde", "laptop", []) == (None, ""), "it is of the paper preset"
    finished = {"cpu_seconds": 7200.0, "seconds": 60.0, "seconds_before": 30.0, "finished": "today"}
    monkeypatch.setattr(costs, "_finished", lambda *_: [finished])
    assert costs.core_hours("score_sde", "paper", []) == (3.0, "the run of today")


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
        (("toy:laptop", f"dim={2**63}", "--on", "cpu-1"), "dim is a number of more than 48 bits"),
    ):
        done = shared_tree.lab("plan", *arguments)
        assert done.status == 2, done.err
        assert piece in done.err
        assert not done.traceback
    done = shared_tree.lab("plan", "toy:laptop", f"dim={2**47}", "--on", "cpu-1")
    assert (done.status, done.err) == (1, ""), "a row of the table: others may fit"
    assert "✗" in done.out


def test_chances_of_a_plan_say_where_seeds_are_too_few():
    rows = repeats.rows("score_sde", "laptop", 1)
    assert {(r["chance"], r["needs"]) for r in rows} == {(None, 5)}
    (said,) = quote._claims(rows, 1)
    assert said.startswith("1 seed cannot decide (need 5): s1*, ")
    rows = {r["id"]: r for r in repeats.rows("score_sde", "laptop", 20)}
    assert rows["s2"]["needs"] is None
    assert rows["s2"]["chance"] > 0.99


def test_a_part_in_float64_is_lowered_in_float64(monkeypatch):
    """A program made in an x64 context keeps its precision where the config has x64 = False."""
    mesh = meshes.mesh_of({})

    def programs(cfg, mesh):
        with jax.enable_x64(True):
            numbers = jax.ShapeDtypeStruct((3,), jnp.float64)
            return [sharding.vmap_over(mesh, jnp.sin).program("sine", numbers, calls=1)]

    monkeypatch.setitem(sys.modules, "experiments.wide.run", SimpleNamespace(programs=programs))
    (pair,) = lowering.lower("wide", ConfigDict({"x64": False}), mesh, "cpu")
    assert "tensor<3xf64>" in pair[1].as_text()
