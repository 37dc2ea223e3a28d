"""Small archives, sound and hostile ones, and what is published of them."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

from genrecls.datasets.download.archive import Archive, read_archive

CONTENT = {"genres/blues/blues.00000.au": b"blues" * 900, "genres/rock/rock.00000.au": b"rock"}


def tar(members: dict[str, bytes], *more: tarfile.TarInfo, mode: str = "gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in more:
            archive.addfile(info)
    return stream.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_BZIP2) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def published(body: bytes, *sources: str, size: int | None = None) -> Archive:
    """What `conf/download/gtzan.yaml` would say if it published `body`."""
    digest = f"sha1:{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"
    archive, _ = read_archive("gtzan")
    return replace(
        archive, digest=digest, size=size, sources=sources, room=10 * len(body), dataset=None
    )


def files_below(folder: Path) -> dict[str, bytes]:
    """Content by relative name; locks are no content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }
