"""What decides numbers and is no setting: fixed, or part of a run's identity."""

import jax
import numpy as np
import pytest

from launch.compute import cluster, numerics, run
from launch.compute import verify as verifying
from launch.errors import UserError
from launch.record import store
from launch.settings import job
from tests.examples import RUN
from tests.tree import read

SLUG = "matrix_sensing"
FAST = {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"}


@pytest.fixture
def clean(monkeypatch):
    """An environment that asks for nothing."""
    for name in numerics.environment():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax_default_prng_impl", "rbg"),
        ("jax_threefry_partitionable", False),
        ("jax_default_matmul_precision", "bfloat16"),
        ("jax_enable_x64", True),
        ("jax_numpy_dtype_promotion", "strict"),
        ("jax_disable_jit", True),
        ("jax_random_seed_offset", 7),
        ("jax_high_dynamic_range_gumbel", True),
    ],
)
def test_what_has_one_right_value_is_fixed_and_told(clean, capsys, name, value):
    clean.setenv(name.upper(), str(value))
    before = run.identity(SLUG, {})
    with jax.enable_x64(False):
        jax.config.update(name, value)
        run._fix_numbers()
        assert all(_option(n) == v for n, v in numerics.FIXED.items())
    assert f"{name.upper()}={value} is overruled" in capsys.readouterr().err
    run._fix_numbers()
    assert capsys.readouterr().err == "", "once"
    clean.delenv(name.upper(), raising=False)
    assert run.identity(SLUG, {}) == before
    assert numerics.without_fixed({name.upper(): "x", "A": "b"}) == {"A": "b"}


def _option(name):
    value = jax.config.values[name]
    return getattr(value, "value", value) if name != "jax_explicit_x64_dtypes" else "warn"


def test_everything_fixed_is_an_option_of_this_jax():
    assert numerics.FIXED.keys() <= jax.config.values.keys()


@pytest.mark.parametrize(
    "variables",
    [
        FAST,
        {"XLA_FLAGS": "--xla_force_host_platform_device_count=8 --xla_cpu_enable_fast_math"},
        {"XLA_FLAGS": "  --xla_gpu_deterministic_ops=true\n--xla_dump_to='/tmp/a b'"},
        {"NVIDIA_TF32_OVERRIDE": "0"},
        {"LIBTPU_INIT_ARGS": "--xla_tpu_a=1"},
        {"JAX_USE_SHARDY_PARTITIONER": "0"},
        {"JAX_SOMETHING_OF_A_LATER_VERSION": "1"},
    ],
)
def test_what_may_change_numbers_is_part_of_the_identity(clean, variables):
    before = run.identity(SLUG, {})
    for name, value in variables.items():
        clean.setenv(name, value)
    assert len(numerics.environment()) == 1
    assert run.identity(SLUG, {}) != before
    assert run.identity(SLUG, {}, anywhere=True) == before


@pytest.mark.parametrize(
    "variables",
    [
        {"XLA_FLAGS": "--xla_force_host_platform_device_count=8 --xla_dump_to=/tmp/x"},
        {"XLA_FLAGS": ""},
        {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "4", "JAX_CUDA_VISIBLE_DEVICES": "0"},
        {"JAX_COMPILATION_CACHE_DIR": "/x", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "1"},
        {"JAX_LOG_COMPILES": "1", "JAX_LOGGING_LEVEL": "INFO", "JAX_DEBUG_NANS": "1"},
        {"JAX_COORDINATOR_ADDRESS": "a:1", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1"},
        {"OMP_NUM_THREADS": "2", "XLA_PYTHON_CLIENT_MEM_FRACTION": ".5", "LANG": "C"},
    ],
)
def test_where_and_how_loudly_it_computes_is_not(variables):
    assert numerics.environment(variables) == {}


def test_flags_in_a_file_count_as_flags(tmp_path):
    (tmp_path / "flags").write_text("--xla_cpu_enable_fast_math=true\n--xla_dump_to=/x\n")
    found = numerics.environment({"XLA_FLAGS": str(tmp_path / "flags")})
    assert found == {"--xla_cpu_enable_fast_math": "true"}
    with pytest.raises(UserError, match="neither --flags nor a file"):
        numerics.environment({"XLA_FLAGS": str(tmp_path / "none")})


def test_a_run_under_flags_is_not_continued_without_them(clean, tmp_path):
    mine = job(SLUG, "smoke")
    plain = run.identity(SLUG, mine.config)
    clean.setenv("XLA_FLAGS", FAST["XLA_FLAGS"])
    flags = {"environment": numerics.environment()}
    info = RUN | {"identity": run.identity(SLUG, mine.config), "jax": flags}
    store.write_json(tmp_path / "run.json", info)
    run._given(tmp_path, info["identity"], plain)[1].close()
    clean.delenv("XLA_FLAGS")
    with pytest.raises(UserError, match=r"under --xla_cpu_enable_fast_math=true, .* none: set"):
        run._given(tmp_path, plain, plain)


def test_a_submitted_run_begins_under_the_flags_of_the_machine_that_computes(clean, tmp_path):
    mine = job(SLUG, "smoke")
    who = run.identity(SLUG, mine.config, anywhere=True)
    stub = RUN | {"identity": who, "status": "submitted"}
    store.write_json(tmp_path / "run.json", stub)
    clean.setenv("XLA_FLAGS", FAST["XLA_FLAGS"])
    run._given(tmp_path, run.identity(SLUG, mine.config), stub["identity"])[1].close()


def test_the_ledger_is_of_runs_without_flags(clean):
    clean.setenv("XLA_FLAGS", FAST["XLA_FLAGS"])
    with pytest.raises(UserError, match="without --xla_cpu_enable_fast_math=true: unset it"):
        verifying.verify(job(SLUG, "laptop"), ledger=True)


def test_processes_agree_about_it(clean, monkeypatch):
    said = []
    monkeypatch.setattr(cluster, "agree", lambda *digests: said.append(digests))
    monkeypatch.setattr(run, "prepare", lambda: None)
    monkeypatch.setattr(run, "_demand_devices", lambda _: (_ for _ in ()).throw(UserError("x")))
    for flags in ("", FAST["XLA_FLAGS"]):
        clean.setenv("XLA_FLAGS", flags)
        with pytest.raises(UserError, match="x"):
            run.execute(job(SLUG, "smoke"))
    assert said[0][:2] == said[1][:2]
    assert said[0][2] != said[1][2]


def test_other_variables_the_same_arrays_and_run_json_says_what_holds(shared_tree, tmp_path):
    runs = {}
    for name, value in (("plain", {}), ("rbg", {"JAX_DEFAULT_PRNG_IMPL": "rbg"}), ("fast", FAST)):
        where = ("--workdir", str(tmp_path / name))
        done = shared_tree.lab("run", "toy:smoke", *where, "--json", **value)
        runs[name] = read(done), done.err
    assert "JAX_DEFAULT_PRNG_IMPL=rbg is overruled: runs have threefry2x32" in runs["rbg"][1]
    assert "part of this run's identity: --xla_cpu_enable_fast_math=true" in runs["fast"][1]
    one, two = (store.arrays(tmp_path / n) for n in ("plain", "rbg"))
    np.testing.assert_array_equal(one["start"], two["start"])
    assert runs["plain"][0]["identity"] == runs["rbg"][0]["identity"] != runs["fast"][0]["identity"]
    assert runs["rbg"][0]["jax"]["fixed"]["jax_default_prng_impl"] == "threefry2x32"
    asked = read(
        shared_tree.lab("compare", str(tmp_path / "plain"), str(tmp_path / "fast"), "--json")
    )
    assert asked["config"] == {"--xla_cpu_enable_fast_math": [None, "true"]}
