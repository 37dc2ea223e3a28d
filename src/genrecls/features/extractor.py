"""From one track to its features, which the cache keeps; or the reason why there are none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from genrecls.datasets.base import Track
from genrecls.dsp.audio import AudioLimits, AudioRejected
from genrecls.features.base import FeatureSpec, Samples
from genrecls.features.cache import FeatureCache, TrackFeatures
from genrecls.features.copies import DistortedCopy
from genrecls.features.segmentation import SegmentRule, Segments
from genrecls.files.hashing import FileDigests


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
