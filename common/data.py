"""Named data sets: found offline first, verified by sha256, never unpickled.

A file is looked for in this order: bundled in `common/assets`, the folder $REPRISE_DATA, the cache
(`$XDG_CACHE_HOME/reprise`, else `~/.cache/reprise`), each with a folder a data set
(`mnist/train-images-idx3-ubyte.gz`, …; gzipped or not), the mirrors. What is found is believed only
when the sha256 of its content matches; gzip is undone first, since mirrors compress differently.

What there is and where its hashes come from: `sources`.

Shapes: N examples, H x W pixels, C colours; images are uint8, labels uint8 [N].
"""

import contextlib
import gzip
import hashlib
import io
import os
import re
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple

from common import files as own
from common.sources import SOURCES, DataError, File, Source

ASSETS = Path(__file__).parent / "assets"


class Dataset(NamedTuple):
    """Images and labels as stored, or a text as uint8 bytes; the other fields are None."""

    sha256: str
    x_train: Any = None
    y_train: Any = None
    x_test: Any = None
    y_test: Any = None
    text: Any = None


def names() -> tuple[str, ...]:
    """Every data set that `load` knows."""
    return tuple(SOURCES)


def digest(name: str) -> str:
    """The hash that names this data set's content; known without having the data."""
    hashes = [file.sha256 for file in _source(name).files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def load(name: str) -> Dataset:
    """The data set, verified; downloads what is not on this machine. Raises DataError."""
    source = _source(name)
    files = {file.name: _content(name, source, file) for file in source.files}
    try:
        return Dataset(sha256=digest(name), **source.parse(files))
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def path(name: str) -> Path | None:
    """The folder that holds every file of the data set, or None (looks, does not verify)."""
    with contextlib.suppress(DataError):  # told by `load`
        for folder in _folders(name):
            if all(_find(folder, file.name) for file in _source(name).files):
                return folder
    return None


def status(name: str) -> str:
    """One line on where the data set is or what getting it takes (looks, does not verify)."""
    folder, source = path(name), _source(name)
    if folder == ASSETS / name:
        return f"{name}: bundled ({source.licence})"
    if folder:
        return f"{name}: {folder} ({source.licence})"
    return f"{name}: not here; first use downloads {source.megabytes:g} MB ({source.licence})"


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise DataError(f"no data set {name!r}; there are {', '.join(SOURCES)}")
    return SOURCES[name]


def _cache() -> Path:
    """Errors: DataError where nothing says which folder is the user's."""
    try:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(root).expanduser() / "reprise"
    except RuntimeError:
        raise DataError("no home folder is known: set REPRISE_DATA or XDG_CACHE_HOME") from None


def _folders(name: str) -> list[Path]:
    """Where a data set may lie, best first; Tiny Shakespeare's folder may lack the underscore."""
    chosen = os.environ.get("REPRISE_DATA")
    mine = [Path(chosen).expanduser() / n for n in (name, name.replace("_", ""))] if chosen else []
    try:
        return [ASSETS / name, *mine, _cache() / name]
    except DataError:  # told where the cache is needed
        return [ASSETS / name, *mine]


def _find(folder: Path, name: str) -> Path | None:
    """What stands under the name of a file, be it no file."""
    try:
        return next((p for p in (folder / name, folder / f"{name}.gz") if own.exists(p)), None)
    except own.Unreadable as error:
        raise DataError(str(error)) from None


def _content(name: str, source: Source, file: File) -> bytes:
    """The verified bytes of one file. A wrong file is an error, except in the cache: refetched."""
    for folder in _folders(name):
        found = _find(folder, file.name)
        if found is None:
            continue
        try:
            return _verified(found, file, source.packed)
        except DataError as error:
            if folder != _folders(name)[-1] or folder == ASSETS / name or not found.is_file():
                raise DataError(f"{name}: {found} is {error}; replace or remove it") from None
            found.unlink()  # else it would hide a sound .gz beside it
    return _download(name, source, file, _cache() / name)


def _most(file: File) -> int:
    """Bytes that a file may have, packed or not: gzip adds little to what it cannot pack."""
    return file.size + file.size // 100 + 4096


def _verified(found: Path, file: File, packed: bool) -> bytes:
    """The content of `found` when its hash is right; the error says what came instead."""
    try:
        size = found.stat().st_size
        if size > _most(file):  # nothing of it is read
            raise DataError(f"another file ({size:,} bytes; expected {file.size:,} bytes)")
        raw = own.content(found, _most(file))
    except OSError as error:
        raise DataError(f"unreadable ({error.strerror})") from None
    except own.Unreadable as error:
        raise DataError(f"unreadable ({own.said(error.__cause__ or error)})") from None
    except own.Damaged:
        raise DataError("no file") from None
    if raw[:2] == b"\x1f\x8b" and not packed:
        try:
            with gzip.open(io.BytesIO(raw)) as stream:
                content = stream.read(file.size + 1)  # a bomb stops here
        except (OSError, EOFError, zlib.error):
            raise DataError(f"a broken or truncated gzip file ({len(raw):,} bytes)") from None
    else:
        content = raw
    got = hashlib.sha256(content).hexdigest()
    if got == file.sha256:
        return content
    what = "an HTML page" if content.lstrip()[:1] == b"<" else "another file"
    raise DataError(
        f"{what} ({len(content):,} bytes, sha256 {got[:12]}…;"
        f" expected {file.size:,} bytes, sha256 {file.sha256[:12]}…)"
    )


class _Bounded:
    """A file that refuses more bytes than a data set has: a mirror may send anything."""

    def __init__(self, out: IO[bytes], file: File) -> None:
        self._out, self._file, self._left = out, file, _most(file)

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"more than the {self._file.size:,} bytes expected")
        return self._out.write(data)

    def flush(self) -> None:
        self._out.flush()


def _download(name: str, source: Source, file: File, cache: Path) -> bytes:
    """Ask the mirrors in turn; a file enters the cache by a rename, after its hash was right."""
    failures = []
    for url in file.urls:
        temporary = None
        try:
            handle, temporary = _room(file.name, cache)
            with os.fdopen(handle, "wb") as out:
                _ask(url, _Bounded(out, file))
            content = _verified(temporary, file, source.packed)
            with temporary.open("rb") as kept:
                gzipped = not source.packed and kept.read(2) == b"\x1f\x8b"
            os.replace(temporary, cache / (file.name + ".gz" * gzipped))
            return content
        except _NoRoom as error:
            raise DataError(f"{name}: {error}") from None
        except DataError as error:
            failures.append(f"{url} sent {error}")
        except (OSError, ValueError) as error:  # what requests raises too: no network, 404, …
            failures.append(f"{url}: {_reason(error)}")
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
    root = os.environ.get("REPRISE_DATA")
    raise DataError(
        f"{name}: {file.name} is not on this machine and no mirror gave it ("
        + "; ".join(failures)
        + f"). Put the file into {cache}, or into {name}/ of a folder that REPRISE_DATA names"
        + (f" (now {root})." if root else " (not set).")
    )


class _NoRoom(DataError):
    """The cache cannot be written: no mirror is at fault."""


def room() -> None:
    """Try whether the cache can be written.  Errors: DataError."""
    handle, file = _room("a", _cache())
    os.close(handle)
    file.unlink()


def _room(stem: str, cache: Path) -> tuple[int, Path]:
    """A new file in the cache.  Errors: _NoRoom."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return own.fresh(cache, stem)
    except OSError as error:
        raise _NoRoom(
            f"{cache} cannot be written ({error.strerror}); set XDG_CACHE_HOME to a folder that "
            "can, or put data sets into one that REPRISE_DATA names"
        ) from None


def _ask(url: str, out: _Bounded) -> None:
    import pooch

    pooch.HTTPDownloader(timeout=30)(url, out, None)


def _reason(error: BaseException) -> str:
    """The innermost words of an exception: those of requests quote whole object dumps."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    inner = [e for e in own.causes(error) if isinstance(e, OSError) and e.errno and e.strerror]
    if inner:
        return str(inner[-1].strerror)
    words = re.sub(r"<[\w.]+ object at 0x\w+>,? ?:?|\w+Pool\([^)]*\): ?", "", str(error))
    return " ".join(words.split())[-160:] or type(error).__name__
