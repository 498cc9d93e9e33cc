"""What the tests compile is kept in .cache, as `./lab run` keeps it: most of their time is that."""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

import pytest

from launch.paths import ROOT


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None):
        return  # the workers compute
    import jax

    jax.config.update("jax_compilation_cache_dir", str(ROOT / ".cache/tests"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


MOST = 2 * 2**30  # bytes of a worker, before it forgets what it compiled: 2 MB a program


def pytest_runtest_teardown() -> None:
    """Thousands of small programs would fill the memory; another use finds them on the disk."""
    statm = Path("/proc/self/statm")
    if not statm.exists() or int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") < MOST:
        return
    import jax

    jax.clear_caches()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc keeps what is free
        ctypes.CDLL("libc.so.6").malloc_trim(0)
