"""Digests of file contents, remembered so that an unchanged file is not read again.

A file counts as unchanged if its size and both its times are what they were, as in git's index.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.console import bytes_progress
from genrecls.files.atomic import write_text
from genrecls.parallel import parallel_map

if TYPE_CHECKING:
    from hashlib import _Hash

INDEX = "files.json"
"""Name of the file in which `FileDigests` remembers, in the folder of the feature cache."""

Stamp = list[int]

_BLOCK = 1 << 20
# A file written twice within one tick of the file system's clock can look the same both times.
_SETTLED_NS = 2_000_000_000


def text_digest(text: str, digits: int = 64) -> str:
    """Return the first hexadecimal digits of the SHA-256 of a text; ids of runs are made so."""
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def new_hash(algorithm: str) -> _Hash:
    """Return an empty hash; it recognises a published file and protects nothing."""
    return hashlib.new(algorithm, usedforsecurity=False)


def hash_file(
    path: Path, algorithms: Collection[str], advance: Callable[[int], None] = lambda _: None
) -> tuple[int, dict[str, _Hash]]:
    """Read a file once; return its bytes in all and its hash by each algorithm.

    Args:
        path: a regular file: reading a named pipe would wait for a writer, perhaps for ever.
        algorithms: names that `hashlib` knows.
        advance: called with the number of further bytes.

    Raises:
        OSError: it is absent, no regular file or cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    hashes = {algorithm: new_hash(algorithm) for algorithm in algorithms}
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            for each in hashes.values():
                each.update(block)
            advance(len(block))
    return size, hashes


def hex_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file; see `hash_file`."""
    return hash_file(path, [algorithm])[1][algorithm].hexdigest()


def hash_with_progress(path: Path, algorithm: str) -> _Hash:
    """Return the hash of what `path` holds so far, as of a large archive."""
    with bytes_progress(f"Checking {path.name}", path.stat().st_size) as advance:
        return hash_file(path, [algorithm], advance)[1][algorithm]


def published_digest(path: Path, algorithm: str) -> str:
    """Return the digest of `path` as in a configuration, such as `sha1:ade1...`."""
    return f"{algorithm}:{hash_with_progress(path, algorithm).hexdigest()}"


@dataclass(frozen=True)
class Content:
    """The bytes of one file.

    Attributes:
        size: in bytes.
        digests: in hexadecimal digits by algorithm, `sha256` among them.
    """

    size: int
    digests: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """The digest by which any file is known."""
        return self.digests["sha256"]


def read_content(path: Path, algorithms: Collection[str] = ()) -> Content | None:
    """Return the content of `path` with `algorithms` and SHA-256, or None if it cannot be read.

    Whoever decodes the file says why it cannot be read.
    """
    try:
        size, hashes = hash_file(path, {"sha256", *algorithms})
    except OSError:
        return None
    return Content(size, {name: digest.hexdigest() for name, digest in hashes.items()})


class FileDigests:
    """SHA-256 of files: each is taken once in the life of this object.

    One object is handed through a whole command: whatever the files of a data set are checked,
    fingerprinted or cached by is then the same digest, from one pass over them. Those of earlier
    commands come from an index file where size and times of the file are still the same. The index
    saves time and nothing else: absent, damaged or overwritten by another process, it merely costs
    reading the files again.

    May be used from several threads; a copy that is sent to another process starts empty.

    Args:
        index: JSON file to remember in; None remembers nothing.
    """

    def __init__(self, index: Path | None) -> None:
        self._index = index
        self._known = _read_index(index)
        self._learnt: set[str] = set()
        self._taken: dict[Path, str | None] = {}

    def __reduce__(self) -> tuple[type[FileDigests], tuple[None]]:
        # What is known of all files is not worth sending along with each piece of work.
        return type(self), (None,)

    def of(self, path: Path) -> str | None:
        """Return the hexadecimal digest of a file as it was first seen; None: it cannot be read."""
        if path not in self._taken:
            try:
                self._taken[path] = self.current(path)
            except OSError:
                self._taken[path] = None
        return self._taken[path]

    def of_all(self, paths: Iterable[Path]) -> dict[Path, str | None]:
        """Return the digest of each file as `of` does, in one pass on all cores, and `save`."""
        unique = list(dict.fromkeys(paths))
        missing = [path for path in unique if path not in self._taken]
        try:
            if missing:
                parallel_map(self.of, missing)
        finally:
            self.save()
        return {path: self._taken[path] for path in unique}

    def current(self, path: Path) -> str:
        """Return the hexadecimal digest of a file as it is now.

        Raises:
            OSError: the file is absent, no regular file or cannot be read.
        """
        # Names on disk need not be valid text.
        name = os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
        before = stamp(path)
        remembered, digest = self._known.get(name, (None, ""))
        if remembered == before:
            return digest
        digest = hex_digest(path)
        settled = time.time_ns() - max(before[1:]) > _SETTLED_NS
        if settled and stamp(path) == before:
            self._known[name] = (before, digest)
            self._learnt.add(name)
        return digest

    def save(self) -> None:
        """Write what was learnt to the index, where it can be written."""
        if self._index is None or not self._learnt:
            return
        merged = _read_index(self._index) | {name: self._known[name] for name in self._learnt}
        try:
            write_text(self._index, json.dumps({"version": 1, "files": merged}, allow_nan=False))
        except OSError:
            return
        self._learnt.clear()


def stamp(path: Path) -> Stamp:
    """Return what changes if a file is written: size, time of its data, time of its entry.

    The second time cannot be set back by `touch`, `cp -p` or `rsync`.
    """
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _read_index(index: Path | None) -> dict[str, tuple[Stamp, str]]:
    """Return stamp and digest by path; nothing of a damaged index."""
    if index is None:
        return {}
    try:
        # A named pipe would be waited for.
        if not index.is_file():
            return {}
        content = json.loads(index.read_bytes())
        if content["version"] != 1:
            return {}
        files = content["files"].items()
        return {str(name): (list(was), str(digest)) for name, (was, digest) in files}
    except (OSError, AttributeError, ValueError, KeyError, TypeError, RecursionError):
        return {}
