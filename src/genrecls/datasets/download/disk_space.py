"""Room on the disk: checked before the work begins, and one line where it runs out all the same."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.filesize import decimal

from genrecls.errors import DataError

# No space, no quota left, and a limit on the size of files.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def ensure_room(name: str, folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        name: the archive, for the message.
        folder: where it all goes; need not be there yet.
        needed: bytes, about; what is there already does not count.

    Raises:
        DataError: less is free.
    """
    free = free_space(folder)
    if free < needed:
        raise DataError(
            f"{name}: {folder.absolute()} needs about {decimal(needed)} more (the archive and its "
            f"content), {decimal(free)} are free; free some space, or choose another disk with "
            "data_root=<folder>"
        )


def free_space(folder: Path) -> int:
    """Return the free bytes of the disk of a folder, which need not be there yet."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


@contextmanager
def disk_may_fill(path: Path, kept: str) -> Iterator[None]:
    """Turn a disk that fills up during the block into one line.

    Args:
        path: what is being written.
        kept: what is not lost.

    Raises:
        DataError: the disk, the user's share of it, or the largest allowed file is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DataError(
            f"{path}: {error.strerror}; {kept}: free some space and repeat the command, or begin "
            "anew on another disk with data_root=<folder>"
        ) from None
