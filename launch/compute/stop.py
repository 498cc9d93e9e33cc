"""A request to stop: SIGTERM or Ctrl-C, heard from the first moment of a run to its last."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Request:
    """Whether this process was asked to stop; `scratch` is told, from when there is one."""

    def __init__(self, name: str) -> None:
        self.name, self.asked, self._when = name, False, 0.0
        self._scratch: Any = None

    def tell(self, scratch: Any) -> None:
        """Stop what computes with `scratch` at its next safe point, if asked, now or later."""
        self._scratch = scratch
        scratch.stop.asked = self.asked

    def hear(self, number: int, _frame: Any) -> None:
        """The handler: the first request saves, a later one stops at once."""
        worker, now = os.environ.get("REPRISE_WORKER"), time.monotonic()
        if number == signal.SIGINT and worker:
            return  # a terminal's Ctrl-C reaches all; the watcher passes it on as SIGTERM
        if number == signal.SIGTERM and self.asked and now - self._when < 3:
            self._when = now  # a steady stream is one request, however late it is heard
            return  # from the scheduler, and passed on by a parent
        if self.asked:
            os._exit(128 + number)
        self.asked, self._when = True, now
        if self._scratch is not None:
            self._scratch.stop.asked = True
        how = "Ctrl-C again stops at once" if number == signal.SIGINT else "again stops at once"
        if not worker and os.environ.get("JAX_PROCESS_ID", "0") == "0":
            print(f"\n{self.name}: saving at the next safe point ({how})", file=sys.stderr)


_heard: Request | None = None


@contextmanager
def heard(name: str) -> Iterator[Request]:
    """SIGTERM and Ctrl-C become a request to stop; inside another such block, that block's."""
    global _heard
    if _heard is not None or threading.current_thread() is not threading.main_thread():
        yield _heard or Request(name)
        return
    request = _heard = Request(name)
    old = {s: signal.signal(s, request.hear) for s in SIGNALS}
    release()
    try:
        yield request
    finally:
        _heard = None
        if request.asked:  # on its way out with all saved: a late repetition must not kill it
            old[signal.SIGTERM] = signal.SIG_IGN
        for number, handler in old.items():
            signal.signal(number, handler)


def hold() -> None:
    """Keep requests for the program that this process becomes, until it can hear them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def release() -> None:
    """Let held requests come."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
