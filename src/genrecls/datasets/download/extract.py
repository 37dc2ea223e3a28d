"""Archives are taken apart beside their place, so that no member gets out of its folder.

Only files and folders come out: of what else an archive can hold (links, devices) no data set has
any, and each is a way to write somewhere else.
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
from typing import IO, Literal, cast

from genrecls.console import bytes_progress
from genrecls.datasets.download.disk_space import disk_may_fill
from genrecls.errors import DataError

_Kind = Literal["file", "folder", "other"]
_BLOCK = 1 << 20
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, BadGzipFile),
    # Of zipfile: an encrypted member, or a compression that it has not learnt.
    *(RuntimeError, NotImplementedError),
)


@dataclass(frozen=True)
class _Member:
    """One entry of an archive.

    Attributes:
        name: as it stands there.
        kind: what it is; `other` are links and devices.
        open: returns its content.
        end: bytes of the archive that are read when it is done, about.
    """

    name: str
    kind: _Kind
    open: Callable[[], IO[bytes]]
    end: int


@dataclass(frozen=True)
class Unpacked:
    """What came out of an archive.

    Attributes:
        files: number of files.
        ghosts: number of companion files of macOS that were left out.
    """

    files: int
    ghosts: int


def unpack(archive: Path, holds: str, target: Path) -> Unpacked:
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
    beside = target.with_name(f".{target.name}-unpacking")
    with _readable(archive):
        _ensure_holds(archive, holds, beside)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        with disk_may_fill(beside, "the archive is kept"), _readable(archive):
            found = _take_apart(archive, beside)
        (beside / holds).rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return found


def _ensure_holds(archive: Path, holds: str, into: Path) -> None:
    """Read the table of contents and refuse another archive, before anything is written."""
    tops, folders = set(), set()
    for member in _members(archive):
        parts = _place(archive, member, into).relative_to(into).parts
        if parts and not _is_ghost(member):
            tops.add(parts[0])
            folders |= set(parts[:1] if member.kind == "folder" else parts[:-1][:1])
    if holds not in folders:
        found = ", ".join(sorted(tops)) or "nothing"
        raise DataError(
            f"{archive}: expected a folder {holds} inside, found {found[:200]}; get another one"
        )


def _take_apart(archive: Path, into: Path) -> Unpacked:
    files = ghosts = done = 0
    with bytes_progress(f"Unpacking {archive.name}", archive.stat().st_size) as advance:
        for member in _members(archive):
            place = _place(archive, member, into)
            if _is_ghost(member):
                ghosts += 1
            elif member.kind == "folder":
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                _copy(member, place)
                files += 1
            advance(member.end - done)
            done = member.end
    return Unpacked(files, ghosts)


def _copy(member: _Member, place: Path) -> None:
    with member.open() as content, place.open("wb") as file:
        shutil.copyfileobj(content, file, _BLOCK)


def _place(archive: Path, member: _Member, into: Path) -> Path:
    """Return where a member goes.

    Raises:
        DataError: it is no file or folder, or would leave `into`.
    """
    paths = (PurePosixPath(member.name), PureWindowsPath(member.name))
    # A drive letter and a backslash mean something to Windows only, but are in no data set.
    astray = "\0" in member.name or any(path.anchor or ".." in path.parts for path in paths)
    if astray or member.kind == "other":
        problem = "would leave its folder" if astray else "is a link or a device"
        raise DataError(
            f"{archive}: its member {member.name!r} {problem}; nothing was unpacked: this is not "
            "the published archive"
        )
    return into / paths[0]


def _is_ghost(member: _Member) -> bool:
    parts = PurePosixPath(member.name).parts
    return "__MACOSX" in parts or any(part.startswith("._") for part in parts)


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
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
    if zipfile.is_zipfile(archive):
        return _of_zip(archive)
    if tarfile.is_tarfile(archive):
        return _of_tar(archive)
    raise DataError(
        f"{archive}: expected a .zip or a .tar (.gz, .bz2, .xz), received neither, or a damaged one"
    )


def _of_zip(archive: Path) -> Iterator[_Member]:
    done = 0
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            done += info.compress_size
            yield _Member(info.filename, _kind_in_zip(info), partial(opened.open, info), done)


def _kind_in_zip(info: zipfile.ZipInfo) -> _Kind:
    # The upper half are Unix permissions, where the archive was made on such a system.
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "other"
    return "folder" if info.is_dir() else "file"


def _of_tar(archive: Path) -> Iterator[_Member]:
    with archive.open("rb") as raw, tarfile.open(fileobj=raw) as opened:
        for info in opened:
            # None is what a member without content gives, which nobody opens.
            content = cast("Callable[[], IO[bytes]]", partial(opened.extractfile, info))
            yield _Member(info.name, _kind_in_tar(info), content, raw.tell())


def _kind_in_tar(info: tarfile.TarInfo) -> _Kind:
    if info.isdir():
        return "folder"
    return "file" if info.isreg() else "other"
