"""`track` and `artist`: random splits of whole tracks, stratified by genre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from genrecls.splits.base import (
    PARTS,
    SPLITS,
    LeakKind,
    Material,
    Ratio,
    Split,
    Splitter,
    require_artists,
)
from genrecls.splits.dealing import deal

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
        hands = deal([t.label for t in tracks], groups, self.ratio, seed)
        parts = {t.id: PARTS[hand] for t, hand in zip(tracks, hands, strict=True)}
        return self.whole_tracks(material, parts)


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
        artists = require_artists("split=artist", material.dataset)
        tracks = [track for track in material.dataset.tracks if track.id in artists]
        groups = [artists[track.id] for track in tracks]
        hands = deal([t.label for t in tracks], groups, self.ratio, seed)
        parts = {t.id: PARTS[hand] for t, hand in zip(tracks, hands, strict=True)}
        return self.whole_tracks(material, parts)
