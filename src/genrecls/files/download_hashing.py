"""Digests of large files, with progress."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.console import bytes_progress

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
