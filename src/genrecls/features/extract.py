"""Features of a whole data set, computed on all cores or read from the cache."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genrecls.datasets.base import Dataset, Track
from genrecls.dsp.audio_limits import AudioLimits, AudioRejected
from genrecls.errors import DataError
from genrecls.features.audio_augmentation import DistortedCopy
from genrecls.features.base import FeatureSpec
from genrecls.features.cache import FeatureCache, FeatureStore, TrackFeatures
from genrecls.features.segmentation import SegmentRule
from genrecls.files.hashing import FileDigests, text_digest
from genrecls.parallel import Backend, parallel_map, single_threaded_libraries


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

    def __str__(self) -> str:
        return f"{self.path}: {self.code}: {self.detail}"


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
class TrackResult:
    """What came of one track.

    Attributes:
        outline: of its features; or why it has none.
        cached: whether they came from the cache.
        features: the features themselves where no cache holds them.
    """

    outline: Outline | Rejection
    cached: bool
    features: TrackFeatures | None


@dataclass(frozen=True)
class Extractor:
    """From one track to its features; used by many threads and processes at once.

    Attributes:
        digests: of the files, by which their features are found in the cache.
        cache: where features are looked for and kept; None computes always.
        copy: the distorted copy to make of each track; None leaves them as they are.
    """

    spec: FeatureSpec
    rule: SegmentRule
    limits: AudioLimits
    digests: FileDigests
    cache: FeatureCache | None
    copy: DistortedCopy | None = None

    def result(self, track: Track) -> TrackResult:
        """Return what comes of a track: from the cache, else computed and kept there."""
        try:
            cached = self.cached(track)
            features = cached or self.compute(track)
        except AudioRejected as reason:
            rejection = Rejection(track.id, track.path, reason.code, reason.detail)
            return TrackResult(rejection, cached=False, features=None)
        return self._result_of(features, cached=cached is not None)

    def cached_result(self, track: Track) -> TrackResult | None:
        """Return what the cache has of a track; None where it has nothing."""
        try:
            features = self.cached(track)
        except AudioRejected:
            return None
        return self._result_of(features, cached=True) if features else None

    def remote_result(self, key: str | None, track: Track) -> TrackResult:
        """Return what comes of a track in another process, which may be on another machine.

        Args:
            key: key of the cache of the process that asks.
            track: what is wanted.

        Raises:
            DataError: it would make other features than the process that asks.
        """
        if self.cache and self.cache.key != key:
            raise DataError(
                f"{platform.node()}: features made there are not those made here; expected the "
                "same versions of genrecls and its libraries on all machines; install them, or "
                "choose backend=threads"
            )
        return self.result(track)

    def cached(self, track: Track) -> TrackFeatures | None:
        """Return the features of a track that the cache has, if it has them.

        Raises:
            AudioRejected: an input that the track has once is not there.
        """
        digest = self.digests.of(track.path)
        features = self.cache.load(digest) if self.cache and digest else None
        return self._with_companions(track, features) if features else None

    def compute(self, track: Track) -> TrackFeatures:
        """Return the features of a track, computed now, and keep them in the cache.

        Raises:
            AudioRejected: the file cannot be trusted, or is too short for one segment.
        """
        path, digest = track.path, self.digests.of(track.path)
        # Of a file without a digest, reading it as audio says with a code what is wrong.
        samples = self.spec.read(track, self.limits)
        if digest is None:
            raise AudioRejected(path, "unreadable", "it appeared or changed while it was read")
        if short := self.rule.why_short(len(samples), self.spec):
            raise AudioRejected(path, "no-segment", short)
        if self.copy is None:
            segments = self.rule.apply(samples, self.spec)
        else:
            change = partial(self.copy.apply, rate=self.spec.rate, file_digest=digest)
            segments = self.rule.distorted(samples, self.spec, change)
        seconds = len(samples) / self.spec.rate
        audio_digest = hashlib.sha256(np.ascontiguousarray(samples).data).hexdigest()
        features = TrackFeatures(segments, seconds, audio_digest, digest)
        # A file that was replaced after its digest was taken must not be kept under that digest.
        if self.cache and digest == self.digests.current(path):
            self.cache.store(features)
        return self._with_companions(track, features)

    def _with_companions(self, track: Track, features: TrackFeatures) -> TrackFeatures:
        """Return the features with the inputs that a track has once, repeated for each segment."""
        segments, once = features.segments, self.spec.companions(track)
        if not once:
            return features
        whole = {name: np.stack([value] * len(segments)) for name, value in once.items()}
        return replace(features, segments=replace(segments, inputs={**segments.inputs, **whole}))

    def _result_of(self, features: TrackFeatures, *, cached: bool) -> TrackResult:
        outline = Outline(
            len(features.segments), features.seconds, features.audio_digest, features.file_digest
        )
        return TrackResult(outline, cached, None if self.cache else features)


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


class _FeaturesFromCache(Mapping[str, TrackFeatures]):
    """Features that come back from the cache, or are computed anew where it has lost them."""

    def __init__(
        self, extractor: Extractor, tracks: Mapping[str, Track], outlines: Mapping[str, Outline]
    ) -> None:
        self._extractor = extractor
        self._tracks = tracks
        self._outlines = outlines

    def __getitem__(self, name: str) -> TrackFeatures:
        track, digest = self._tracks[name], self._outlines[name].file_digest
        if features := self._extractor.cached(track):
            return features
        try:
            features = self._extractor.compute(track)
            unchanged = self._extractor.digests.current(track.path) == digest
        except (AudioRejected, OSError):
            unchanged = False
        if features is None or not unchanged:
            raise DataError(
                f"{track.path}: it is not what it was a moment ago; expected nobody to change the "
                "files during a run; run the same command again when they are done"
            )
        return features

    def __iter__(self) -> Iterator[str]:
        return iter(self._outlines)

    def __len__(self) -> int:
        return len(self._outlines)


def extract(
    dataset: Dataset,
    spec: FeatureSpec,
    rule: SegmentRule,
    store: FeatureStore,
    copy: DistortedCopy | None = None,
    backend: Backend = "threads",
) -> Extraction:
    """Compute the features of all tracks of `dataset`, or find them in the cache.

    Bad audio never stops it: such tracks are in `rejected`, and the caller decides. After Ctrl-C
    the next call continues from there: what is finished is in the cache.

    Args:
        dataset: tracks, and the limits of what counts as sound audio.
        spec: how a segment is transformed.
        rule: how a track is cut.
        store: where features are kept; one without a folder keeps nothing, and all features are
            held in memory. What was published ready-made is read anew each time, too.
        copy: the distorted copy to make of each track instead of taking it as it is.
        backend: what computes them, see `genrecls.parallel`; the values are the same.

    Raises:
        DataError: the cache cannot be written, or a process elsewhere failed.
    """
    kept = store.root if "audio" in spec.media else None
    cache = FeatureCache(kept, spec, rule, dataset.limits, copy) if kept else None
    if cache:
        cache.mark_used()
    extractor = Extractor(spec, rule, dataset.limits, store.digests, cache, copy)
    what = f"copy {copy.number + 1} of {spec.name}" if copy else spec.name
    try:
        with single_threaded_libraries():
            results = _extract_all(extractor, dataset.tracks, what, backend)
    finally:
        store.digests.save()
    outlines = {name: r.outline for name, r in results.items() if isinstance(r.outline, Outline)}
    held = {name: r.features for name, r in results.items() if r.features is not None}
    by_id = {track.id: track for track in dataset.tracks}
    return Extraction(
        outlines=outlines,
        tracks=_FeaturesFromCache(extractor, by_id, outlines) if cache else held,
        rejected=tuple(r.outline for r in results.values() if isinstance(r.outline, Rejection)),
        hits=sum(result.cached for result in results.values()),
        damaged=cache.damaged if cache else 0,
    )


def _extract_all(
    extractor: Extractor, tracks: Sequence[Track], what: str, backend: Backend
) -> dict[str, TrackResult]:
    """Return what came of each track by its id, in the order of the tracks."""
    title = f"Features {what}"
    if backend == "threads":
        return _by_id(tracks, parallel_map(extractor.result, tracks, title))
    # What the cache has is not worth sending, nor any process worth starting.
    looked_up = parallel_map(extractor.cached_result, tracks, f"Looking up {what}")
    results = {t.id: result for t, result in zip(tracks, looked_up, strict=True) if result}
    left = [track for track in tracks if track.id not in results]
    if left:
        work = partial(extractor.remote_result, extractor.cache.key if extractor.cache else None)
        results |= _by_id(left, parallel_map(work, left, title, backend=backend))
    # Perhaps a file cannot be read only there: this machine has the last word.
    bad = [track for track in left if isinstance(results[track.id].outline, Rejection)]
    if bad:
        results |= _by_id(bad, parallel_map(extractor.result, bad, f"{title} here"))
    return {track.id: results[track.id] for track in tracks}


def _by_id(tracks: Sequence[Track], results: Sequence[TrackResult]) -> dict[str, TrackResult]:
    return {track.id: result for track, result in zip(tracks, results, strict=True)}


def fingerprint(dataset: Dataset, digests: FileDigests) -> str:
    """Return a digest of ids, labels, artists, published parts and file contents.

    Nothing is decoded for it, and nothing is read again that `digests` has read before.

    A file that is absent counts as such, so the fingerprint of an incomplete data set differs from
    that of the complete one. The order of the tracks and the place of the files do not matter.
    """
    contents = digests.of_all(track.path for track in dataset.tracks)
    rows: list[list[Any]] = []
    for track in dataset.tracks:
        parts = {name: part.get(track.id) for name, part in sorted(dataset.partitions.items())}
        published = {name: part for name, part in parts.items() if part is not None}
        content = contents[track.path] or "missing"
        row = [track.id, track.label, track.artist or "", content, published]
        rows.append([*row, track.row] if track.row else row)
    return text_digest(json.dumps(sorted(rows)))
