"""`kfold`: one of k stratified folds tests, the next one selects, the others train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from genrecls.datasets.base import Dataset
from genrecls.splits.allocate import allocate
from genrecls.splits.base import (
    SPLITS,
    LeakKind,
    Part,
    Split,
    SplitInput,
    Splitter,
    check_fold,
    require_artists,
    require_groups,
)
from genrecls.splits.random import ARTISTS_SHARED


@SPLITS.register("kfold")
@dataclass(frozen=True)
class KFoldSplit(Splitter):
    """Cross-validation over whole tracks or whole artists.

    Attributes:
        k: number of folds.
        fold: the fold that tests, 1 to k.
        group: what is kept whole; with `artist`, tracks of unknown artists are left out.
    """

    k: Annotated[int, Field(ge=3)]
    fold: PositiveInt
    group: Literal["track", "artist"]

    leaks: ClassVar[frozenset[LeakKind]] = frozenset({"artist"})

    def __post_init__(self) -> None:
        check_fold(self.fold, self.k)

    def require(self, dataset: Dataset) -> None:
        """Refuse data with a genre of fewer tracks than folds, or artists that are not known."""
        groups = {track.id: track.id for track in dataset.tracks}
        if self.group == "artist":
            groups = require_artists("split.group=artist", dataset)
        require_groups(f"split.k={self.k}", dataset, groups, self.k)

    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the split; all folds of one seed together test every track once."""
        by_artist = self.group == "artist"
        artists = require_artists("split.group=artist", data.dataset) if by_artist else {}
        tracks = [t for t in data.dataset.tracks if not by_artist or t.id in artists]
        groups = artists if by_artist else data.recordings
        folds = allocate(
            [t.label for t in tracks], [groups[t.id] for t in tracks], [1] * self.k, seed
        )
        # Counted on from the fold that tests: the next one selects, the others train.
        roles: dict[int, Part] = {0: "test", 1: "validation"}
        parts = {
            t.id: roles.get((int(fold) - (self.fold - 1)) % self.k, "train")
            for t, fold in zip(tracks, folds, strict=True)
        }
        split = self.whole_tracks(data, parts)
        if by_artist:
            return Split(split.name, split.parts, frozenset(), "")
        return Split(split.name, split.parts, self.leaks, ARTISTS_SHARED)
