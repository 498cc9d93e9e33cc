"""How every command ends: a user's mistake is one line, never a traceback; an exit status."""

import errno
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from common.files import FileError
from launch import surroundings
from launch.errors import LONG, STOPPED, TRACEBACK, Failed, Interrupted, UserError, clip
from launch.paths import EXPERIMENTS, ROOT, shown
from launch.record import provenance
from launch.terminal import Plain, coloured

PLACE = (  # a folder or disk that cannot be used (now), a name that cannot be a file's
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR,
    errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP,
    errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ETIMEDOUT, errno.EHOSTDOWN,
    errno.ENOTCONN, errno.EMFILE, errno.ENFILE, errno.ENOENT, errno.ENOLCK, errno.ENOSYS,
    errno.EOPNOTSUPP, errno.EFBIG,
)  # fmt: skip


def guarded(action: Callable[[], int], *, whole: bool = False, anyhow: bool = False) -> int:
    """Exit status of an action; of several processes, this one ends at once.

    whole: an error is shown with its traceback. anyhow: also where surroundings are wrong.
    """
    surroundings.streams()
    with redirect_stdout(Plain(sys.stdout)), redirect_stderr(Plain(sys.stderr)):
        return _left(action, whole=whole, anyhow=anyhow)


def _left(action: Callable[[], int], *, whole: bool, anyhow: bool) -> int:
    def entered() -> int:
        if not anyhow:
            surroundings.enter()
        return action()

    if not os.environ.get("REPRISE_WORKER"):
        return _guarded(entered, whole)
    from launch.compute import cluster

    try:
        return cluster.leave(_guarded(entered, whole, cluster.collateral))
    except Exception:  # another process was lost: the runtime soon says which
        traceback.print_exc()
        sys.stderr.flush()
        cluster.wait_for_the_name()
        return cluster.leave(1)


def _guarded(
    action: Callable[[], int], whole: bool, other: Callable[[object], bool] = lambda _: False
) -> int:
    """other: whether an error is that of another process; it is raised."""
    try:
        try:
            return action()
        finally:
            sys.stdout.flush()  # a reader that left is met here, not at the interpreter's end
    except KeyboardInterrupt:
        return _failed("interrupted", 130)
    except BrokenPipeError:
        if not _readers_left():  # not what is read here: some other pipe
            raise
        return 128 + signal.SIGPIPE
    except Exception as error:
        if other(error):
            raise
        return _ended(error, whole)


def _ended(error: Exception, whole: bool) -> int:
    """Exit status of what ended with an error, which is said on one line."""
    if isinstance(error, Interrupted):
        again = provenance.command()
        print(f"saved in {shown(error.folder)}; to continue: {again}", file=sys.stderr)
        return STOPPED
    if whole:
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.errno in PLACE:
        return _failed(f"{error.strerror}: {error.filename or 'a file that was written'}", 2)
    from common.data import DataError  # loads NumPy, which a quick verb does without

    if isinstance(error, (UserError, FileError, DataError)):
        return _failed(str(error), 1 if isinstance(error, Failed) else 2)
    return _unforeseen(error)


def _unforeseen(error: Exception) -> int:
    """What nobody thought of: one line that says where."""
    frames = traceback.extract_tb(error.__traceback__)
    homes = [[f for f in frames if Path(f.filename).is_relative_to(h)] for h in (EXPERIMENTS, ROOT)]
    at = next((f[-1] for f in homes if f), frames[-1])
    file = at.filename.removeprefix(f"{ROOT}{os.sep}")
    return _failed(
        f"{type(error).__name__} at {file}:{at.lineno}: {error or 'no words'}; the same command "
        f"with {TRACEBACK} shows all of it", 1,
    )  # fmt: skip


def _readers_left() -> bool:
    """Whether what reads our output is gone; what is still to be said then goes nowhere."""
    left = [stream for stream in (1, 2) if _reader_left(stream)]
    for stream in left:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    return bool(left)


def _reader_left(stream: int) -> bool:
    """Whether what reads this output is gone: `./lab list | head -1`.

    Not left to SIGPIPE's default: that also kills a run whose libraries write to a socket of their
    own that is closed already.
    """
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _failed(message: str, status: int) -> int:
    line = clip(" ".join(message.split()), LONG)
    print(f"{coloured('error:', 'red', sys.stderr)} {line}", file=sys.stderr)
    return status
