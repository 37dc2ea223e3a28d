"""One pass over the files, which yields all that an audit needs to know of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.base import Dataset, Track
from genrecls.dsp.audio import AudioRejected
from genrecls.environment import cores
from genrecls.errors import DataError
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule
from genrecls.split_audit.fingerprint import Fingerprint, fingerprint
from genrecls.splits.base import SplitInput


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
    """A data set that was listened to.

    Attributes:
        dataset: without the tracks that cannot be used.
        recordings: by track id, in the order of the data set.
        rejected: why a file cannot be used, by track id.
    """

    dataset: Dataset
    recordings: dict[str, Recording]
    rejected: dict[str, AudioRejected]

    @property
    def material(self) -> SplitInput:
        """What a split needs to know."""
        counts = {track: len(found.statistics) for track, found in self.recordings.items()}
        digests = {track: found.digest for track, found in self.recordings.items()}
        return SplitInput(self.dataset, counts, digests)


def listen(dataset: Dataset, spec: Mfcc, rule: SegmentRule) -> AudioScan:
    """Read every file once; what cannot be used is left out and named.

    Args:
        dataset: its files have to be audio.
        spec: coefficients; its sample rate is that of fingerprints.
        rule: how a track is cut into the segments that splits deal out.

    Raises:
        DataError: the data set has no audio, or none that can be used.
    """
    if dataset.medium != "audio":
        raise DataError(
            f"split-report: dataset={dataset.name} has a {dataset.medium} of each track; expected "
            "audio files, as dataset=gtzan, fma, folder and synth have them"
        )
    found = _all_heard(dataset, spec, rule)
    rejected = {track: what for track, what in found.items() if isinstance(what, AudioRejected)}
    if len(rejected) == len(found):
        first = next(iter(rejected.values()), "there are no tracks")
        raise DataError(f"none of the {len(found)} files can be used; the first: {first}")
    recordings = {track: what for track, what in found.items() if isinstance(what, Recording)}
    return AudioScan(dataset.without(rejected), recordings, rejected)


def _all_heard(
    dataset: Dataset, spec: Mfcc, rule: SegmentRule
) -> dict[str, Recording | AudioRejected]:
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from genrecls.console import progress, quiet_libraries

    found: dict[str, Recording | AudioRejected] = {}
    title = f"Listening to {dataset.name}"
    # Threads do, for decoding and transforming release the interpreter's lock.
    pool = Parallel(n_jobs=cores(), backend="threading", return_as="generator")
    with threadpool_limits(1), quiet_libraries(), progress(title, len(dataset.tracks)) as advance:
        results = pool(delayed(_heard)(track, dataset, spec, rule) for track in dataset.tracks)
        for track, result in zip(dataset.tracks, results, strict=True):
            found[track.id] = result
            advance()
    return found


def _heard(
    track: Track, dataset: Dataset, spec: Mfcc, rule: SegmentRule
) -> Recording | AudioRejected:
    try:
        samples = spec.read(track, dataset.limits)
    except AudioRejected as reason:
        return reason
    segments = rule.apply(samples, spec)
    if not len(segments):
        detail = f"expected {rule.length * rule.min_fill:.3f} s for one segment"
        return AudioRejected(track.path, "short", f"{detail}, found {len(samples) / spec.rate:g} s")
    frames = segments.inputs["mfcc"]
    statistics = np.concatenate([frames.mean(axis=1), frames.std(axis=1)], axis=1)
    digest = hashlib.sha256(np.ascontiguousarray(samples).data).hexdigest()
    return Recording(fingerprint(samples), statistics, digest)
