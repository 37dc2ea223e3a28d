"""From a configuration to the examples of each part: the one way through, up to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say, warn
from genrecls.datasets.artists import suggest
from genrecls.datasets.base import Dataset
from genrecls.datasets.manifest import ensure_as_recorded
from genrecls.errors import ConfigError, DataError
from genrecls.evaluation.class_balance import describe
from genrecls.experiment.experiment import Experiment
from genrecls.features.audio_augmentation import DistortedCopy
from genrecls.features.cache import FeatureStore, cache_root
from genrecls.features.extract import Extraction, Rejection, extract, fingerprint
from genrecls.parallel import require_backend
from genrecls.splits.base import PARTS, Part, Split, SplitInput
from genrecls.splits.leakage import ensure_declared, find_leaks
from genrecls.training.data import Examples, gather, missing_classes


@dataclass(frozen=True)
class PreparedData:
    """Everything that a model is trained and tested on.

    Attributes:
        dataset: without its rejected tracks.
        parts: examples of the three parts.
        leaks: kinds of leak that were really found (all of them declared).
        caveat: what a reader of a score must know; may be empty.
        unused: ids of tracks that are in no part.
        rejected: files that were left out.
        fingerprint: digest of the data, rejected files included.
    """

    dataset: Dataset
    split: Split
    parts: Mapping[Part, Examples]
    leaks: tuple[str, ...]
    caveat: str
    unused: tuple[str, ...]
    rejected: Sequence[Rejection]
    fingerprint: str


def load_dataset_checked(experiment: Experiment) -> Dataset:
    """Return the data of a training, after checking all that needs no audio.

    Raises:
        ConfigError: a library that it needs is not installed.
        DataError: the data are absent, not those that were recorded, or cannot have the split.
    """
    experiment.logger.require()
    require_backend(experiment.run.backend)
    dataset = experiment.dataset.load(experiment.data_root)
    ensure_as_recorded(dataset, FeatureStore(cache_root(experiment.data_root)).digests)
    experiment.split.require(dataset)
    return dataset


def prepare(experiment: Experiment, dataset: Dataset) -> PreparedData:
    """Extract (or find in the cache) the features, split, check for leaks, gather examples.

    Raises:
        DataError: a file cannot be trusted and the configuration says `error`; too few tracks.
        LeakError: the split leaks what it does not declare.
    """
    extraction = extracted(experiment, dataset)
    kept = _without_rejected(experiment, dataset, extraction)
    material = SplitInput(
        dataset=kept,
        segment_counts={t.id: extraction.outlines[t.id].segments for t in kept.tracks},
        audio_digests={t.id: extraction.outlines[t.id].audio_digest for t in kept.tracks},
    )
    split = experiment.split.assign(material, experiment.run.seed)
    leaks = find_leaks(split, material)
    ensure_declared(split, leaks)
    found = tuple(sorted({leak.kind for leak in leaks}))
    classes = {track.id: kept.labels.index(track.label) for track in kept.tracks}
    folder = _folder(experiment, split)
    if folder:
        say(f"examples need more than memory_gb={experiment.run.memory_gb:g}: read from {folder}")
    parts = {part: gather(extraction.tracks, split.parts[part], classes, folder) for part in PARTS}
    prepared = PreparedData(
        dataset=kept,
        split=split,
        parts=parts,
        leaks=found,
        caveat=_caveat(split, found, kept),
        unused=tuple(t.id for t in kept.tracks if not any(t.id in split.parts[p] for p in PARTS)),
        rejected=extraction.rejected,
        fingerprint=fingerprint(dataset, FeatureStore(cache_root(experiment.data_root)).digests),
    )
    _announce(experiment, prepared)
    _check_genres(kept.labels, parts)
    return prepared


def extracted(experiment: Experiment, dataset: Dataset) -> Extraction:
    """Compute the features of all tracks or find them in the cache, and say which.

    Raises:
        DataError: the cache cannot be written.
    """
    store, features = FeatureStore(cache_root(experiment.data_root)), experiment.features
    backend = experiment.run.backend
    found = extract(dataset, features, experiment.segment, store, backend=backend)
    say(
        f"features {features.name} of {dataset.name}: {found.hits} tracks from the cache, "
        f"{found.computed} computed"
    )
    return found


def with_copies(experiment: Experiment, prepared: PreparedData) -> PreparedData:
    """Return `prepared` with distorted copies of the training part, if any are wanted.

    Only a training needs them; validation and test parts never have any.
    """
    if not experiment.augment.audio.active:
        return prepared
    train = prepared.split.parts["train"]
    tracks = tuple(track for track in prepared.dataset.tracks if track.id in train)
    copies = tuple(
        _copy(experiment, prepared, replace(prepared.dataset, tracks=tracks), number)
        for number in range(experiment.augment.audio.copies)
    )
    part = replace(prepared.parts["train"], copies=copies)
    return replace(prepared, parts={**prepared.parts, "train": part})


def _copy(
    experiment: Experiment, prepared: PreparedData, tracks: Dataset, number: int
) -> Mapping[str, NDArray[np.float32]]:
    copy = DistortedCopy(experiment.augment.audio, experiment.run.seed, number)
    store = FeatureStore(cache_root(experiment.data_root))
    backend = experiment.run.backend
    extraction = extract(tracks, experiment.features, experiment.segment, store, copy, backend)
    classes = dict.fromkeys(prepared.split.parts["train"], 0)
    folder = _folder(experiment, prepared.split)
    return gather(extraction.tracks, prepared.split.parts["train"], classes, folder).inputs


def _folder(experiment: Experiment, split: Split) -> Path | None:
    """Return where examples are put that need more memory than they may; None: they do not."""
    counts = {part: sum(map(len, tracks.values())) for part, tracks in split.parts.items()}
    segments = sum(counts.values()) + experiment.augment.audio.copies * counts["train"]
    shapes = experiment.segment.shapes(experiment.features)
    needed = 4e-9 * segments * sum(map(prod, shapes.values()))
    fits = needed <= experiment.run.memory_gb
    return None if fits else cache_root(experiment.data_root).parent / "examples"


def _caveat(split: Split, leaks: Sequence[str], dataset: Dataset) -> str:
    """Return what a reader must know: of the leaks that were found, or that nobody can find."""
    if leaks:
        return split.caveat
    unknown = sum(track.artist is None for track in dataset.tracks)
    if "artist" in split.leaks and unknown:
        return (
            f"the artists of {unknown} of {len(dataset.tracks)} tracks are not known, so the same "
            "artists may be on several sides, which flatters the score"
        )
    return ""


def _without_rejected(experiment: Experiment, dataset: Dataset, extraction: Extraction) -> Dataset:
    reasons = [_reason(dataset, bad) for bad in extraction.rejected]
    total = len(dataset.tracks)
    if reasons and experiment.dataset.bad_audio == "error":
        raise DataError(
            f"{reasons[0]} ({len(reasons)} of {total} files cannot be used; 'genrecls data verify' "
            "lists them; repair them, or leave them out with dataset.bad_audio=skip)"
        )
    if len(reasons) == total:
        short = all(bad.code == "short" for bad in extraction.rejected)
        advice = "; choose shorter segments with segment.length" if short else ""
        problem = ConfigError if short else DataError
        raise problem(f"none of the {total} files can be used; the first: {reasons[0]}{advice}")
    for reason in reasons:
        warn(f"left out {reason}")
    return dataset.without({bad.track for bad in extraction.rejected})


def _reason(dataset: Dataset, bad: Rejection) -> str:
    known = dataset.faults.get(bad.track)
    return f"{bad.path}: {bad.code}: {bad.detail}{f'; {known}' if known else ''}"


def _announce(experiment: Experiment, prepared: PreparedData) -> None:
    name = prepared.split.name
    sizes = ", ".join(
        f"{part} {len(set(examples.tracks))} tracks / {len(examples)} segments"
        for part, examples in prepared.parts.items()
    )
    say(f"split {name}: {sizes}")
    if prepared.unused:
        warn(
            f"split {name}: tracks in no part, for want of a known artist or of a place in the "
            f"published partition: {len(prepared.unused)}"
        )
    if prepared.caveat:
        warn(f"split {name}: {prepared.caveat}")
    if "artist" in prepared.split.leaks and (hint := suggest(prepared.dataset)):
        say(hint)
    targets = {part: examples.targets for part, examples in prepared.parts.items()}
    if unequal := describe(targets, prepared.dataset.labels, experiment.trainer.weighs_genres):
        warn(unequal)


def _check_genres(labels: Sequence[str], parts: Mapping[Part, Examples]) -> None:
    for part, examples in parts.items():
        missing = missing_classes(examples, labels)
        if missing and part == "train":
            raise DataError(
                f"the train part has no example of {', '.join(missing)}; add tracks, choose "
                "another split or leave the genre out"
            )
        if missing:
            warn(f"the {part} part has no example of {', '.join(missing)}")
