"""Features of a whole data set, computed on all cores or read from the cache."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from genrecls.datasets.base import Dataset, Track
from genrecls.dsp.audio import AudioLimits, AudioRejected
from genrecls.environment import cores
from genrecls.errors import DataError
from genrecls.features.audio_augmentation import DistortedCopy
from genrecls.features.base import FeatureSpec, Samples
from genrecls.features.cache import FeatureCache, TrackFeatures
from genrecls.features.segmentation import SegmentRule, Segments
from genrecls.files.hashing import INDEX, FileDigests, digests_of
from genrecls.parallel import Backend, in_processes, in_threads


@dataclass(frozen=True)
class Rejection:
    """A track that gave no features.

    Attributes:
        track: id of the track.
        code: a reason of `genrecls.dsp.audio`.
        detail: one line on this very file.
    """

    track: str
    path: Path
    code: str
    detail: str


@dataclass(frozen=True)
class Extractor:
    """From one track to its features; used by many threads and processes at once.

    Attributes:
        cache: where features are looked for and kept; None computes always.
        copy: the distorted copy to make of each track; None leaves them as they are.
    """

    spec: FeatureSpec
    rule: SegmentRule
    limits: AudioLimits
    digests: FileDigests
    cache: FeatureCache | None
    copy: DistortedCopy | None = None

    def features(self, track: Track) -> tuple[TrackFeatures | Rejection, bool]:
        """Return the features of `track`, or why there are none, and whether they were cached."""
        digest = self._digest(track)
        try:
            if digest and (cached := self.kept(track, digest)):
                return cached, True
            return self._completed(track, self._compute(track, digest)), False
        except AudioRejected as reason:
            return Rejection(track.id, track.path, reason.code, reason.detail), False

    def cached(self, track: Track) -> TrackFeatures | None:
        """Return what the cache has of a track as its file is now, if it has it.

        Raises:
            AudioRejected: an input that the track has once is not there.
        """
        digest = self._digest(track)
        return self.kept(track, digest) if digest else None

    def kept(self, track: Track, digest: str) -> TrackFeatures | None:
        """Return what the cache has of a track whose file had this digest, if it has it."""
        found = self.cache.load(digest) if self.cache else None
        return self._completed(track, found) if found else None

    def _digest(self, track: Track) -> str | None:
        try:
            return self.digests.of(track.path)
        except OSError:
            # Reading it as audio says with a code what is wrong with the file.
            return None

    def _completed(self, track: Track, found: TrackFeatures) -> TrackFeatures:
        """Return the features with the inputs that a track has once, repeated for each segment."""
        segments, once = found.segments, self.spec.companions(track)
        if not once:
            return found
        whole = {name: np.stack([value] * len(segments)) for name, value in once.items()}
        return replace(found, segments=replace(segments, inputs={**segments.inputs, **whole}))

    def _compute(self, track: Track, digest: str | None) -> TrackFeatures:
        path = track.path
        samples = self.spec.read(track, self.limits)
        if digest is None:
            raise AudioRejected(path, "unreadable", "it appeared or changed while it was read")
        segments = self._segments(samples, digest)
        seconds = len(samples) / self.spec.rate
        if not len(segments):
            needed = self.rule.length * self.rule.min_fill
            raise AudioRejected(
                path, "short", f"expected {needed:.3f} s for one segment, found {seconds:.3f} s"
            )
        features = TrackFeatures(segments, seconds, _audio_digest(samples), digest)
        # A file that was replaced after its digest was taken must not be kept under that digest.
        if self.cache and digest == self.digests.of(path):
            self.cache.store(features)
        return features

    def _segments(self, samples: Samples, digest: str) -> Segments:
        if self.copy is None:
            return self.rule.apply(samples, self.spec)
        change = partial(self.copy.apply, rate=self.spec.rate, file_digest=digest)
        return self.rule.distorted(samples, self.spec, change)


def _audio_digest(samples: Samples) -> str:
    return hashlib.sha256(np.ascontiguousarray(samples).data).hexdigest()


@dataclass(frozen=True)
class Outline:
    """What is known of the features of a track without holding them.

    Attributes:
        segments: number of its segments.
        seconds: length of the whole track.
        audio_digest: SHA-256 of the mono samples.
        file_digest: SHA-256 of the file.
    """

    segments: int
    seconds: float
    audio_digest: str
    file_digest: str


@dataclass(frozen=True, eq=False)
class Extraction:
    """Features of the tracks of a data set, in its order.

    Attributes:
        outlines: of the tracks that have at least one segment.
        tracks: features by track id, each read from the cache when it is asked for: those of a
            large data set together need not fit into memory.
        rejected: tracks that gave none.
        hits: tracks that were read from the cache.
        damaged: entries of the cache that had to be computed again.
    """

    outlines: Mapping[str, Outline]
    tracks: Mapping[str, TrackFeatures]
    rejected: tuple[Rejection, ...]
    hits: int
    damaged: int

    @property
    def computed(self) -> int:
        """Number of tracks that were decoded and transformed."""
        return len(self.outlines) - self.hits


class _Stored(Mapping[str, TrackFeatures]):
    """Features that come back from the cache, or are computed anew where it has lost them."""

    def __init__(
        self, extractor: Extractor, tracks: Mapping[str, Track], outlines: Mapping[str, Outline]
    ) -> None:
        self._extractor = extractor
        self._tracks = tracks
        self._outlines = outlines

    def __getitem__(self, name: str) -> TrackFeatures:
        track, digest = self._tracks[name], self._outlines[name].file_digest
        found = self._extractor.kept(track, digest) or self._extractor.features(track)[0]
        if isinstance(found, Rejection) or found.file_digest != digest:
            raise DataError(
                f"{track.path}: it is not what it was a moment ago; expected nobody to change the "
                "files during a run; run the same command again when they are done"
            )
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._outlines)

    def __len__(self) -> int:
        return len(self._outlines)


def extract(
    dataset: Dataset,
    spec: FeatureSpec,
    rule: SegmentRule,
    cache_root: Path | None,
    copy: DistortedCopy | None = None,
    backend: Backend = "threads",
) -> Extraction:
    """Compute the features of all tracks of `dataset`, or find them in the cache.

    Bad audio never stops it: such tracks are in `rejected`, and the caller decides. After Ctrl-C
    the next call goes on from there: what is finished is in the cache.

    Args:
        dataset: tracks, and the limits of what counts as sound audio.
        spec: how a segment is transformed.
        rule: how a track is cut.
        cache_root: folder of the cache, see `genrecls.features.cache.cache_root`; None neither
            reads nor keeps anything, and holds all features in memory. What was published
            ready-made is read anew each time, too.
        copy: the distorted copy to make of each track instead of taking it as it is.
        backend: what computes them, see `genrecls.parallel`; the values are the same.

    Raises:
        DataError: the cache cannot be written, or a process elsewhere failed.
    """
    kept = cache_root if "audio" in spec.media else None
    cache = FeatureCache(kept, spec, rule, dataset.limits, copy) if kept else None
    if cache:
        cache.mark_used()
    digests = FileDigests(cache_root / INDEX if cache_root else None)
    extractor = Extractor(spec, rule, dataset.limits, digests, cache, copy)
    what = f"copy {copy.number + 1} of {spec.name}" if copy else spec.name
    try:
        found = _outcomes(extractor, dataset.tracks, what, backend)
    finally:
        digests.save()
    ordered = _by_id(dataset.tracks, found)
    outlines = {name: o.outline for name, o in ordered.items() if isinstance(o.outline, Outline)}
    by_id = {track.id: track for track in dataset.tracks}
    held = {name: o.features for name, o in ordered.items() if o.features is not None}
    return Extraction(
        outlines=outlines,
        tracks=_Stored(extractor, by_id, outlines) if cache else held,
        rejected=tuple(o.outline for o in ordered.values() if isinstance(o.outline, Rejection)),
        hits=sum(o.hit for o in ordered.values()),
        damaged=cache.damaged if cache else 0,
    )


@dataclass(frozen=True, eq=False)
class _Outcome:
    """What came of one track.

    Attributes:
        outline: what it has, or why it has nothing.
        hit: whether it came from the cache.
        features: the features themselves where no cache holds them.
    """

    outline: Outline | Rejection
    hit: bool
    features: TrackFeatures | None


def _outcomes(
    extractor: Extractor, tracks: Sequence[Track], what: str, backend: Backend
) -> list[_Outcome]:
    """Return what came of each track."""
    work, title = partial(_outcome, extractor), f"Features {what}"
    if backend == "threads":
        return in_threads(work, tracks, title)
    # What the cache has is not worth sending, nor any process worth starting.
    known = in_threads(partial(_cached, extractor), tracks, f"Looking up {what}")
    found = {track.id: outcome for track, outcome in zip(tracks, known, strict=True) if outcome}
    left = [track for track in tracks if track.id not in found]
    if left:
        key = extractor.cache.key if extractor.cache else None
        there = partial(_outcome_there, extractor, key)
        found |= _by_id(left, in_processes(there, left, title, backend))
    # Perhaps a file cannot be read only there: this machine has the last word.
    bad = [track for track in left if isinstance(found[track.id].outline, Rejection)]
    if bad:
        found |= _by_id(bad, in_threads(work, bad, f"{title} here"))
    return [found[track.id] for track in tracks]


def _by_id(tracks: Sequence[Track], outcomes: Sequence[_Outcome]) -> dict[str, _Outcome]:
    return {track.id: outcome for track, outcome in zip(tracks, outcomes, strict=True)}


def _cached(extractor: Extractor, track: Track) -> _Outcome | None:
    """Return what the cache has of a track; None where it has nothing."""
    try:
        found = extractor.cached(track)
    except AudioRejected:
        return None
    return _Outcome(_outline(found), hit=True, features=None) if found else None


def _outcome_there(extractor: Extractor, key: str | None, track: Track) -> _Outcome:
    """Return what came of a track in another process, which may be on another machine.

    Raises:
        DataError: it would make other features than the process that asked it to.
    """
    if extractor.cache and extractor.cache.key != key:
        raise DataError(
            f"{platform.node()}: features made there are not those made here; expected the same "
            "versions of genrecls and its libraries on all machines; install them, or choose "
            "backend=threads"
        )
    return _outcome(extractor, track)


def _outcome(extractor: Extractor, track: Track) -> _Outcome:
    found, hit = extractor.features(track)
    if isinstance(found, Rejection):
        return _Outcome(found, hit, None)
    return _Outcome(_outline(found), hit, None if extractor.cache else found)


def _outline(found: TrackFeatures) -> Outline:
    return Outline(len(found.segments), found.seconds, found.audio_digest, found.file_digest)


def fingerprint(dataset: Dataset, cache_root: Path | None) -> str:
    """Return a digest of ids, labels, artists, published parts and file contents.

    Nothing is decoded for it.

    A file that is absent counts as such, so the fingerprint of an incomplete data set differs from
    that of the complete one. The order of the tracks and the place of the files do not matter.
    """
    paths = [track.path for track in dataset.tracks]
    contents = digests_of(paths, cache_root / INDEX if cache_root else None, cores())
    rows = [
        [track.id, track.label, track.artist or "", content, _published(dataset, track)]
        + ([track.row] if track.row else [])
        for track, content in zip(dataset.tracks, contents, strict=True)
    ]
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()


def _published(dataset: Dataset, track: Track) -> dict[str, str]:
    """Return the part or fold of a track in each partition that has it."""
    found = {name: parts.get(track.id) for name, parts in sorted(dataset.partitions.items())}
    return {name: part for name, part in found.items() if part is not None}
