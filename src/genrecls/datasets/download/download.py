"""An archive, from wherever it is to the folder that a data set is read from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from genrecls.config.compose import compose
from genrecls.config.validation import select
from genrecls.console import say, several
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.download.archive import Archive
from genrecls.datasets.download.disk_space import ensure_room
from genrecls.datasets.download.extract import unpack
from genrecls.datasets.download.http import SourceError, transfer
from genrecls.datasets.download.partial_file import Part
from genrecls.errors import DataError
from genrecls.files.hashing import published_digest
from genrecls.files.locks import locked

DOWNLOADS = "downloads"


@dataclass(frozen=True)
class FetchResult:
    """Where the content of an archive is.

    Attributes:
        folder: what holds it.
        new: whether this call has put it there.
    """

    folder: Path
    new: bool


def ensure_feasible(
    archive: Archive, needs: Sequence[Archive], data_root: Path, given: Path | None = None
) -> None:
    """Refuse at once what could only fail later: another archive, or a disk too small for all.

    Args:
        archive: what is wanted.
        needs: what it needs.
        data_root: the folder of all data.
        given: an archive that the user has instead of one to fetch.

    Raises:
        DataError: `given` has not the size of the published archive, or the disk is too full.
    """
    absent = [one for one in (archive, *needs) if present(one, data_root) is None]
    if given is not None and archive in absent:
        _ensure_size(archive, given)
    needed = 0
    for one in absent:
        # What is there of the archive already needs no more room.
        part = Part(data_root / DOWNLOADS / one.file, one.algorithm)
        whole = given if given is not None and one is archive else part.file
        needed += one.room - (whole.stat().st_size if whole.is_file() else part.size)
    ensure_room(archive.name, data_root, needed)


def fetch(
    archive: Archive, data_root: Path, given: Path | None = None, *, keep: bool = False
) -> FetchResult:
    """See to it that the content of an archive is there; what is there already stays as it is.

    Args:
        archive: what is wanted.
        data_root: the folder of all data.
        given: an archive that the user has; it is only read. None fetches one.
        keep: leave a fetched archive where it is instead of deleting it in the end.

    Raises:
        DataError: no source gave the archive, it is not the right one, or the disk is full.
    """
    lock = data_root / DOWNLOADS / f".{archive.file}.lock"
    waiting = f"{archive.name}: another process is fetching it; waiting until that has ended"
    there = present(archive, data_root)
    if there is None:
        with locked(lock, on_wait=lambda: say(waiting)):
            # Meanwhile another process may have done it.
            there = present(archive, data_root)
            if there is None:
                part = Part(data_root / DOWNLOADS / archive.file, archive.algorithm)
                if given is not None:
                    _ensure_size(archive, given)
                    digest = published_digest(given, archive.algorithm)
                    if digest != archive.digest:
                        raise DataError(
                            f"--archive: {given} is not the published {archive.file}: its digest "
                            f"is {digest}, expected {archive.digest}; get it from {archive.page}, "
                            f"or, if you trust it, repeat with digest={digest}"
                        )
                    ensure_room(archive.name, data_root, archive.room - given.stat().st_size)
                    _unpack(archive, given, data_root)
                else:
                    _complete(archive, data_root, part)
                    _unpack(archive, part.file, data_root)
                    # Without its note, or beside an unfinished part, the user has put it there.
                    if part.note.is_file() and not part.size and not keep:
                        part.file.unlink()
                part.discard()
                return FetchResult(archive.target(data_root), new=True)
    say(f"{archive.name}: already in {there}; nothing is fetched")
    return FetchResult(there, new=False)


def present(archive: Archive, data_root: Path) -> Path | None:
    """Return where the content is: the folder of the archive, or another layout that serves."""
    target = archive.target(data_root)
    return target if target.exists() else serving(archive, data_root)


def serving(archive: Archive, data_root: Path) -> Path | None:
    """Return the root of the data set if it can be used as it is, in whatever layout."""
    if archive.dataset is None:
        return None
    try:
        return load_dataset(archive.dataset, data_root).root
    except DataError:
        return None


def load_dataset(choice: str, data_root: Path) -> Dataset:
    """Return the data set that `dataset=<choice>` means.

    Raises:
        DataError: it is absent or incomplete.
    """
    composed = compose("data", [f"dataset={choice}"])
    return select(DATASETS, composed["dataset"], "dataset").load(data_root)


def _ensure_size(archive: Archive, given: Path) -> None:
    if not given.is_file():
        raise DataError(f"--archive: there is no file {given.absolute()}")
    size = given.stat().st_size
    if archive.size is not None and size != archive.size:
        raise DataError(
            f"--archive: {given} is not the published {archive.file}: it has {size} bytes, "
            f"expected {archive.size}; it was cut or is another file: get it from {archive.page}"
        )


def _complete(archive: Archive, data_root: Path, part: Part) -> None:
    """Bring the archive to its place; one that an earlier call has left there is used."""
    place = part.file
    if place.is_file():
        digest = published_digest(place, archive.algorithm)
        if digest == archive.digest:
            ensure_room(archive.name, data_root, archive.room - place.stat().st_size)
            return
        say(f"{place} is not the published archive; {_set_aside(place, digest)}")
    ensure_room(archive.name, data_root, archive.room - part.size)
    # First the one of which there is a part: another one would begin anew.
    for source in sorted(archive.sources, key=lambda url: part.resumable(url) is None):
        try:
            _from_source(archive, source, part)
        except SourceError as error:
            say(f"{archive.name}: {source} {error}")
        else:
            part.path.rename(place)
            return
    raise DataError(
        f"{archive.name}: no source gave the archive "
        f"({'see above' if archive.sources else 'none is named'}); repeat the command later to go "
        f"on, or get {archive.file} elsewhere (see {archive.page}) and give "
        f"it: genrecls data download {archive.name} --archive <file>"
    )


def _from_source(archive: Archive, source: str, part: Part) -> None:
    """Fetch the archive from one source into `part`.

    Raises:
        SourceError: the source does not give the published archive.
    """
    size = f" ({decimal(archive.size)})" if archive.size else ""
    say(f"{archive.name}: fetching {source}{size}")
    try:
        transfer(source, part, archive.size, archive.room)
    except SourceError as error:
        if not error.page:
            raise
        name = hashlib.md5(error.page, usedforsecurity=False).hexdigest()[:8]
        page = part.file.with_name(f"{archive.file}.page-{name}.html")
        page.write_bytes(error.page)
        raise SourceError(f"{error} (set aside as {page})") from None
    digest = part.digest()
    if digest != archive.digest:
        aside = _set_aside(part.path, digest)
        part.discard()
        raise SourceError(f"gives another file: {digest} instead of {archive.digest} ({aside})")


def _set_aside(path: Path, digest: str) -> str:
    """Rename a wrong file after its digest, so that the same one is not kept twice."""
    name = path.name.removesuffix(".part")
    aside = path.with_name(f"{name}.wrong-{digest.partition(':')[2][:8]}")
    path.replace(aside)
    return f"set aside as {aside}"


def _unpack(archive: Archive, file: Path, data_root: Path) -> None:
    target = archive.target(data_root)
    unpacked = unpack(file, archive.holds, target, archive.room)
    left_out = f", macOS's companions left out: {several(unpacked.ghosts, 'file')}"
    ghosts = left_out if unpacked.ghosts else ""
    say(f"{archive.name}: {several(unpacked.files, 'file')} unpacked to {target}{ghosts}")
