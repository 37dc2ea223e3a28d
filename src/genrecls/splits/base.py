"""What a split is and what it needs to know of the data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from genrecls.config.ranges import Seed
from genrecls.config.schema import Registry, Schema
from genrecls.datasets.base import Dataset, DatasetSource, Track
from genrecls.errors import ConfigError, DataError
from genrecls.runtime.marks import is_leaky

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
EvaluatedPart = Literal["validation", "test"]
EVALUATED_PARTS: tuple[EvaluatedPart, ...] = ("validation", "test")
"""The parts that a trained model is scored on."""
LeakKind = Literal["track", "artist", "audio"]
Ratio = tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]


@dataclass(frozen=True)
class SplitInput:
    """What there is to split, after rejected files are gone.

    Attributes:
        segment_counts: segments of each track.
        audio_digests: digest of the decoded samples of each track; equal digests are the same
            recording, whatever the files are called.
    """

    dataset: Dataset
    segment_counts: Mapping[str, int]
    audio_digests: Mapping[str, str]

    @property
    def recordings(self) -> dict[str, str]:
        """The recording of each track id, named by the first of the track ids that share it.

        A split must not hang on the samples themselves: they differ between decoders and sample
        rates.
        """
        first: dict[str, str] = {}
        for track in sorted(self.audio_digests):
            first.setdefault(self.audio_digests[track], track)
        return {track: first[digest] for track, digest in self.audio_digests.items()}


@dataclass(frozen=True)
class Split:
    """Three disjoint sets of segments.

    Attributes:
        parts: for each part the track ids in it, each with the indices of its segments.
        leaks: what is declared to be on more than one side: `track`, `artist`, `audio`.
        caveat: what a reader of a score made with this split must know; may be empty.
    """

    name: str
    parts: Mapping[Part, Mapping[str, NDArray[np.int64]]]
    leaks: frozenset[LeakKind]
    caveat: str

    @property
    def leaky(self) -> bool:
        """Whether pieces of one track train and test, which makes a score worthless."""
        return is_leaky(self.leaks)


def check_fold(fold: int, k: int) -> None:
    """Refuse a fold that is none of k.

    Raises:
        ValueError: one line for `split.fold`.
    """
    if fold > k:
        raise ValueError(f"fold: received {fold}; allowed: 1 to {k} (split.k)")


@dataclass(frozen=True)
class Splitter(Schema, ABC):
    """The configuration of a split, which can make it.

    Attributes:
        name: registered name.
        seed: decides which tracks go where; None is the seed of the run.
    """

    name: str
    # It came later: runs from before have no value for it.
    seed: Seed | None = field(default=None, kw_only=True)

    leaks: ClassVar[frozenset[LeakKind]] = frozenset()
    caveat: ClassVar[str] = ""
    published: ClassVar[str | None] = None
    """Name of the partition of the data set that this split needs, if any."""

    @property
    def leaky(self) -> bool:
        """Whether pieces of one track train and test."""
        return is_leaky(self.leaks)

    def check(self, source: DatasetSource) -> None:
        """Refuse a data set that cannot have this split, before any audio is read.

        Raises:
            ConfigError: names the data sets' own splits.
        """
        if self.published and self.published not in source.offers:
            own = ", ".join(source.offers) or "none of its own"
            raise ConfigError(
                f"split={self.name}: dataset={source.title} has no published partition "
                f"'{self.published}'; it has {own}; split=track works for any data set"
            )

    def require(self, dataset: Dataset) -> None:
        """Refuse data that cannot have this split, before any audio is read.

        Raises:
            DataError: this copy of the data set lacks the published partition, or the artists.
        """
        if self.published and not dataset.partitions.get(self.published):
            raise DataError(
                f"split={self.name}: this copy of {dataset.name} names no parts; give a CSV with a "
                "column 'split', or choose split=track"
            )

    def for_run(self, data: SplitInput, run_seed: int) -> Split:
        """Return the split of a run: by its own seed where it has one, else by that of the run."""
        return self.assign(data, run_seed if self.seed is None else self.seed)

    @abstractmethod
    def assign(self, data: SplitInput, seed: int) -> Split:
        """Return the split; the same data and seed give the same split."""

    def whole_tracks(self, data: SplitInput, parts: Mapping[str, Part]) -> Split:
        """Return a split of whole tracks from a part for each track id; others are left out."""
        import numpy as np

        chosen: dict[Part, dict[str, NDArray[np.int64]]] = {part: {} for part in PARTS}
        for track in data.dataset.tracks:
            if track.id in parts:
                count = data.segment_counts[track.id]
                chosen[parts[track.id]][track.id] = np.arange(count)
        for part in PARTS:
            if not chosen[part]:
                raise DataError(
                    f"split={self.name}: no track for the {part} part among the "
                    f"{len(data.dataset.tracks)} of {data.dataset.name}; "
                    "add data or choose another split"
                )
        return Split(self.name, chosen, self.leaks, self.caveat)


def with_copies(groups: Mapping[str, str], recordings: Mapping[str, str]) -> dict[str, str]:
    """Return the group of each track, that of a copy where it has none of its own.

    Copies of one recording are of one artist, whoever that is: where no copy has a group, it is
    the recording.

    Args:
        groups: of some of the tracks.
        recordings: of each track id.
    """
    of_recording = {recordings[track]: group for track, group in groups.items()}
    return {
        track: groups.get(track, of_recording.get(recording, recording))
        for track, recording in recordings.items()
    }


def require_artists(split: str, dataset: Dataset) -> dict[str, str]:
    """Return the artist of each track id for which it is known.

    Raises:
        DataError: none is known.
    """
    artists = known_artists(dataset.tracks)
    if not artists:
        raise DataError(
            f"{split}: the artists of dataset={dataset.name} are not known; give them "
            "(dataset=folder: dataset.artists=tags or folders, or a column 'group' of the CSV) or "
            "choose split=track"
        )
    return artists


def require_groups(split: str, dataset: Dataset, groups: Mapping[str, str], needed: int) -> None:
    """Refuse genres that are too small for a split, all at once and before any audio is read.

    Args:
        split: name of the split.
        dataset: what is to be split.
        groups: what must stay together, of each track id that the split uses.
        needed: how many groups of each genre the split deals out.

    Raises:
        DataError: names every genre that has fewer.
    """
    found: dict[str, set[str]] = {label: set() for label in dataset.labels}
    for track in dataset.tracks:
        if track.id in groups:
            found[track.label].add(groups[track.id])
    small = [f"{label} ({len(some)})" for label, some in found.items() if len(some) < needed]
    if small:
        raise DataError(
            f"{split}: genres with fewer than {needed} track(s) or groups that can be told apart: "
            f"{', '.join(small)}; add some, choose another split or leave the genres out "
            f"(dataset=folder: dataset.min_tracks={needed} or dataset.exclude=[<genre>])"
        )


def known_artists(tracks: tuple[Track, ...]) -> dict[str, str]:
    """Return the artist of each track id for which it is known."""
    return {track.id: track.artist for track in tracks if track.artist is not None}


SPLITS: Registry[Splitter] = Registry("split", "genrecls.splits")
