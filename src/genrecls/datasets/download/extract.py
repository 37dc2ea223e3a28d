"""Archives are unpacked beside their place, so that no member gets out of its folder.

Only files and folders come out: of what else an archive can hold (links, devices) no data set has
any, and each is a way to write somewhere else. All names are checked before the first file is
written; `tarfile`'s filter for data and `zipfile`'s own checks are the second net.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from gzip import BadGzipFile
from pathlib import Path, PurePosixPath, PureWindowsPath

from genrecls.console import bytes_progress
from genrecls.datasets.download.disk_space import disk_may_fill
from genrecls.errors import DataError

_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, BadGzipFile),
    # Of zipfile: an encrypted member, or a compression that it does not know.
    *(RuntimeError, NotImplementedError),
)


@dataclass(frozen=True)
class _Member:
    """A file or folder of an archive.

    Attributes:
        name: as the archive has it.
        folder: whether it is a folder.
        extract: writes it below a folder.
        end: bytes of the archive that are read when it is done, about.
    """

    name: str
    folder: bool
    extract: Callable[[Path], object]
    end: int

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders in which it is, and its own name."""
        return PurePosixPath(self.name).parts

    @property
    def ghost(self) -> bool:
        """Whether it is a companion file of macOS."""
        return "__MACOSX" in self.parts or any(part.startswith("._") for part in self.parts)


@dataclass(frozen=True)
class UnpackResult:
    """What came out of an archive.

    Attributes:
        files: number of files.
        ghosts: number of companion files of macOS that were left out.
    """

    files: int
    ghosts: int


def unpack(archive: Path, holds: str, target: Path) -> UnpackResult:
    """Make the folder `target` of the folder `holds` that an archive contains.

    All members are looked at before the first is written. The folder appears whole or not at all;
    an interrupted attempt leaves a hidden folder beside it, which the next one removes.

    Args:
        archive: a tar, compressed or not, or a zip; its content decides, not its name.
        holds: top folder inside the archive.
        target: must not be there.

    Raises:
        DataError: the archive is damaged or of another kind, a member would leave its folder, or
            the disk is full.
    """
    # The table of contents, before anything is written: is it the right archive?
    tops, folders = set(), set()
    with _readable(archive):
        for member in _members(archive):
            if member.parts and not member.ghost:
                tops.add(member.parts[0])
                folders |= set(member.parts[:1] if member.folder else member.parts[:-1][:1])
    if holds not in folders:
        inside = ", ".join(sorted(tops)) or "nothing"
        raise DataError(
            f"{archive}: expected a folder {holds} inside, found {inside[:200]}; get another one"
        )

    beside = target.with_name(f".{target.name}-unpacking")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    files = ghosts = done = 0
    try:
        with (
            disk_may_fill(beside, "the archive is kept"),
            _readable(archive),
            bytes_progress(f"Unpacking {archive.name}", archive.stat().st_size) as advance,
        ):
            for member in _members(archive):
                if member.ghost:
                    ghosts += 1
                else:
                    member.extract(beside)
                    files += not member.folder
                advance(member.end - done)
                done = member.end
        (beside / holds).rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return UnpackResult(files, ghosts)


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    """Blame the archive, in one line, for what cannot be read of it during the block."""
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        # What bzip2 finds wrong is an OSError too, but none of the system.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(
            f"{archive}: cannot be unpacked ({' '.join(str(error).split()) or 'it ends early'}); "
            "get it again"
        ) from None


def _members(archive: Path) -> Iterator[_Member]:
    """Yield the members in their order, each checked.

    Raises:
        DataError: one is no file or folder or would leave its folder; or it is no archive.
    """
    if zipfile.is_zipfile(archive):
        done = 0
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                done += info.compress_size
                # The upper half are Unix permissions, where it was made on such a system.
                mode = stat.S_IFMT(info.external_attr >> 16)
                special = mode not in {0, stat.S_IFREG, stat.S_IFDIR}
                _ensure_harmless(archive, info.filename, special=special)
                yield _Member(info.filename, info.is_dir(), partial(opened.extract, info), done)
    elif tarfile.is_tarfile(archive):
        with archive.open("rb") as raw, tarfile.open(fileobj=raw) as tar:
            for entry in tar:
                special = not (entry.isdir() or entry.isreg())
                _ensure_harmless(archive, entry.name, special=special)
                extract = partial(tar.extract, entry, set_attrs=False, filter="data")
                yield _Member(entry.name, entry.isdir(), extract, raw.tell())
    else:
        raise DataError(
            f"{archive}: expected a .zip or a .tar (.gz, .bz2, .xz), received neither, or a "
            "damaged one"
        )


def _ensure_harmless(archive: Path, name: str, *, special: bool) -> None:
    paths = (PurePosixPath(name), PureWindowsPath(name))
    # A drive letter and a backslash mean something to Windows only, but are in no data set.
    astray = "\0" in name or any(path.anchor or ".." in path.parts for path in paths)
    if astray or special:
        problem = "would leave its folder" if astray else "is a link or a device"
        raise DataError(
            f"{archive}: its member {name!r} {problem}; nothing was unpacked: this is not "
            "the published archive"
        )
