"""`fault_filtered`, `artist_folds` and `official`: partitions that others published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from genrecls.datasets.base import Dataset
from genrecls.errors import DataError
from genrecls.splits.allocate import allocate
from genrecls.splits.base import (
    PARTS,
    SPLITS,
    LeakKind,
    Part,
    Split,
    SplitInput,
    Splitter,
    known_artists,
    require_groups,
    with_copies,
)


@SPLITS.register("fault_filtered")
@dataclass(frozen=True)
class FaultFilteredSplit(Splitter):
    """GTZAN without its known faults: 443/197/290 tracks (Kereliuk, Sturm & Larsen 2015)."""

    published: ClassVar[str | None] = "fault_filtered"
    leaks: ClassVar[frozenset[LeakKind]] = frozenset({"artist"})
    caveat: ClassVar[str] = (
        "one disco artist has tracks in both train and test of the published partition"
    )

    def __post_init__(self) -> None:
        if self.seed is not None:
            raise ValueError(
                f"seed: received {self.seed}; allowed: null, for the publication says where each "
                "track is; 'seed' varies the training"
            )

    def assign(self, data: SplitInput, seed: int) -> Split:  # noqa: ARG002
        """Return the published partition of the tracks that are there."""
        self.require(data.dataset)
        return self.whole_tracks(data, _parts(data, "fault_filtered"))


@SPLITS.register("official")
@dataclass(frozen=True)
class OfficialSplit(Splitter):
    """The partition that comes with the data set itself.

    Where it has a train and a test part alone, a quarter of the train part is taken to validate:
    whole artists where they are known, so that nothing of the test part is needed for selection.
    """

    published: ClassVar[str | None] = "official"

    def require(self, dataset: Dataset) -> None:
        """Refuse data without parts, or with a genre that the train part lacks."""
        super().require(dataset)
        official = dataset.partitions["official"]
        groups = known_artists(dataset.tracks)
        train = {
            t.id: groups.get(t.id, t.id) for t in dataset.tracks if official.get(t.id) == "train"
        }
        if self.seed is not None and "validation" in official.values():
            raise DataError(
                f"split.seed: received {self.seed}, but {dataset.name} says where each track is, "
                "and nothing is drawn; leave it out: 'seed' varies the training"
            )
        needed = 1 if "validation" in official.values() else 2
        require_groups("split=official: the train part", dataset, train, needed)
        if not any(official.get(t.id) == "test" for t in dataset.tracks):
            raise DataError(
                f"split=official: {dataset.name} names no track for the test part; name some, or "
                "choose another split"
            )

    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the partition of the data set.

        Raises:
            DataError: this copy of the data set has none.
        """
        super().require(data.dataset)
        parts = _parts(data, "official")
        if "validation" not in parts.values():
            artists = known_artists(data.dataset.tracks)
            train = [t for t in data.dataset.tracks if parts.get(t.id) == "train"]
            known = {t.id: artists[t.id] for t in train if t.id in artists}
            groups = with_copies(known, {t.id: data.recordings[t.id] for t in train})
            numbers = allocate(
                [t.label for t in train], [groups[t.id] for t in train], (3, 1), seed
            )
            parts |= {t.id: PARTS[number] for t, number in zip(train, numbers, strict=True)}
        return self.whole_tracks(data, parts)


@SPLITS.register("artist_folds")
@dataclass(frozen=True)
class ArtistFoldsSplit(Splitter):
    """GTZAN in three artist-filtered folds (Foleiss, after Sturm), 948 tracks.

    One fold tests. The publication names no validation part: a quarter of the two other folds is
    taken, whole artists only, so that nothing of the test fold is needed for selection.

    Attributes:
        fold: the fold that tests.
    """

    fold: Annotated[int, Field(ge=1, le=3)]

    published: ClassVar[str | None] = "artist_folds"

    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the split of the tracks that are in the publication."""
        published = data.dataset.partitions["artist_folds"]
        artists = known_artists(data.dataset.tracks)
        tracks = [t for t in data.dataset.tracks if t.id in published]
        rest = [t for t in tracks if published[t.id] != str(self.fold)]
        numbers = allocate([t.label for t in rest], [artists[t.id] for t in rest], (3, 1), seed)
        parts: dict[str, Part] = {t.id: "test" for t in tracks}
        for track, number in zip(rest, numbers, strict=True):
            parts[track.id] = PARTS[number]
        return self.whole_tracks(data, parts)


def _parts(data: SplitInput, partition: str) -> dict[str, Part]:
    published = data.dataset.partitions[partition]
    return {track: part for track, part in published.items() if part in PARTS}
