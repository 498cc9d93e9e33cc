"""How every command ends: a user's mistake is one line, never a traceback; an exit status."""

import errno
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable

from common.files import FileError
from launch.errors import STOPPED, Failed, Interrupted, UserError
from launch.paths import shown
from launch.record import provenance
from launch.terminal import coloured

PLACE = (  # a folder or disk that cannot be used (now), a name that cannot be a file's
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR,
    errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP,
    errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ETIMEDOUT, errno.EHOSTDOWN,
    errno.ENOTCONN, errno.EMFILE, errno.ENFILE,
)  # fmt: skip


def guarded(action: Callable[[], int]) -> int:
    """Exit status of an action; of several processes, this one ends at once."""
    if not os.environ.get("REPRISE_WORKER"):
        return _guarded(action)
    from launch.compute import cluster

    try:
        return cluster.leave(_guarded(action))
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()
        if cluster.collateral(error):
            cluster.wait_for_the_name()
        return cluster.leave(1)


def _guarded(action: Callable[[], int]) -> int:
    try:
        try:
            return action()
        finally:
            sys.stdout.flush()  # a reader that left is met here, not at the interpreter's end
    except Interrupted as stopped:
        again = provenance.command()
        print(f"saved in {shown(stopped.folder)}; to continue: {again}", file=sys.stderr)
        return STOPPED
    except (UserError, FileError) as error:
        return _failed(str(error), 1 if isinstance(error, Failed) else 2)
    except KeyboardInterrupt:
        return _failed("interrupted", 130)
    except BrokenPipeError:
        if not _readers_left():  # not what is read here: some other pipe
            raise
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.errno not in PLACE:
            raise
        return _failed(f"{error.strerror}: {error.filename or 'a file that was written'}", 2)
    except Exception as error:
        from common.data import DataError  # loads NumPy, which a quick verb does without

        if isinstance(error, DataError):
            return _failed(str(error), 2)
        raise


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
    print(f"{coloured('error:', 'red', sys.stderr)} {message}", file=sys.stderr)
    return status
