"""`track`, `artist` and `segment`: random splits, stratified by genre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from genrecls.datasets.base import Dataset
from genrecls.splits.base import (
    PARTS,
    SPLITS,
    LeakKind,
    Part,
    Ratio,
    Split,
    SplitInput,
    Splitter,
    require_artists,
    require_groups,
)

ARTISTS_SHARED = (
    "the same artists are on several sides, which flatters the score; split=artist keeps them apart"
)


def assign_groups(
    data: SplitInput, groups: Mapping[str, str], ratio: Ratio, seed: int
) -> dict[str, Part]:
    """Return the part of each track that has a group; tracks of a group share it."""
    from genrecls.splits.allocate import allocate

    tracks = [track for track in data.dataset.tracks if track.id in groups]
    numbers = allocate([t.label for t in tracks], [groups[t.id] for t in tracks], ratio, seed)
    return {track.id: PARTS[number] for track, number in zip(tracks, numbers, strict=True)}


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

    def require(self, dataset: Dataset) -> None:
        """Refuse data with a genre of fewer tracks than there are parts."""
        require_groups("split=track", dataset, {t.id: t.id for t in dataset.tracks}, len(PARTS))

    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the split; tracks with the same samples count as one group."""
        return self.whole_tracks(data, assign_groups(data, data.recordings, self.ratio, seed))


@SPLITS.register("artist")
@dataclass(frozen=True)
class ArtistSplit(Splitter):
    """Whole artists at random; tracks of unknown artists are left out.

    Attributes:
        ratio: train, validation and test in whole numbers, such as 3:1:1.
    """

    ratio: Ratio

    def require(self, dataset: Dataset) -> None:
        """Refuse data whose artists are not known, or too few of a genre."""
        artists = require_artists("split=artist", dataset)
        require_groups("split=artist", dataset, artists, len(PARTS))

    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the split.

        Raises:
            DataError: no artist is known.
        """
        artists = require_artists("split=artist", data.dataset)
        return self.whole_tracks(data, assign_groups(data, artists, self.ratio, seed))


@SPLITS.register("segment")
@dataclass(frozen=True)
class SegmentSplit(Splitter):
    """Segments at random, stratified by genre. Leaky: for comparison with such publications only.

    Attributes:
        ratio: train, validation and test in whole numbers, such as 3:1:1.
    """

    ratio: Ratio

    leaks: ClassVar[frozenset[LeakKind]] = frozenset({"track", "artist", "audio"})
    caveat: ClassVar[str] = (
        "LEAKY: segments of one track are in train and test, so the score says little about "
        "unknown music; split=track or split=artist is honest"
    )

    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the split of single segments."""
        import numpy as np

        from genrecls.splits.allocate import allocate

        tracks = data.dataset.tracks
        segments = [(t, i) for t in tracks for i in range(data.segment_counts[t.id])]
        names = [f"{track.id}#{index}" for track, index in segments]
        numbers = allocate([track.label for track, _ in segments], names, self.ratio, seed)
        chosen: dict[Part, dict[str, list[int]]] = {part: {} for part in PARTS}
        for (track, index), number in zip(segments, numbers, strict=True):
            chosen[PARTS[number]].setdefault(track.id, []).append(index)
        parts = {
            part: {track: np.array(indices, np.int64) for track, indices in of_part.items()}
            for part, of_part in chosen.items()
        }
        return Split(self.name, parts, self.leaks, self.caveat)
