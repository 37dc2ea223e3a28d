"""Any music: a folder of genre folders, or a CSV that names files, genres, groups and parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import PositiveInt

from genrecls.config.paths import expanded
from genrecls.console import several
from genrecls.datasets.artists import ArtistSource, with_artists
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource, Provenance
from genrecls.datasets.genre_folders import tracks_in_folders
from genrecls.datasets.genres import Merge, choose_genres, merge_genres, remark_spellings
from genrecls.datasets.track_list import Columns, Separator, read_tracks
from genrecls.dsp.audio_limits import AudioLimits, readable_suffixes
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
            there = tracks_in_folders(root, self.genres or (), self.exclude)
            tracks, parts = there.tracks, there.parts
            remarks += there.remarks
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
            suffixes = " ".join(readable_suffixes())
            raise DataError(
                f"dataset=folder: {found} has {several(len(tracks), 'audio file')} in "
                f"{several(len(labels), 'genre')}; expected at least two genres, as "
                f"<root>/<genre>/<file> with {suffixes} (dataset.root=<folder>) or as "
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
