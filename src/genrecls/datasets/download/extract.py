"""Archives are unpacked beside their place, so that no member gets out of its folder.

Only files and folders come out: of what else an archive can hold (links, devices, files with
holes) no data set has any, and each is a way to write somewhere else, or more than there is. All
names and sizes are checked before the first file is written; `tarfile`'s filter for data is the
second net.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from gzip import BadGzipFile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from rich.filesize import decimal

from genrecls.console import bytes_progress
from genrecls.datasets.download.disk_space import disk_may_fill, free_space
from genrecls.errors import DataError

_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, BadGzipFile),
    # Of zipfile: an encrypted member, or a compression that it does not know.
    *(RuntimeError, NotImplementedError),
    # Of both: numbers and names in headers that are none.
    *(ValueError, OverflowError, struct.error),
)
# Of the system: a member begins nowhere, is file and folder at once, or cannot be named.
_IMPOSSIBLE = frozenset(
    {errno.EINVAL, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EILSEQ}
)
_COMPRESSIONS: tuple[tuple[bytes, Callable[[IO[bytes]], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
)
# FMA's largest archive has 107,000.
_MOST_MEMBERS = 500_000
# Bytes of a header with its extensions, which tarfile reads into memory and searches slowly.
_HEADER = 1 << 14
# So many compressed bytes are unpacked at once, whatever becomes of them.
_STEP = 1 << 12


@dataclass(frozen=True)
class _Member:
    """A file or folder of an archive.

    Attributes:
        name: as the archive has it.
        folder: whether it is a folder.
        size: bytes that it has unpacked.
        oddity: why it cannot be had; empty where it can.
        extract: writes it below a folder.
        end: bytes of the archive that are read when it is done, about.
    """

    name: str
    folder: bool
    size: int
    oddity: str
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


def unpack(archive: Path, holds: str, target: Path, room: int | None = None) -> UnpackResult:
    """Make the folder `target` of the folder `holds` that an archive contains.

    All members are looked at before the first is written. The folder appears whole or not at all;
    an interrupted attempt leaves a hidden folder beside it, which the next one removes.

    Args:
        archive: a tar, compressed or not, or a zip; its content decides, not its name.
        holds: top folder inside the archive.
        target: must not be there.
        room: bytes that its content may have; None: what is free on the disk.

    Raises:
        DataError: the archive is damaged or of another kind, a member would leave its folder, its
            content is too large, or the disk is full.
    """
    free = free_space(target)
    limit = free if room is None else min(room, free)
    # The table of contents, before anything is written: is it the right archive?
    tops, folders = set(), set()
    with _readable(archive):
        for member in _members(archive, limit):
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
            for member in _members(archive, limit):
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
        if isinstance(error, OSError) and error.errno not in {None, *_IMPOSSIBLE}:
            raise
        raise DataError(
            f"{archive}: cannot be unpacked ({' '.join(str(error).split()) or 'it ends early'}); "
            "get it again"
        ) from None


def _members(archive: Path, limit: int) -> Iterator[_Member]:
    """Yield the members in their order, each checked.

    Args:
        archive: a tar or a zip.
        limit: bytes that all members may have together.

    Raises:
        DataError: one is no file or folder or would leave its folder, or they are too large or too
            many; or it is no archive.
    """
    with archive.open("rb") as raw:
        members = _of_zip(raw) if zipfile.is_zipfile(raw) else _of_tar(archive, raw)
        size = 0
        for count, member in enumerate(members, start=1):
            paths = (PurePosixPath(member.name), PureWindowsPath(member.name))
            # A drive letter and a backslash mean something to Windows only, but are in no data set.
            astray = "\0" in member.name or any(p.anchor or ".." in p.parts for p in paths)
            nameless = "" if member.folder or member.parts else "has no name"
            problem = "would leave its folder" if astray else member.oddity or nameless
            if problem:
                raise DataError(
                    f"{archive}: its member {member.name!r} {problem}; nothing was unpacked: this "
                    "is not the published archive"
                )
            size += member.size
            if size > limit or count > _MOST_MEMBERS:
                raise DataError(
                    f"{archive}: expected at most {decimal(limit)} in {_MOST_MEMBERS:,} files (so "
                    "much is free, or all that the archive may take), received more; nothing was "
                    "unpacked: get another one, or, if you trust it, choose a larger disk with "
                    "data_root=<folder> and say what it takes with room=<bytes>"
                )
            yield member


def _of_zip(raw: IO[bytes]) -> Iterator[_Member]:
    done = 0
    with zipfile.ZipFile(raw) as opened:
        for info in opened.infolist():
            done += info.compress_size
            # The upper half are Unix permissions, where it was made on such a system.
            mode = stat.S_IFMT(info.external_attr >> 16)
            special = mode not in {0, stat.S_IFREG, stat.S_IFDIR}
            yield _Member(
                info.filename,
                info.filename.endswith("/"),
                info.file_size,
                "is a link or a device" if special else "",
                partial(_extract_from_zip, opened, info),
                done,
            )


def _extract_from_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    """Write a member below a folder, in steps: bzip2 and LZMA unpack at once all that they get."""
    path = folder.joinpath(*PurePosixPath(info.filename).parts)
    if info.filename.endswith("/"):
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, path.open("wb") as file:
        while block := source.read(_STEP):
            file.write(block)


def _of_tar(archive: Path, raw: IO[bytes]) -> Iterator[_Member]:
    raw.seek(0)
    magic = raw.read(8)
    raw.seek(0)
    openers = (opener for beginning, opener in _COMPRESSIONS if magic.startswith(beginning))
    opener = next(openers, None)
    reader = _TarReader(opener(raw) if opener else raw)
    try:
        tar = tarfile.open(fileobj=reader, mode="r:")  # noqa: SIM115 - closed below
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(
            f"{archive}: expected a .zip or a .tar (.gz, .bz2, .xz), received neither, or a "
            "damaged one"
        ) from None
    with tar:
        while (entry := tar.next()) is not None:
            if entry.issparse() or entry.size < 0:
                oddity = "has holes, or less than no bytes"
            else:
                oddity = "" if entry.isdir() or entry.isreg() else "is a link or a device"
            # Its content is read next, if at all, and then the header of the next member.
            reader.left = max(entry.size, 0) + _HEADER
            extract = partial(tar.extract, entry, set_attrs=False, filter="data")
            yield _Member(entry.name, entry.isdir(), entry.size, oddity, extract, raw.tell())


class _TarReader(io.RawIOBase):
    """Gives `tarfile` no more than `left` bytes: headers of any length are read into memory."""

    def __init__(self, stream: IO[bytes] | io.BufferedIOBase) -> None:
        self.left = _HEADER
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.left:
            raise tarfile.ReadError(f"a header of more than {decimal(_HEADER)}")
        self.left -= size
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
