"""Any music: a folder of genre folders, or a CSV that names files, genres, groups and parts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import PositiveInt

from genrecls.config.paths import expanded, why_no_file
from genrecls.console import several
from genrecls.datasets.artists import ArtistSource, with_artists
from genrecls.datasets.audio_files import find_audio
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource, Provenance, Track
from genrecls.datasets.genres import Merge, choose_genres, merge_genres, remark_spellings
from genrecls.datasets.synth.marker import marked_folders
from genrecls.datasets.track_list import (
    PARTS,
    Columns,
    Separator,
    read_tracks,
    refuse_unwritable,
)
from genrecls.dsp.audio import SUFFIXES, AudioLimits
from genrecls.errors import ConfigError, DataError


@DATASETS.register("folder")
@dataclass(frozen=True)
class Folder(DatasetSource):
    """Music of the user's own.

    Attributes:
        csv: file with the columns path, label and, optionally, group (artist or whatever must not
            be on two sides of an honest split) and split (train, validation, test). Its paths count
            from `root`, or from its own folder where that is null.
        artists: where the artists are taken from; null leaves them unknown, or to the CSV.
        limits: what a plausible file is.
        separator: what stands between two cells of the CSV.
        columns: what its columns are called.
        merge: genres that are one: `spellings`, or the names of each new genre.
        genres: the genres to be used, after `merge`; null means all.
        exclude: genres that are left out.
        min_tracks: genres of fewer tracks are left out.
    """

    csv: str | None
    artists: ArtistSource | None
    limits: AudioLimits
    # These came later: runs from before have no value for them.
    separator: Separator = "comma"
    columns: Columns = field(default_factory=Columns)
    merge: Merge = None
    genres: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    min_tracks: PositiveInt = 1

    offers: ClassVar[tuple[str, ...]] = ("official",)

    def load(self, data_root: Path) -> Dataset:
        """List the tracks.

        Raises:
            DataError: nothing is there, fewer than two genres, a faulty CSV (with its line), parts
                beside genres, or no artist where `artists` says that they are.
            ConfigError: both the CSV and `artists` give the artists, or a setting names a genre
                that is not there.
        """
        remarks: list[str] = []
        if self.csv is None:
            root = self.folder(data_root)
            where = str(root.absolute())
            tracks, parts = self._tracks_in_folders(root, remarks)
        else:
            file = expanded(self.csv, "dataset.csv")
            root = self.folder(data_root) if self.root else file.parent
            tracks, parts = read_tracks(file, root, self.separator, self.columns)
            where = str(file.absolute())
        found = where
        if self.artists is not None and tracks:
            if any(track.artist for track in tracks):
                raise ConfigError(
                    f"dataset.artists={self.artists}: {where} gives the artists already, in its "
                    "column 'group'; remove that column or set dataset.artists=null"
                )
            tracks = with_artists(tracks, self.artists)
            known = [track.artist for track in tracks if track.artist]
            where += (
                f"; {len(set(known))} artists of {len(known)} of {len(tracks)} tracks by their "
                f"{self.artists}, where case, accents, punctuation, a leading 'the' and guests "
                "('feat.') make no difference"
            )
        merged = merge_genres(tracks, self.merge)
        tracks, left_out = choose_genres(merged, self.genres, self.exclude, self.min_tracks)
        remarks += [*remark_spellings(tracks), *left_out]
        labels = tuple(sorted({track.label for track in tracks}))
        if len(labels) < 2:
            raise DataError(
                f"dataset=folder: {found} has {several(len(tracks), 'audio file')} in "
                f"{several(len(labels), 'genre')}; expected at least two genres, as "
                f"<root>/<genre>/<file> with {' '.join(SUFFIXES)} (dataset.root=<folder>) or as "
                f"lines of a CSV (dataset.csv=<file>){''.join(f'; {each}' for each in remarks)}"
            )
        ids = {track.id for track in tracks}
        official = {track: part for track, part in parts.items() if track in ids}
        return Dataset(
            name="folder",
            labels=labels,
            tracks=tracks,
            root=root,
            provenance=Provenance("Own music", "none", "as your files say", note=where),
            limits=self.limits,
            partitions={"official": official} if official else {},
            remarks=tuple(remarks),
        )

    def _tracks_in_folders(
        self, root: Path, remarks: list[str]
    ) -> tuple[tuple[Track, ...], dict[str, str]]:
        """Return the tracks of `<root>/<genre>/` or `<root>/<part>/<genre>/`, and their parts.

        Adds a line to `remarks` for each reason for which something is left out.
        """
        if not root.is_dir():
            what = "is a file" if root.exists() else "does not exist"
            raise DataError(
                f"dataset=folder: {root.absolute()} {what}{why_no_file(str(root))}; expected a "
                "folder with a folder for each genre (dataset.root=<folder>) or a CSV "
                "(dataset.csv=<file>)"
            )
        audio = find_audio(root)
        closed = audio.left_out.get("closed", ())
        if root in closed:
            raise DataError(
                f"dataset=folder: {root.absolute()} cannot be opened; check who may read it"
            )
        generated = marked_folders(root)
        remarks += audio.remarks
        remarks += (
            f"dataset=folder: {folder} is left out: genrecls has generated its tracks"
            for folder in generated
        )
        places = {
            path: path.relative_to(root)
            for path in audio.files
            if not any(folder in path.parents for folder in generated)
        }
        top = {place.parts[0] for place in places.values() if place.parts[1:]}
        part_of = self._parts(top, root)
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
        if beside:
            layout = "<root>/<part>/<genre>/" if part_of else "<root>/<genre>/"
            remarks.append(
                f"{root}: left out {several(len(beside), 'audio file')} beside the folders of "
                f"genres, such as {beside[0]}: expected files in {layout}"
            )
        # Whoever was named already is not named again, nor are those that hold generated tracks.
        used = {place.parts[: 2 if place.parts[0] in part_of else 1] for place in places.values()}
        named = [*closed, *audio.left_out.get("circle", ()), *generated]
        empty = sorted(
            folder.relative_to(root).as_posix()
            for parent in (root, *(root / name for name in part_of))
            for folder in parent.iterdir()
            if folder.is_dir()
            and not folder.name.startswith(".")
            and folder.relative_to(root).parts not in used
            and folder.name not in part_of
            and not any(path.is_relative_to(folder) for path in named)
        )
        if empty:
            remarks.append(
                f"{root}: {several(len(empty), 'folder')} without audio that is read, so no genre: "
                f"{', '.join(empty)}"
            )
        return tuple(tracks), parts

    def _parts(self, folders: Collection[str], root: Path) -> dict[str, str]:
        """Return the part of each folder that is called like one, where no genre is beside them.

        Raises:
            DataError: some are called like parts and others are not.
        """
        chosen = {*(self.genres or ()), *self.exclude}
        parts = {
            name: PARTS[name.strip().lower()]
            for name in sorted(folders)
            if name.strip().lower() in PARTS and name not in chosen
        }
        genres = sorted(set(folders) - parts.keys() - set(self.exclude))
        if parts and genres:
            raise DataError(
                f"dataset=folder: {root.absolute()} has folders that are called like parts of a "
                f"split ({', '.join(parts)}) beside genres ({', '.join(genres)}); expected "
                "<root>/<genre>/<file> or <root>/<part>/<genre>/<file>; rename them, leave them "
                f"out with dataset.exclude=[{','.join(parts)}] or, if they are genres, name all "
                f"genres with dataset.genres=[{','.join((*parts, *genres))}]"
            )
        return parts
