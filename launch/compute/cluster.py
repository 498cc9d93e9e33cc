"""A process among several: joining the others, agreeing with them, and leaving without hanging.

Whoever starts the processes (launch.compute.processes, a batch script, a cloud engine) sets
    JAX_COORDINATOR_ADDRESS   host:port of process 0
    JAX_NUM_PROCESSES         how many there are
    JAX_PROCESS_ID            which one this is, 0 to n - 1
and nothing else: no scheduler is asked, so that a run is the same under all of them.
"""

import contextlib
import os
import re
import sys
import time
from typing import Any

import numpy as np

from launch.errors import UserError, clip

HEARTBEAT = 20  # seconds of silence after which a process counts as lost
STARTING = 120  # seconds in which all processes must have come
LEAST = "jax_persistent_cache_min_compile_time_secs"
IDENTITY = ("code", "settings", "versions of JAX")


def count() -> int:
    """How many processes this run has, from the environment."""
    text = os.environ.get("JAX_NUM_PROCESSES") or "1"
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise UserError(f"JAX_NUM_PROCESSES must be a number of processes, not {clip(text)!r}")
    return int(text)


def index() -> int:
    """Which process this is, from the environment (0 where there is one).  Errors: UserError."""
    text = os.environ.get("JAX_PROCESS_ID") or "0"
    if not re.fullmatch("[0-9]{1,6}", text) or (count() > 1 and int(text) >= count()):
        said = clip(text)
        raise UserError(f"JAX_PROCESS_ID must be a number from 0 to {count() - 1}, not {said!r}")
    return int(text)


def join() -> None:
    """Meet the other processes, once, before the first computation.  Errors: UserError."""
    if count() == 1:
        return
    import jax

    if jax.distributed.is_initialized():
        return
    address = os.environ.get("JAX_COORDINATOR_ADDRESS")
    if not address:
        raise UserError("JAX_NUM_PROCESSES is set, JAX_COORDINATOR_ADDRESS (host:port) is not")
    try:
        jax.distributed.initialize(
            coordinator_address=address,
            num_processes=count(),
            process_id=index(),
            cluster_detection_method="deactivate",
            initialization_timeout=STARTING,
            heartbeat_timeout_seconds=HEARTBEAT,
        )
    except Exception as error:
        raise UserError(
            f"process {index()} of {count()} could not meet the others at {address}: "
            f"{str(error).splitlines()[0][:200]}"
        ) from None
    keep_compiled()


def keep_compiled() -> None:
    """Processes after the first write JAX's compilation cache too, where they compile on CPUs.

    JAX lets process 0 alone write: elsewhere all have the same keys. On CPUs a key holds the
    process, so the others found nothing, wrote nothing, and compiled everything every time.
    """
    import jax
    from jax._src import compilation_cache, compiler  # nothing public writes an entry

    if index() == 0 or jax.default_backend() != "cpu" or not hasattr(compiler, "_cache_write"):
        return

    def write(key, seconds, module, backend, executable, callbacks) -> None:
        if not callbacks and seconds >= jax.config.values[LEAST]:
            with contextlib.suppress(Exception):  # a cache that is not written costs time, no more
                put = compilation_cache.put_executable_and_time
                put(key, module, executable, backend, int(seconds))

    setattr(compiler, "_cache_write", write)  # noqa: B010  mypy knows its signature


def agree(*digests: str) -> None:
    """All processes must have the same `digests` (one for each of IDENTITY).  Errors: UserError."""
    if count() == 1:
        return
    from jax.experimental import multihost_utils

    mine = np.array([list(bytes.fromhex(d)[:8]) for d in digests], np.uint8)
    everyone = multihost_utils.process_allgather(mine)
    for what, column in zip(IDENTITY, np.moveaxis(everyone, 1, 0), strict=True):
        values, members = np.unique(column, axis=0, return_inverse=True)
        if len(values) > 1:
            counts = np.bincount(members.ravel())
            odd = np.flatnonzero(members.ravel() != counts.argmax())
            names = ", ".join(str(i) for i in odd[:8])
            raise UserError(
                f"process {names} has other {what} than the rest; nothing was computed: give every "
                "process the same checkout and command"
            )


def agreed(mine: bool) -> bool:
    """Whether `mine` is true on any process; all must call."""
    if count() == 1:
        return mine
    from common.stop import agreed as any_of

    return any_of(mine)


def barrier(name: str) -> None:
    """Wait until every process is here."""
    if count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(name)


def collateral(error: object, total: int | None = None) -> bool:
    """Whether an error (or its text) says only that another process went away."""
    signs = ("Gloo", "Connection closed by peer", "Connection reset", "heartbeat", "coordination")
    return (total or count()) > 1 and any(sign in str(error) for sign in signs)


def wait_for_the_name() -> None:
    """After a collateral error: the runtime soon ends this process and says which one was lost."""
    time.sleep(HEARTBEAT + 10)


def leave(status: int) -> Any:
    """End this process now if it has siblings: a normal exit would wait for them for minutes."""
    if count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
