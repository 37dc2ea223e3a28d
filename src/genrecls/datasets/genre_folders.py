"""The tracks of `<root>/<genre>/<file>` or `<root>/<part>/<genre>/<file>`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from genrecls.config.paths import why_no_file
from genrecls.console import several
from genrecls.datasets.audio_files import find_audio
from genrecls.datasets.base import Track
from genrecls.datasets.synth.marker import marked_folders
from genrecls.datasets.track_list import PARTS, refuse_unwritable
from genrecls.errors import DataError


@dataclass(frozen=True)
class FolderTracks:
    """What a folder of genre folders holds.

    Attributes:
        tracks: sorted by their paths, which are their ids.
        parts: of the tracks that lie in a folder of a part, by id.
        remarks: a line for each reason for which something is left out.
    """

    tracks: tuple[Track, ...]
    parts: Mapping[str, str]
    remarks: tuple[str, ...]


def tracks_in_folders(
    root: Path, genres: Collection[str], exclude: Collection[str]
) -> FolderTracks:
    """List the tracks of a folder.

    Args:
        root: the folder.
        genres: that are to be used; where one is a folder in `root`, all folders there are genres.
        exclude: genres that are not to be used, which may be beside folders of parts.

    Raises:
        DataError: there is no such folder, its files lie in no folder, or folders of parts lie
            beside folders of genres.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise DataError(
            f"dataset=folder: {root.absolute()} {what}{why_no_file(str(root))}; expected a folder "
            "with a folder for each genre (dataset.root=<folder>) or a CSV (dataset.csv=<file>)"
        )
    audio = find_audio(root)
    closed = audio.left_out.get("closed", ())
    if root in closed:
        raise DataError(
            f"dataset=folder: {root.absolute()} cannot be opened; check who may read it"
        )
    generated = marked_folders(root)
    remarks = [
        *audio.remarks,
        *(
            f"dataset=folder: {folder} is left out: genrecls has generated its tracks"
            for folder in generated
        ),
    ]
    places = {
        path: path.relative_to(root)
        for path in audio.files
        if not any(folder in path.parents for folder in generated)
    }
    top = {place.parts[0] for place in places.values() if place.parts[1:]}
    part_of = {} if top & set(genres) else _parts_of(top - set(exclude), root)

    tracks: list[Track] = []
    parts: dict[str, str] = {}
    beside: list[str] = []
    for path, place in places.items():
        part = part_of.get(place.parts[0])
        folders = place.parts[1:-1] if part else place.parts[:-1]
        if not folders:
            beside.append(place.as_posix())
            continue
        track = Track(place.as_posix(), path, folders[0])
        refuse_unwritable(str(root), str(place), track.label)
        tracks.append(track)
        if part:
            parts[track.id] = part
    if beside and not tracks and not part_of:
        raise DataError(
            f"dataset=folder: {root.absolute()}: {several(len(beside), 'audio file')} directly in "
            "it and none in a folder; expected a folder with a folder for each genre: is it "
            f"dataset.root={root.absolute().parent}?"
        )
    if beside:
        layout = "<root>/<part>/<genre>/" if part_of else "<root>/<genre>/"
        remarks.append(
            f"{root}: left out {several(len(beside), 'audio file')} beside the folders of genres, "
            f"such as {beside[0]}: expected files in {layout}"
        )

    # What was named already is not named again, nor what holds it.
    told = [*closed, *audio.left_out.get("circle", ()), *generated]
    used = {place.parts[: 2 if place.parts[0] in part_of else 1] for place in places.values()}
    empty = sorted(
        folder.relative_to(root).as_posix()
        for parent in (root, *(root / name for name in part_of))
        for folder in parent.iterdir()
        if folder.is_dir()
        and not folder.name.startswith(".")
        and folder.relative_to(root).parts not in used
        and folder.name not in part_of
        and not any(path.is_relative_to(folder) for path in told)
    )
    if empty:
        remarks.append(
            f"{root}: {several(len(empty), 'folder')} without audio that is read, so no genre: "
            f"{', '.join(empty)}"
        )
    return FolderTracks(tuple(tracks), parts, tuple(remarks))


def _parts_of(folders: Collection[str], root: Path) -> dict[str, str]:
    """Return the part of each folder; none where none is called like one.

    Raises:
        DataError: some are called like parts and others are not.
    """
    names = sorted(folders)
    parts = {name: PARTS[name.strip().lower()] for name in names if name.strip().lower() in PARTS}
    genres = [name for name in names if name not in parts]
    if parts and genres:
        raise DataError(
            f"dataset=folder: {root.absolute()} has folders that are called like parts of a split "
            f"({', '.join(parts)}) beside genres ({', '.join(genres)}); expected "
            "<root>/<genre>/<file> or <root>/<part>/<genre>/<file>; rename them, leave them out "
            f"with dataset.exclude=[{','.join(parts)}] or, if they are genres, name all genres "
            f"with dataset.genres=[{','.join((*parts, *genres))}]"
        )
    return parts
