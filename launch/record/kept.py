"""What fingerprints are made of, kept between processes: looking at every file takes a second."""

import atexit
import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from common import files
from launch import paths
from launch.record import definitions, store


def stamp(path: str | Path) -> list[int] | None:
    """What tells that a file has not changed; None where there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return [stat.st_mtime_ns, stat.st_size]


class Cache:
    """Summaries of files and fingerprints of papers, kept for the next process.

    Read when first wanted, written once at the end; a cache that cannot be written costs time only.
    """

    def __init__(self, made_by: tuple[str, ...]) -> None:
        """made_by: the files of the code that makes what is kept."""
        self._made_by = made_by
        self._old: dict[str, dict] = {}
        self._new: dict[str, dict] = {}
        self._seen: dict[str, list[int] | None] | None = None

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within it no file is looked at twice: papers share most of theirs."""
        self._seen = {}
        try:
            yield
        finally:
            self._seen = None

    def _as_it_was(self, files: dict[str, list[int] | None]) -> bool:
        root, seen = f"{paths.ROOT}{os.sep}", {} if self._seen is None else self._seen
        for file, then in files.items():
            if file not in seen:
                seen[file] = stamp(root + file)
            if seen[file] != then:
                return False
        return True

    def entry(self, slug: str) -> dict | None:
        """What was kept of a paper, while every file that was looked at or for is as it was."""
        kept = self._get("fingerprints", slug)
        return kept if kept and self._as_it_was(kept["files"]) else None

    def keep(self, slug: str, found: dict, files: dict) -> None:
        """files: {name: stamp} of what was looked at or for."""
        self._put("fingerprints", slug, {"fingerprint": found, "files": files})

    def summary(self, file: Path, package: str) -> dict:
        """`definitions.summary` of a file as it is now."""
        name, now = str(file.relative_to(paths.ROOT)), stamp(file)
        entry = self._get("definitions", name)
        if entry and entry["stamp"] == now:
            return entry
        text = files.text(file)
        try:
            made = definitions.summary(text, package)
        except SyntaxError:  # it counts as it stands
            value = hashlib.sha256(text.encode()).hexdigest()[:10]
            made = {"defs": {}, "imports": {}, "always": [value, []], "bound": []}
        made["stamp"] = now
        self._put("definitions", name, made)
        return made

    @cached_property
    def _reader(self) -> str:
        """A hash of the code that makes what is kept."""
        sources = [Path(f).read_bytes() for f in (*self._made_by, __file__)]
        return hashlib.sha256(b"".join(sources)).hexdigest()[:16]

    def _path(self, kind: str) -> Path:
        return paths.cache() / f"{kind}.json"

    def _stored(self, kind: str) -> dict:
        stored = store.peek(self._path(kind))
        return stored["of"] if stored.get("by") == self._reader else {}

    def _get(self, kind: str, name: str) -> dict | None:
        if name in self._new.get(kind, {}):
            return self._new[kind][name]
        if kind not in self._old:
            self._old[kind] = self._stored(kind)
        return self._old[kind].get(name)

    def _put(self, kind: str, name: str, entry: dict) -> None:
        if not self._new:
            atexit.register(self.write)
        self._new.setdefault(kind, {})[name] = entry

    def write(self) -> None:
        """Keep what is new; at the end of the process."""
        for kind, entries in self._new.items():
            known = self._stored(kind) | entries  # others may have written meanwhile
            with contextlib.suppress(OSError):
                store.write_text(self._path(kind), json.dumps({"by": self._reader, "of": known}))
