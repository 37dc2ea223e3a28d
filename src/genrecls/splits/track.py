"""`track` and `artist`: random splits of whole tracks, stratified by genre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from genrecls.errors import DataError
from genrecls.splits.base import SPLITS, LeakKind, Material, Ratio, Split, Splitter, known_artists
from genrecls.splits.folds import parts_by_ratio, stratified_folds

ARTISTS_SHARED = (
    "the same artists are on several sides, which flatters the score; split=artist keeps them apart"
)


@SPLITS.register("track")
@dataclass(frozen=True)
class TrackSplit(Splitter):
    """Whole tracks at random; identical recordings stay together.

    Attributes:
        ratio: train, validation and test in whole numbers, such as 3:1:1.
    """

    ratio: Ratio

    leaks: ClassVar[frozenset[LeakKind]] = frozenset({"artist"})
    caveat: ClassVar[str] = ARTISTS_SHARED

    def assign(self, material: Material, seed: int) -> Split:
        """Return the split; tracks with the same samples count as one group."""
        tracks = material.dataset.tracks
        groups = [material.audio_digests[track.id] for track in tracks]
        folds = stratified_folds([t.label for t in tracks], groups, sum(self.ratio), seed)
        parts = parts_by_ratio(folds, self.ratio)
        return self.whole_tracks(
            material, {track.id: part for track, part in zip(tracks, parts, strict=True)}
        )


@SPLITS.register("artist")
@dataclass(frozen=True)
class ArtistSplit(Splitter):
    """Whole artists at random; tracks of unknown artists are left out.

    Attributes:
        ratio: train, validation and test in whole numbers, such as 3:1:1.
    """

    ratio: Ratio

    def assign(self, material: Material, seed: int) -> Split:
        """Return the split.

        Raises:
            DataError: no artist is known.
        """
        artists = known_artists(material.dataset.tracks)
        if not artists:
            raise DataError(
                f"split=artist: the artists of dataset={material.dataset.name} are not known; "
                "give them (dataset=folder takes a column 'group') or choose split=track"
            )
        tracks = [track for track in material.dataset.tracks if track.id in artists]
        groups = [artists[track.id] for track in tracks]
        folds = stratified_folds([t.label for t in tracks], groups, sum(self.ratio), seed)
        parts = parts_by_ratio(folds, self.ratio)
        return self.whole_tracks(
            material, {track.id: part for track, part in zip(tracks, parts, strict=True)}
        )
