"""What the tests compile is kept in .cache, as `./lab run` keeps it: most of their time is that."""

import pytest

from launch.paths import ROOT


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None):
        return  # the workers compute
    import jax

    jax.config.update("jax_compilation_cache_dir", str(ROOT / ".cache/tests"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
