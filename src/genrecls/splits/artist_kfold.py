"""`artist_kfold`: cross-validation over artists, as even in genres and tracks as they allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from genrecls.datasets.base import Dataset
from genrecls.splits.allocate import allocate, allocate_evenly
from genrecls.splits.base import (
    SPLITS,
    Part,
    Split,
    SplitInput,
    Splitter,
    check_fold,
    require_artists,
    require_groups,
    with_copies,
)


@SPLITS.register("artist_kfold")
@dataclass(frozen=True)
class ArtistKFoldSplit(Splitter):
    """Cross-validation with artists apart; the validation part comes out of the training folds.

    Attributes:
        k: number of folds.
        fold: the fold that tests, 1 to k.
        validation: one in so many of the tracks of the other folds selects, whole artists only.
        unknown: a track of an unknown artist is left out (`leave_out`), or is an artist of its own
            (`own_artist`), whose other tracks may then be on another side.
    """

    k: Annotated[int, Field(ge=3)]
    fold: PositiveInt
    validation: Annotated[int, Field(ge=2)]
    unknown: Literal["leave_out", "own_artist"]

    def __post_init__(self) -> None:
        check_fold(self.fold, self.k)

    def require(self, dataset: Dataset) -> None:
        """Refuse data whose artists are not known, or too few of a genre."""
        artists = require_artists("split=artist_kfold", dataset)
        if self.unknown == "own_artist":
            artists = {t.id: artists.get(t.id, t.id) for t in dataset.tracks}
        require_groups("split=artist_kfold", dataset, artists, self.k)

    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the split; all folds of one seed together test every track once."""
        artists = require_artists("split=artist_kfold", data.dataset)
        unknown = [t.id for t in data.dataset.tracks if t.id not in artists]
        groups = {track: f"artist {artist}" for track, artist in artists.items()}
        if self.unknown == "own_artist":
            recordings = {track: f"recording {one}" for track, one in data.recordings.items()}
            groups = with_copies(groups, recordings)
        tracks = [t for t in data.dataset.tracks if t.id in groups]
        folds = allocate_evenly(
            [t.label for t in tracks], [groups[t.id] for t in tracks], self.k, seed
        )
        of_track = {t.id: int(fold) + 1 for t, fold in zip(tracks, folds, strict=True)}

        rest = [t for t in tracks if of_track[t.id] != self.fold]
        shares = (self.validation - 1, 1)
        selects = allocate([t.label for t in rest], [groups[t.id] for t in rest], shares, seed)
        parts: dict[str, Part] = {t.id: "test" for t in tracks}
        for track, number in zip(rest, selects, strict=True):
            parts[track.id] = "validation" if number else "train"
        split = self.whole_tracks(data, parts)
        if unknown and self.unknown == "own_artist":
            caveat = (
                f"the artists of {len(unknown)} of {len(data.dataset.tracks)} tracks are not known "
                "and count as one artist each, so one of them may be on several sides"
            )
            return Split(split.name, split.parts, frozenset(), caveat)
        return split
