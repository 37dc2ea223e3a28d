"""A file that is being fetched: what is there of it, and of which file it is a part.

Two versions of a file must never be joined. A note beside the part therefore has what the server
said of the whole; only what still has the same `ETag` or `Last-Modified` is added to it (RFC 9110,
sections 13.1.5 and 14).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from genrecls.datasets.download.disk_space import disk_may_fill
from genrecls.files.hashing import hash_with_progress, new_hash
from genrecls.files.tables import write_json


@dataclass(frozen=True)
class DownloadOrigin:
    """The whole file of which there is a part.

    Attributes:
        url: where it comes from.
        validator: strong `ETag`, else `Last-Modified`; None where the server gave neither.
        total: bytes of the whole; None where the server did not say.
    """

    url: str
    validator: str | None
    total: int | None


class Part:
    """`<file>.part` with `<file>.part.json` beside it, and the hash of what it holds.

    Args:
        file: the place of the whole file.
        algorithm: of the digest.
    """

    def __init__(self, file: Path, algorithm: str) -> None:
        self.file = file
        self.path = file.with_name(f"{file.name}.part")
        self.note = file.with_name(f"{file.name}.part.json")
        self._algorithm = algorithm
        self._hash = new_hash(algorithm)
        self._hashed = 0

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def origin(self) -> DownloadOrigin | None:
        """Of what it is a part; None where nothing is known of that."""
        try:
            return DownloadOrigin(**json.loads(self.note.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def resumable(self, url: str) -> DownloadOrigin | None:
        """Return what the rest has to belong to; None where all must be fetched."""
        origin = self.origin
        known = origin is not None and origin.url == url and origin.validator is not None
        return origin if known and self.size else None

    def whole(self, url: str) -> bool:
        """Whether nothing is missing of the file at `url`."""
        origin = self.origin
        return origin is not None and origin.url == url and origin.total == self.size

    def begin(self, origin: DownloadOrigin) -> None:
        """Throw away what is there: another file begins."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        self._hash, self._hashed = new_hash(self._algorithm), 0
        with disk_may_fill(self.note, "nothing is lost"):
            write_json(self.note, asdict(origin))

    def append(
        self, blocks: Iterable[bytes], advance: Callable[[int], None] = lambda _: None
    ) -> None:
        """Write blocks behind what is there.

        Args:
            blocks: the next bytes of the file.
            advance: called with the size of each block after it was written.

        Raises:
            DataError: the disk is full.
        """
        self._catch_up()
        with disk_may_fill(self.path, "what is there is kept"), self.path.open("ab", 0) as file:
            for block in blocks:
                # Unbuffered writing may take a part of the block only.
                rest = memoryview(block)
                while rest:
                    written = file.write(rest)
                    self._hash.update(rest[:written])
                    self._hashed += written
                    rest = rest[written:]
                advance(len(block))

    def digest(self) -> str:
        """Return the digest of what is there, such as `sha1:ade1...`."""
        self._catch_up()
        return f"{self._algorithm}:{self._hash.hexdigest()}"

    def discard(self) -> None:
        """Delete what is there and what is known of it."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _catch_up(self) -> None:
        """Hash what an earlier process wrote."""
        if self._hashed != self.size:
            self._hash, self._hashed = hash_with_progress(self.path, self._algorithm), self.size
