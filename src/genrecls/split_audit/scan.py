"""One pass over the audio, or over the feature cache, for all that an audit needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.base import Dataset
from genrecls.errors import DataError
from genrecls.features.base import FeatureSpec, Samples
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import Rejection, extract
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule, Segments
from genrecls.split_audit.fingerprint import Fingerprint, fingerprint
from genrecls.splits.base import SplitInput


@dataclass(frozen=True)
class ScanRule(SegmentRule):
    """Cuts a track like any rule, and keeps what an audit compares instead of the frames.

    Of each segment that is one input, `statistics`, shape (2 * n_mfcc,): mean and standard
    deviation of each coefficient over the frames. Of the whole track it is the fingerprint.
    """

    revision: ClassVar[int] = 1

    def shapes(self, spec: FeatureSpec) -> dict[str, tuple[int, ...]]:
        """Return the shape of `statistics`."""
        return {"statistics": (2 * super().shapes(spec)["mfcc"][-1],)}

    def apply(self, track: Samples, spec: FeatureSpec) -> Segments:
        """Return statistics and fingerprint of `track`, mono samples at `fingerprint.RATE`."""
        segments = super().apply(track, spec)
        frames = segments.inputs["mfcc"]
        statistics = np.concatenate([frames.mean(axis=1), frames.std(axis=1)], axis=1)
        landmarks = vars(fingerprint(track)) if len(segments) else {}
        return Segments({"statistics": statistics}, segments.starts, segments.seconds, landmarks)


@dataclass(frozen=True, eq=False)
class Recording:
    """What is kept of a track; its samples are not.

    Attributes:
        statistics: mean and standard deviation of each coefficient over the frames of a segment,
            shape (segments, 2 * n_mfcc).
        digest: of the samples; two recordings share it only if they are identical.
    """

    fingerprint: Fingerprint
    statistics: NDArray[np.float32]
    digest: str


@dataclass(frozen=True, eq=False)
class AudioScan:
    """What was read of a data set.

    Attributes:
        dataset: without the tracks that cannot be used.
        recordings: by track id, in the order of the data set.
        rejected: why a file cannot be used, by track id.
    """

    dataset: Dataset
    recordings: dict[str, Recording]
    rejected: dict[str, Rejection]

    @property
    def split_input(self) -> SplitInput:
        """What a split needs to know."""
        counts = {track: len(each.statistics) for track, each in self.recordings.items()}
        digests = {track: each.digest for track, each in self.recordings.items()}
        return SplitInput(self.dataset, counts, digests)


def scan(dataset: Dataset, spec: Mfcc, rule: SegmentRule, store: FeatureStore) -> AudioScan:
    """Read every file once, or its entry in the cache; what cannot be used is left out and named.

    Args:
        dataset: its files have to be audio.
        spec: coefficients; its sample rate is that of fingerprints.
        rule: how a track is cut into the segments that splits assign to parts.
        store: where the feature cache is.

    Raises:
        DataError: the data set has no audio, or none that can be used.
    """
    if dataset.medium != "audio":
        raise DataError(
            f"split-report: dataset={dataset.name} has a {dataset.medium} of each track; expected "
            "audio files, as dataset=gtzan, fma, folder and synth have them"
        )
    extraction = extract(dataset, spec, ScanRule(**vars(rule)), store)
    rejected = {bad.track: bad for bad in extraction.rejected}
    if not extraction.outlines:
        first = next(iter(rejected.values()), "there are no tracks")
        raise DataError(f"none of the {len(rejected)} files can be used; the first: {first}")
    recordings = {}
    for track, features in extraction.tracks.items():
        statistics = features.segments.inputs["statistics"]
        landmarks = Fingerprint(**features.segments.whole)
        recordings[track] = Recording(landmarks, statistics, features.audio_digest)
    return AudioScan(dataset.without(rejected), recordings, rejected)
