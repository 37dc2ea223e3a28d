"""Files that are whole or absent: written beside their place and then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# It can only be read by changing it, for all threads: so once, before there are any.
_UMASK = os.umask(0o022)
os.umask(_UMASK)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix of `path`, because several writers go by it. Readers see
    the old file or the new one, never a part, and a failed block leaves nothing behind.

    Args:
        path: the file to be.
        durable: wait until the disk has the content, so that even a power cut cannot leave an
            empty file. Not needed for what is checked when read and can be computed again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The whole stem and what makes it unique could be longer than file names may be.
    prefix = f".{path.stem[:30]}-"
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        with naming(path, beside):
            yield beside
            if durable:
                with beside.open("rb") as written:
                    os.fsync(written.fileno())
            # mkstemp makes private files; a result is as readable as any other file of the user.
            beside.chmod(0o666 & ~_UMASK)
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path, foreign: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; it takes that one's place if the block succeeds.

    Args:
        folder: the folder to be; of a symbolic link the folder that it leads to.
        foreign: whether what the old folder holds by some name goes over into the new one. All else
            in it is lost.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}-"
    beside = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        yield beside
        # A temporary folder is for its owner alone; this one is to be read like all results.
        beside.chmod(folder.parent.stat().st_mode & 0o777)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
            folder.rename(old)
            beside.rename(folder)
            # Only now: wherever a disk or a user stops this, all that is foreign is somewhere.
            for path in old.iterdir():
                if foreign is not None and foreign(path.name):
                    path.rename(folder / path.name)
            shutil.rmtree(old)
        else:
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def set_aside(path: Path) -> Path:
    """Rename a file or folder to its name with a free number behind it, and return that path."""
    number = 1
    while (aside := path.with_name(f"{path.name}~{number}")).exists():
        number += 1
    return path.rename(aside)


@contextmanager
def naming(path: Path, beside: Path | None = None) -> Iterator[None]:
    """Let an OSError of the block name `path` where it names no file, as that of a full disk.

    Args:
        path: what the block writes.
        beside: the temporary file that becomes `path`, whose name tells nobody anything.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or (beside is not None and error.filename == str(beside)):
            error.filename, error.filename2 = str(path), None
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
