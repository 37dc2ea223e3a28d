"""What a file holds, as digests: those that were published of it and the one to remember."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

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
