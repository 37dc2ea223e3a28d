"""`track` and `artist`: random splits of whole tracks, stratified by genre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from genrecls.datasets.base import Dataset
from genrecls.splits.allocate import deal
from genrecls.splits.base import (
    PARTS,
    SPLITS,
    LeakKind,
    Material,
    Part,
    Ratio,
    Split,
    Splitter,
    require_artists,
)

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
        return self.whole_tracks(material, _dealt(material, material.recordings, self.ratio, seed))


@SPLITS.register("artist")
@dataclass(frozen=True)
class ArtistSplit(Splitter):
    """Whole artists at random; tracks of unknown artists are left out.

    Attributes:
        ratio: train, validation and test in whole numbers, such as 3:1:1.
    """

    ratio: Ratio

    def require(self, dataset: Dataset) -> None:
        """Refuse data whose artists are not known."""
        require_artists("split=artist", dataset)

    def assign(self, material: Material, seed: int) -> Split:
        """Return the split.

        Raises:
            DataError: no artist is known.
        """
        artists = require_artists("split=artist", material.dataset)
        return self.whole_tracks(material, _dealt(material, artists, self.ratio, seed))


def _dealt(
    material: Material, groups: Mapping[str, str], ratio: Ratio, seed: int
) -> dict[str, Part]:
    """Return the part of each track that has a group; tracks of a group share it."""
    tracks = [track for track in material.dataset.tracks if track.id in groups]
    hands = deal([t.label for t in tracks], [groups[t.id] for t in tracks], ratio, seed)
    return {t.id: PARTS[hand] for t, hand in zip(tracks, hands, strict=True)}
