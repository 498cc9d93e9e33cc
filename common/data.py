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
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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
    return Dataset(sha256=digest(name), **source.parse(files))


def path(name: str) -> Path | None:
    """The folder that holds every file of the data set, or None (looks, does not verify)."""
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
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root).expanduser() / "reprise"


def _folders(name: str) -> list[Path]:
    """Where a data set may lie, best first; Tiny Shakespeare's folder may lack the underscore."""
    chosen = os.environ.get("REPRISE_DATA")
    own = [Path(chosen).expanduser() / n for n in (name, name.replace("_", ""))] if chosen else []
    return [ASSETS / name, *own, _cache() / name]


def _find(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _content(name: str, source: Source, file: File) -> bytes:
    """The verified bytes of one file. A wrong file is an error, except in the cache: refetched."""
    cache = _cache() / name
    for folder in _folders(name):
        found = _find(folder, file.name)
        if found is None:
            continue
        try:
            return _verified(found, file, source.packed)
        except DataError as error:
            if folder != cache:
                raise DataError(f"{name}: {found} is {error}; replace or remove it") from None
            found.unlink()  # else it would hide a sound .gz beside it
    return _download(name, source, file, cache)


def _verified(found: Path, file: File, packed: bool) -> bytes:
    """The content of `found` when its hash is right; the error says what came instead."""
    try:
        raw = found.read_bytes()
    except OSError as error:
        raise DataError(f"unreadable ({error.strerror})") from None
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


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """A temporary file beside the target that is gone afterwards unless it was renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(handle)
    try:
        yield Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _download(name: str, source: Source, file: File, cache: Path) -> bytes:
    """Ask the mirrors in turn; a file enters the cache by a rename, after its hash was right."""
    import pooch

    failures = []
    for url in file.urls:
        try:
            with _unfinished(cache) as temporary:
                pooch.HTTPDownloader(timeout=30)(url, str(temporary), None)
                content = _verified(temporary, file, source.packed)
                gzipped = not source.packed and temporary.read_bytes()[:2] == b"\x1f\x8b"
                os.replace(temporary, cache / (file.name + ".gz" * gzipped))
                return content
        except DataError as error:
            failures.append(f"{url} sent {error}")
        except OSError as error:  # what requests raises too: no network, 404, a broken stream
            failures.append(f"{url}: {_reason(error)}")
    root = os.environ.get("REPRISE_DATA")
    raise DataError(
        f"{name}: {file.name} is not on this machine and no mirror gave it ("
        + "; ".join(failures)
        + f"). Put the file into {cache}, or into {name}/ of a folder that REPRISE_DATA names"
        + (f" (now {root})." if root else " (not set).")
    )


def _reason(error: OSError) -> str:
    """An exception in a few words: those of requests quote whole object dumps."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return error.strerror or type(error).__name__
