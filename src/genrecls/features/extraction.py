"""Features of a whole data set, computed on all cores or read from the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genrecls.audio import AudioLimits, AudioRejected
from genrecls.datasets.base import Dataset, Track
from genrecls.environment import cores
from genrecls.features.base import FeatureSpec, Samples
from genrecls.features.cache import INDEX, FeatureCache, TrackFeatures
from genrecls.features.digests import FileDigests, digests_of
from genrecls.features.segmenting import SegmentRule


@dataclass(frozen=True)
class Rejection:
    """A track that gave no features.

    Attributes:
        track: id of the track.
        code: a reason of `genrecls.audio`.
        detail: one line on this very file.
    """

    track: str
    path: Path
    code: str
    detail: str


@dataclass(frozen=True, eq=False)
class Extraction:
    """Features of the tracks of a data set, in its order.

    Attributes:
        tracks: features by track id, at least one segment each.
        rejected: tracks that gave none.
        hits: tracks that were read from the cache.
        damaged: entries of the cache that had to be computed again.
    """

    tracks: dict[str, TrackFeatures]
    rejected: tuple[Rejection, ...]
    hits: int
    damaged: int

    @property
    def computed(self) -> int:
        """Number of tracks that were decoded and transformed."""
        return len(self.tracks) - self.hits


@dataclass(frozen=True)
class Extractor:
    """From one track to its features; used by many threads at once.

    Attributes:
        cache: where features are looked for and kept; None computes always.
    """

    spec: FeatureSpec
    rule: SegmentRule
    limits: AudioLimits
    digests: FileDigests
    cache: FeatureCache | None

    def features(self, track: Track) -> tuple[TrackFeatures | Rejection, bool]:
        """Return the features of `track`, or why there are none, and whether they were cached."""
        try:
            digest: str | None = self.digests.of(track.path)
        except OSError:
            # Reading it as audio says with a code what is wrong with the file.
            digest = None
        cached = self.cache.load(digest) if self.cache and digest else None
        try:
            found = self._completed(track, cached or self._compute(track, digest))
            return found, cached is not None
        except AudioRejected as reason:
            return Rejection(track.id, track.path, reason.code, reason.detail), False

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
        segments = self.rule.apply(samples, self.spec)
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


def extract(
    dataset: Dataset, spec: FeatureSpec, rule: SegmentRule, cache_root: Path | None
) -> Extraction:
    """Return the features of all tracks of `dataset`.

    Bad audio never stops it: such tracks are in `rejected`, and the caller decides. After Ctrl-C
    the tracks in work are finished and kept in the cache, so the next call goes on from there.

    Args:
        dataset: tracks, and the limits of what counts as sound audio.
        spec: how a segment is transformed.
        rule: how a track is cut.
        cache_root: folder of the cache, see `genrecls.features.cache.cache_root`; None neither
            reads nor keeps anything. What was published ready-made is read anew each time.

    Raises:
        DataError: the cache cannot be written.
    """
    kept = cache_root if "audio" in spec.media else None
    cache = FeatureCache(kept, spec, rule, dataset.limits) if kept else None
    if cache:
        cache.mark_used()
    digests = FileDigests(cache_root / INDEX if cache_root else None)
    extractor = Extractor(spec, rule, dataset.limits, digests, cache)
    try:
        found = _in_parallel(extractor.features, dataset.tracks, f"Extracting {spec.name}")
    finally:
        digests.save()
    pairs = [(track.id, *found[track.id]) for track in dataset.tracks]
    return Extraction(
        tracks={name: what for name, what, _ in pairs if isinstance(what, TrackFeatures)},
        rejected=tuple(what for _, what, _ in pairs if isinstance(what, Rejection)),
        hits=sum(hit for _, _, hit in pairs),
        damaged=cache.damaged if cache else 0,
    )


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


Outcome = tuple[TrackFeatures | Rejection, bool]


def _in_parallel(
    work: Callable[[Track], Outcome], tracks: Sequence[Track], title: str
) -> dict[str, Outcome]:
    """Return the outcome of `work` by track id.

    Threads do as well as processes here, since decoding, resampling, transforming and hashing all
    release the interpreter lock; they need no start-up time and share nothing by copying. Each
    holds one decoded track at a time. A matrix product on several threads inside each of them
    would only make them wait for each other.
    """
    import scipy.fft  # noqa: F401 - the limit reaches only libraries that are loaded
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from genrecls.console import progress, quiet_libraries

    found: dict[str, Outcome] = {}
    with (
        threadpool_limits(1, user_api="blas"),
        quiet_libraries(),
        progress(title, total=len(tracks)) as advance,
    ):
        executor = ThreadPoolExecutor(cores())
        try:
            running = {executor.submit(work, track): track.id for track in tracks}
            for done in as_completed(running):
                found[running[done]] = done.result()
                advance()
        finally:
            executor.shutdown(cancel_futures=True)
    return found


def _audio_digest(samples: Samples) -> str:
    return hashlib.sha256(np.ascontiguousarray(samples).data).hexdigest()
