"""`segment`: random segments, as many publications did; pieces of one track train and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genrecls.splits.allocate import deal
from genrecls.splits.base import PARTS, SPLITS, LeakKind, Material, Part, Ratio, Split, Splitter


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

    def assign(self, material: Material, seed: int) -> Split:
        """Return the split of single segments."""
        tracks = material.dataset.tracks
        pieces = [(t, i) for t in tracks for i in range(material.segment_counts[t.id])]
        names = [f"{track.id}#{index}" for track, index in pieces]
        hands = deal([t.label for t, _ in pieces], names, self.ratio, seed)
        chosen: dict[Part, dict[str, list[int]]] = {part: {} for part in PARTS}
        for (track, index), hand in zip(pieces, hands, strict=True):
            chosen[PARTS[hand]].setdefault(track.id, []).append(index)
        parts = {part: _as_arrays(indices) for part, indices in chosen.items()}
        return Split(self.name, parts, self.leaks, self.caveat)


def _as_arrays(indices: dict[str, list[int]]) -> dict[str, NDArray[np.int64]]:
    return {track: np.array(numbers, dtype=np.int64) for track, numbers in indices.items()}
