"""What a person sees: colour where wanted, tables, a progress line or a heartbeat."""

import os
import re
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from launch.errors import clip, plain

CELL = 1000  # characters of a cell that are shown
OURS = re.compile(r"(\033\[\d{0,2}m|\r\033\[K)")  # what we ourselves tell a terminal
HEARTBEAT = 30.0  # seconds between lines where there is no terminal
COLOURS = {"green": 32, "red": 31, "yellow": 33, "blue": 34, "dim": 2, "bold": 1}


def coloured(text: str, colour: str, stream=None) -> str:
    """`text` in colour on a terminal that wants it (NO_COLOR is obeyed)."""
    stream = stream or sys.stdout
    if os.environ.get("NO_COLOR") or not able(stream):
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


def able(stream: Any) -> bool:
    """Whether a stream is a terminal that knows colours and can go back to a line's beginning."""
    return bool(stream.isatty()) and os.environ.get("TERM", "") not in ("dumb", "")


class Plain:
    """A stream on which no text moves a cursor or begins a colour: wherever it came from, it is
    escaped here; on a terminal our own colours and bar are not."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def write(self, text: str) -> int:
        parts = OURS.split(text) if able(self._out) else [text]
        shown = "".join(p if i % 2 else plain(p, keep="\n\t") for i, p in enumerate(parts))
        self._out.write(shown)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def quoted(word: str) -> str:
    """A word as a POSIX shell reads it back, in the plainest quotes that will do."""
    if "'" not in word:
        return shlex.quote(word)
    if not set(word) & set('"$`\\!'):  # ! means history to a person's bash, not to a script's
        return f'"{word}"'
    return "'" + word.replace("'", r"'\''") + "'"


def shell(words: Iterable[str]) -> str:
    """A command of these words that can be typed back."""
    return " ".join(map(quoted, words))


def table(rows: Iterable[Iterable[str]], header: Iterable[str] = ()) -> str:
    """Rows as aligned columns."""
    cells = [[clip(c, CELL) for c in row] for row in ([list(header)] if header else []) + [*rows]]
    if not cells:
        return ""
    widths = [max(len(r[i]) for r in cells) for i in range(len(cells[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in cells
    )


def duration(seconds: float) -> str:
    """12.3 -> '12 s', 200 -> '3 min 20 s'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


class Display:
    """Shows a run's progress from a thread, so that it moves while a long step computes."""

    def __init__(self, name: str, progress, compiling) -> None:
        self._name, self._progress, self._compiling = name, progress, compiling
        self._end, self._start = threading.Event(), time.monotonic()
        self._tty = able(sys.stderr)
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> "Display":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self._tty:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def text(self) -> str:
        """One line: where it is, how long it took, how long it will."""
        now = time.monotonic()
        parts = [f"{self._name}  {duration(now - self._start)}"]
        compiled = self._compiling()
        if compiled > 0.5:
            parts.append(f"compiling took {duration(compiled)}")
        line = self._progress.line()
        if line:
            label, done, total, started, first = line
            parts.insert(1, f"{label} {done}/{total}")
            if done > first and total > done:
                left = (now - started) / (done - first) * (total - done)
                parts.append(f"{duration(left)} left")
        return "  ·  ".join(parts)

    def _loop(self) -> None:
        while not self._end.wait(0.2 if self._tty else HEARTBEAT):
            if self._tty:
                width = shutil.get_terminal_size().columns - 1
                line = f"{self._bar()}{self.text()}"
                line = line if len(line) <= width else line[: max(width - 1, 0)] + "…"
                print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            else:
                print(self.text(), file=sys.stderr, flush=True)

    def _bar(self) -> str:
        line = self._progress.line()
        if not line or not line[2]:
            return ""
        filled = round(20 * min(1.0, line[1] / line[2]))
        return "█" * filled + "░" * (20 - filled) + "  "
