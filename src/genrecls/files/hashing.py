"""Digests of file contents, remembered so that an unchanged file is not read again.

A file counts as unchanged if its size and both its times are what they were, as in git's index.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.console import bytes_progress
from genrecls.files import atomic

if TYPE_CHECKING:
    from hashlib import _Hash

BLOCK = 1 << 20


def new_hash(algorithm: str) -> _Hash:
    """Return an empty hash; it recognises a published file and protects nothing."""
    return hashlib.new(algorithm, usedforsecurity=False)


def hashed(path: Path, algorithm: str) -> _Hash:
    """Return the hash of what `path` holds so far."""
    found = new_hash(algorithm)
    with (
        path.open("rb") as file,
        bytes_progress(f"Checking {path.name}", path.stat().st_size) as advance,
    ):
        while block := file.read(BLOCK):
            found.update(block)
            advance(len(block))
    return found


def digest_of(path: Path, algorithm: str) -> str:
    """Return the digest of `path` as in a configuration, such as `sha1:ade1...`."""
    return f"{algorithm}:{hashed(path, algorithm).hexdigest()}"


_BLOCK = 1 << 20


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
        """The digest that goes by any file."""
        return self.digests["sha256"]


def read_content(path: Path, algorithms: Collection[str] = ()) -> Content | None:
    """Return the content of `path` with `algorithms` and SHA-256, or None if it cannot be read.

    Whoever decodes the file says why it cannot be read.
    """
    hashes = {name: hashlib.new(name) for name in {"sha256", *algorithms}}
    size = 0
    try:
        # Opening a named pipe would wait for a writer, perhaps for ever.
        if not path.is_file():
            return None
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                size += len(block)
                for digest in hashes.values():
                    digest.update(block)
    except OSError:
        return None
    return Content(size, {name: digest.hexdigest() for name, digest in hashes.items()})


INDEX = "files.json"
"""Name of the index file in the folder of the feature cache."""

Stamp = list[int]

# A file written twice within one tick of the file system's clock can look the same both times.
_SETTLED_NS = 2_000_000_000


def stamp(path: Path) -> Stamp:
    """Return what changes if a file is written: size, time of its data, time of its entry.

    The second time cannot be set back by `touch`, `cp -p` or `rsync`.
    """
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


class FileDigests:
    """SHA-256 of files; those of earlier runs come from an index file.

    The index saves time and nothing else: absent, damaged or overwritten by another process, it
    merely costs reading the files again. May be used from several threads; a copy that is sent
    to another process starts without it.

    Args:
        index: JSON file to remember in; None remembers nothing.
    """

    def __init__(self, index: Path | None) -> None:
        self._index = index
        self._known = _read(index)
        self._learnt: set[str] = set()

    def __reduce__(self) -> tuple[type[FileDigests], tuple[None]]:
        # What is known of all files is not worth sending along with each piece of work.
        return type(self), (None,)

    def of(self, path: Path) -> str:
        """Return the hexadecimal digest of the content of `path`.

        Raises:
            OSError: the file is absent, no regular file or cannot be read.
        """
        # Reading a named pipe would wait for a writer, perhaps for ever.
        if not path.is_file():
            raise FileNotFoundError(path)
        name, before = _name(path), stamp(path)
        remembered, digest = self._known.get(name, (None, ""))
        if remembered == before:
            return digest
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        settled = time.time_ns() - max(before[1:]) > _SETTLED_NS
        if settled and stamp(path) == before:
            self._known[name] = (before, digest)
            self._learnt.add(name)
        return digest

    def save(self) -> None:
        """Write what was learnt to the index, where it can be written."""
        if self._index is None or not self._learnt:
            return
        merged = _read(self._index) | {name: self._known[name] for name in self._learnt}
        try:
            atomic.write_text(self._index, json.dumps({"version": 1, "files": merged}))
        except OSError:
            return


def digests_of(paths: Collection[Path], index: Path | None, workers: int) -> list[str]:
    """Return the digest of each file, or `missing` for one that is absent or cannot be read."""
    digests = FileDigests(index)

    def digest(path: Path) -> str:
        try:
            return digests.of(path)
        except OSError:
            return "missing"

    try:
        with ThreadPoolExecutor(workers) as executor:
            return list(executor.map(digest, paths))
    finally:
        digests.save()


def _name(path: Path) -> str:
    # Names on disk need not be valid text.
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")


def _read(index: Path | None) -> dict[str, tuple[Stamp, str]]:
    if index is None:
        return {}
    try:
        content = json.loads(index.read_bytes())
        if content["version"] != 1:
            return {}
        return {str(name): (list(was), str(digest)) for name, (was, digest) in _items(content)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _items(content: dict[str, dict[str, tuple[Stamp, str]]]) -> list[tuple[str, tuple[Stamp, str]]]:
    files = content["files"]
    return list(files.items()) if isinstance(files, dict) else []
