"""What stands on which side of a split: genres, artists, and copies of one recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from genrecls.split_audit.near_duplicates import COPY, Pair
from genrecls.split_audit.scan import AudioScan
from genrecls.splits.base import PARTS, Part, Split, known_artists
from genrecls.splits.leakage import find_leaks


@dataclass(frozen=True)
class Match:
    """Two tracks with something in common.

    Attributes:
        kind: `identical` sample by sample, a `copy` by its landmarks, or a `part`: a sample, a
            loop, the same notes at the same times.
        share: of the landmarks of the recording that has fewer.
        shared: landmarks that agree.
        offset: seconds by which the same moment comes later in the second.
        labels: genre of each.
    """

    first: str
    second: str
    kind: str
    share: float
    shared: int
    offset: float
    labels: tuple[str, str]

    @property
    def copies(self) -> bool:
        """Whether both are one recording."""
        return self.kind != "part"

    @property
    def contradictory(self) -> bool:
        """Whether one recording has two genres."""
        return self.copies and self.labels[0] != self.labels[1]


def matches(heard: AudioScan, pairs: Sequence[Pair]) -> list[Match]:
    """Return what is known of the pairs, and the identical ones that have too few landmarks.

    Args:
        heard: the tracks that can be used.
        pairs: their numbers count the recordings of `heard`.
    """
    equal = _identical(heard)
    seen = {(pair.first, pair.second) for pair in pairs}
    silent = [Pair(*numbers, 0, 1.0, 0.0) for numbers in sorted(equal - seen)]
    return [
        _match(heard, pair, identical=(pair.first, pair.second) in equal)
        for pair in sorted([*pairs, *silent], key=lambda pair: -pair.share)
    ]


def _identical(heard: AudioScan) -> set[tuple[int, int]]:
    """Return the numbers of recordings that are equal sample by sample."""
    same: dict[str, list[int]] = {}
    for number, recording in enumerate(heard.recordings.values()):
        same.setdefault(recording.digest, []).append(number)
    return {pair for numbers in same.values() for pair in combinations(numbers, 2)}


def _match(heard: AudioScan, pair: Pair, *, identical: bool) -> Match:
    first, second = (heard.dataset.tracks[number] for number in (pair.first, pair.second))
    kind = "identical" if identical else "copy" if pair.share >= COPY else "part"
    return Match(
        first=first.id,
        second=second.id,
        kind=kind,
        share=pair.share,
        shared=pair.shared,
        offset=pair.offset,
        labels=(first.label, second.label),
    )


@dataclass(frozen=True)
class Size:
    """Tracks and segments of a genre in a part."""

    tracks: int
    segments: int


@dataclass(frozen=True)
class Standing:
    """Who and what stands where in one split.

    Attributes:
        sizes: by part and genre.
        torn: tracks with segments in more than one part.
        artists: known artists in more than one part, each with its parts.
        unknown: tracks in the split whose artist is not known.
        unused: tracks in no part.
        copies: copies of one recording, identical ones included, in more than one part.
    """

    sizes: Mapping[Part, Mapping[str, Size]]
    torn: int
    artists: Mapping[str, tuple[Part, ...]]
    unknown: int
    unused: int
    copies: tuple[Match, ...]

    @property
    def identical(self) -> int:
        """Number of pairs in more than one part that are equal sample by sample."""
        return sum(match.kind == "identical" for match in self.copies)

    @property
    def untested(self) -> list[str]:
        """Genres of which the test part has nothing."""
        return [label for label, size in self.sizes["test"].items() if not size.tracks]

    def total(self, part: Part) -> Size:
        """Return the size of a whole part."""
        sizes = self.sizes[part].values()
        return Size(sum(size.tracks for size in sizes), sum(size.segments for size in sizes))


def standing(heard: AudioScan, split: Split, found: Sequence[Match]) -> Standing:
    """Return who and what stands where."""
    leaks = find_leaks(split, heard.material)
    places = {
        track: {part for part in PARTS if track in split.parts[part]} for track in heard.recordings
    }
    artists = known_artists(heard.dataset.tracks)
    return Standing(
        sizes={part: _sizes(heard, split, part) for part in PARTS},
        torn=sum(leak.kind == "track" for leak in leaks),
        artists={leak.name: leak.parts for leak in leaks if leak.kind == "artist"},
        unknown=sum(bool(parts) and track not in artists for track, parts in places.items()),
        unused=sum(not parts for parts in places.values()),
        copies=tuple(match for match in found if match.copies and _crosses(match, places)),
    )


def _sizes(heard: AudioScan, split: Split, part: Part) -> dict[str, Size]:
    tracks: Counter[str] = Counter()
    segments: Counter[str] = Counter()
    labels = {track.id: track.label for track in heard.dataset.tracks}
    for track, indices in split.parts[part].items():
        tracks[labels[track]] += 1
        segments[labels[track]] += len(indices)
    return {label: Size(tracks[label], segments[label]) for label in heard.dataset.labels}


def _crosses(match: Match, places: Mapping[str, set[Part]]) -> bool:
    """Whether the two stand in different parts; a track in no part stands nowhere."""
    first, second = places[match.first], places[match.second]
    return bool(first and second) and len(first | second) > 1
