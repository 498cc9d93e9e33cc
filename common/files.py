"""Files that a run lives by: damaged or only out of reach, set aside, no link followed out.

What is damaged (cut short, another format, a part missing) may be made again. What cannot be read
now (a disk that is away, a permission, no memory left) may be whole: nobody touches it.
"""

import datetime
import errno
import io
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RECORD = 2**28  # bytes: no record is larger, and no text
# An OSError with one of these is about what stands there; with any other, about reaching it now.
CONTENT = (
    errno.ENOENT, errno.EINVAL, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.EOVERFLOW,
)  # fmt: skip
CONTENT_ERRORS = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
# What TensorStore and XLA, which have no errno of their own, say of reaching something.
OUT_OF_REACH = re.compile(
    r"(^|: )(RESOURCE_EXHAUSTED|UNAVAILABLE|DEADLINE_EXCEEDED|PERMISSION_DENIED|UNAUTHENTICATED"
    r"|ABORTED|CANCELLED|INTERNAL|UNKNOWN|UNIMPLEMENTED): |[Oo]ut of memory|start new thread"
    r"|OS error (?!(2|20|21|22|40|75):)\d+"
)


class FileError(Exception):
    """One line: which file, what is wrong, what to do. Nothing was changed."""


class Damaged(FileError):
    """Proven: every byte that is there can be read, and they are not what was written."""


class Unreadable(FileError):
    """It cannot be read now, and may be whole."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it."""
    todo, seen = [error], set()
    while todo:
        here = todo.pop()
        if here is None or id(here) in seen:
            continue
        seen.add(id(here))
        yield here
        todo += [here.__cause__, here.__context__, *getattr(here, "exceptions", ())]


def out_of_reach(error: BaseException) -> str:
    """Why something cannot be read now, if that is what an error says; else empty."""
    for cause in causes(error):
        if isinstance(cause, MemoryError):
            return "no memory left"
        about_content = isinstance(cause, CONTENT_ERRORS) or getattr(cause, "errno", 0) in CONTENT
        if isinstance(cause, OSError) and not about_content:
            return cause.strerror or said(cause)
        if OUT_OF_REACH.search(str(cause)):
            return said(cause)
    return ""


def said(error: BaseException) -> str:
    """An error's words on one line."""
    words = " ".join(str(error).split()) or "no words"
    return f"{type(error).__name__}: {words[:200]}"


def unreadable(what: object, why: str) -> Unreadable:
    """The error that ends a run which cannot read `what` now."""
    return Unreadable(
        f"{what} cannot be read now ({why}); nothing was changed: run again when it can, or move "
        "it away to go on without it"
    )


def content(file: Path, most: int = RECORD) -> bytes:
    """A regular file's bytes, its kind and size looked at before it is opened.

    Errors: Unreadable; Damaged where there is no such file, or one of more than `most` bytes.
    """
    try:
        found = os.stat(file)
        if not stat.S_ISREG(found.st_mode):
            raise Damaged(f"{file} is damaged (it is no file)")
        if found.st_size > most:
            raise Damaged(f"{file} is damaged ({found.st_size:,} bytes, at most {most:,} expected)")
        return file.read_bytes()
    except (OSError, MemoryError) as error:
        if why := out_of_reach(error):
            raise unreadable(file, why) from error
        raise Damaged(f"{file} is damaged ({said(error)})") from error


def text(file: Path) -> str:
    """A text file.  Errors: as `content`; Damaged where it is no UTF-8."""
    try:
        return content(file).decode()
    except UnicodeDecodeError as error:
        raise Damaged(f"{file} is no UTF-8 text (byte {error.start})") from None


def read_npz(file: Path) -> "dict[str, np.ndarray]":
    """The arrays of an .npz, never unpickled.  Errors: Unreadable, Damaged."""
    import numpy as np

    data = io.BytesIO(content(file, sys.maxsize))
    try:
        with np.load(data, allow_pickle=False) as stored:
            return {k: np.asarray(stored[k], order="C") for k in stored.files}
    except Exception as error:  # NumPy and zipfile raise a dozen kinds
        if why := out_of_reach(error):
            raise unreadable(file, why) from error
        raise Damaged(f"{file} is damaged ({said(error)})") from error


def read_through(folder: Path) -> None:
    """Read every byte below a folder.  Errors: OSError where one cannot be read."""

    def refuse(error: OSError) -> None:
        raise error

    for home, _, names in os.walk(folder, onerror=refuse):
        for name in names:
            path = os.path.join(home, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as file:
                    while file.read(2**20):
                        pass


def demand_files(folder: Path) -> None:
    """Errors: Damaged for what below a folder is no plain file, and may have no end, or is none
    of ours by its size; OSError where it cannot be looked at."""

    def refuse(error: OSError) -> None:
        raise error

    for home, folders, names in os.walk(folder, onerror=refuse):
        for name in (*folders, *names):
            found = os.lstat(os.path.join(home, name))
            plain = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
            data = os.path.basename(home) == "d"  # of an array
            if not plain or (found.st_size > RECORD and not data):
                raise Damaged(f"{name} is no file of a checkpoint")


def exists(path: Path) -> bool:
    """Whether something stands there, be it a link to nowhere.  Errors: Unreadable."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, out_of_reach(error) or said(error)) from error
    return True


def fresh(folder: Path, stem: str) -> tuple[int, Path]:
    """(handle, name) of a new empty file STEM.XXXXXXXX.tmp, its mode as the umask has it."""
    path = folder / f"{stem}.{secrets.token_hex(4)}.tmp"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), path


def aside(path: Path) -> Path:
    """A free name beside `path` for what a run does not use: NAME.unused-<UTC time>."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    free, count = path.with_name(f"{path.name}.unused-{now}"), 1
    while os.path.lexists(free):
        count += 1
        free = path.with_name(f"{path.name}.unused-{now}-{count}")
    return free


def is_aside(path: Path) -> bool:
    """Whether it was named by `aside`."""
    return ".unused-" in path.name


def own_folder(path: Path) -> Path:
    """Make a folder, or take the one there.  Errors: FileError for a link, which leads out."""
    if path.is_symlink():
        raise FileError(
            f"{path} is a link to {os.readlink(path)}: nothing is written through it; put a folder "
            "in its place (--workdir takes a run to another disk)"
        )
    path.mkdir(parents=True, exist_ok=True)
    return path


def own_file(path: Path) -> None:
    """Errors: FileError for what is no plain file of its folder alone: a link of either kind."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise FileError(
            f"{path} is a link to another file, or no file: nothing is written there; take it away"
        )


def append(path: Path, text: str) -> None:
    """Add text to a file of our own, or begin one.  Errors: as own_file."""
    own_file(path)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    with os.fdopen(handle, "a", encoding="utf-8") as out:
        out.write(text)
