"""Features of a whole data set, computed on all cores or read from the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genrecls.datasets.base import Dataset, Track
from genrecls.digests import INDEX, FileDigests, digests_of
from genrecls.environment import cores
from genrecls.errors import DataError
from genrecls.features.base import FeatureSpec
from genrecls.features.cache import FeatureCache, TrackFeatures
from genrecls.features.copies import DistortedCopy
from genrecls.features.extractor import Extractor, Rejection
from genrecls.features.segmenting import SegmentRule


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
) -> Extraction:
    """Compute the features of all tracks of `dataset`, or find them in the cache.

    Bad audio never stops it: such tracks are in `rejected`, and the caller decides. After Ctrl-C
    the tracks in work are finished and kept in the cache, so the next call goes on from there.

    Args:
        dataset: tracks, and the limits of what counts as sound audio.
        spec: how a segment is transformed.
        rule: how a track is cut.
        cache_root: folder of the cache, see `genrecls.features.cache.cache_root`; None neither
            reads nor keeps anything, and holds all features in memory. What was published
            ready-made is read anew each time, too.
        copy: the distorted copy to make of each track instead of taking it as it is.

    Raises:
        DataError: the cache cannot be written.
    """
    kept = cache_root if "audio" in spec.media else None
    cache = FeatureCache(kept, spec, rule, dataset.limits, copy) if kept else None
    if cache:
        cache.mark_used()
    digests = FileDigests(cache_root / INDEX if cache_root else None)
    extractor = Extractor(spec, rule, dataset.limits, digests, cache, copy)
    what = f"copy {copy.number + 1} of {spec.name}" if copy else spec.name
    try:
        found = _in_parallel(partial(_outcome, extractor), dataset.tracks, f"Extracting {what}")
    finally:
        digests.save()
    ordered = {track.id: found[track.id] for track in dataset.tracks}
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


def _outcome(extractor: Extractor, track: Track) -> _Outcome:
    found, hit = extractor.features(track)
    if isinstance(found, Rejection):
        return _Outcome(found, hit, None)
    outline = Outline(len(found.segments), found.seconds, found.audio_digest, found.file_digest)
    return _Outcome(outline, hit, None if extractor.cache else found)


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


def _in_parallel(
    work: Callable[[Track], _Outcome], tracks: Sequence[Track], title: str
) -> dict[str, _Outcome]:
    """Return the outcome of `work` by track id.

    Threads do as well as processes here, since decoding, resampling, transforming and hashing all
    release the interpreter lock; they need no start-up time and share nothing by copying. Each
    holds one decoded track at a time. A matrix product on several threads inside each of them
    would only make them wait for each other.
    """
    import scipy.fft  # noqa: F401 - the limit reaches only libraries that are loaded
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from genrecls.console import progress, quiet_libraries

    found: dict[str, _Outcome] = {}
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
