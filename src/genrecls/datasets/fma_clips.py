"""FMA's clips as they lie on disk: `000/000002.mp3`, with their digests in `checksums` beside them.

Source of both: what the archives of `fma_small` to `fma_large` unpack.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from genrecls.errors import DataError

_CLIP = re.compile(r"(?:.*/)?(?P<folder>\d{3})/(?P<track>(?P=folder)\d{3})\.mp3", re.ASCII)
_CHECKSUM = re.compile(r"(?P<digest>[0-9a-f]{40}) [ *](?P<path>\S.*)", re.IGNORECASE)


def clip_path(clips: Path, track: str) -> Path:
    """Return where the clip of a track (six digits) is below the folder of all clips."""
    return clips / track[:3] / f"{track}.mp3"


def clips_on_disk(clips: Path) -> frozenset[str]:
    """Return the ids of the clips that are there; other files are none of its business.

    Raises:
        DataError: a folder cannot be listed.
    """
    found: set[str] = set()
    try:
        for folder in clips.glob("[0-9][0-9][0-9]/"):
            with os.scandir(folder) as entries:
                found |= {entry.name[:6] for entry in entries if _is_clip(entry, folder.name)}
    except OSError as error:
        raise DataError(f"cannot list {error.filename}: {error.strerror}") from None
    return frozenset(found)


def _is_clip(entry: os.DirEntry[str], folder: str) -> bool:
    return _CLIP.fullmatch(f"{folder}/{entry.name}") is not None and entry.is_file()


def read_checksums(clips: Path) -> dict[str, str] | None:
    """Return the published SHA-1 of each clip by track id, as `sha1:<digits>`; None without a file.

    Raises:
        DataError: a line is not as `sha1sum` writes it; names file and line.
    """
    file = clips / "checksums"
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise DataError(f"cannot read {file}: {reason}; {_advice(clips)}") from None
    published = {}
    for number, line in enumerate(lines, start=1):
        match = _CHECKSUM.fullmatch(line.rstrip())
        if not match:
            raise DataError(
                f"{file}, line {number}: expected 40 hexadecimal digits, two spaces and the path "
                f"of a clip, received {line[:60]!r}; {_advice(clips)}"
            )
        published[match["path"]] = f"sha1:{match['digest'].lower()}"
    found = ((_CLIP.fullmatch(path), digest) for path, digest in published.items())
    return {clip["track"]: digest for clip, digest in found if clip}


def _advice(clips: Path) -> str:
    return (
        f"get {clips.absolute().name}.zip again and unpack it, or delete the file to do without "
        "published digests"
    )
