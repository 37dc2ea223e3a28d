"""What is on which side of a split: genres, artists, and copies of one recording."""

from __future__ import annotations

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


def find_matches(scan: AudioScan, pairs: Sequence[Pair]) -> list[Match]:
    """Return what is known of the pairs, and the identical ones that have too few landmarks.

    Args:
        scan: the tracks that can be used.
        pairs: their numbers count the recordings of `scan`.
    """
    by_digest: dict[str, list[int]] = {}
    for number, recording in enumerate(scan.recordings.values()):
        by_digest.setdefault(recording.digest, []).append(number)
    identical = {pair for numbers in by_digest.values() for pair in combinations(numbers, 2)}
    seen = {(pair.first, pair.second) for pair in pairs}
    silent = [Pair(*numbers, 0, 1.0, 0.0) for numbers in sorted(identical - seen)]
    matches = []
    for pair in sorted([*pairs, *silent], key=lambda pair: -pair.share):
        first, second = (scan.dataset.tracks[number] for number in (pair.first, pair.second))
        same = (pair.first, pair.second) in identical
        kind = "identical" if same else "copy" if pair.share >= COPY else "part"
        labels = first.label, second.label
        matches.append(
            Match(first.id, second.id, kind, pair.share, pair.shared, pair.offset, labels)
        )
    return matches


@dataclass(frozen=True)
class Size:
    """Tracks and segments of a genre in a part."""

    tracks: int
    segments: int


@dataclass(frozen=True)
class Overlap:
    """What is where in one split, and what is in more than one part.

    Attributes:
        sizes: by part and genre.
        divided_tracks: tracks with segments in more than one part.
        artists: known artists in more than one part, each with its parts.
        unknown: tracks in the split whose artist is not known.
        unused: tracks in no part.
        copies: copies of one recording, identical ones included, in more than one part.
    """

    sizes: Mapping[Part, Mapping[str, Size]]
    divided_tracks: int
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


def overlap_of(scan: AudioScan, split: Split, matches: Sequence[Match]) -> Overlap:
    """Return what is where in a split of the scanned tracks."""
    labels = {track.id: track.label for track in scan.dataset.tracks}
    sizes: dict[Part, dict[str, Size]] = {}
    for part in PARTS:
        sizes[part] = dict.fromkeys(scan.dataset.labels, Size(0, 0))
        for track, indices in split.parts[part].items():
            before = sizes[part][labels[track]]
            sizes[part][labels[track]] = Size(before.tracks + 1, before.segments + len(indices))
    places = {
        track: {part for part in PARTS if track in split.parts[part]} for track in scan.recordings
    }

    def apart(match: Match) -> bool:
        # A track in no part is on no side.
        first, second = places[match.first], places[match.second]
        return bool(first and second) and len(first | second) > 1

    leaks = find_leaks(split, scan.split_input)
    artists = known_artists(scan.dataset.tracks)
    return Overlap(
        sizes=sizes,
        divided_tracks=sum(leak.kind == "track" for leak in leaks),
        artists={leak.name: leak.parts for leak in leaks if leak.kind == "artist"},
        unknown=sum(bool(parts) and track not in artists for track, parts in places.items()),
        unused=sum(not parts for parts in places.values()),
        copies=tuple(match for match in matches if match.copies and apart(match)),
    )
