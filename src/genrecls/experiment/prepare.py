"""From a configuration to the examples of each part: the one way through, up to the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.console import say, several, warn
from genrecls.datasets.artists import suggest
from genrecls.datasets.base import Dataset, Track
from genrecls.datasets.manifest import ensure_as_recorded
from genrecls.errors import ConfigError, DataError
from genrecls.evaluation.class_balance import describe
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.teacher import runs_to_teach
from genrecls.features.audio_augmentation import DistortedCopy
from genrecls.features.cache import FeatureStore, cache_root
from genrecls.features.extract import Extraction, Rejection, extract
from genrecls.features.segmentation import SegmentRule
from genrecls.parallel import require_backend
from genrecls.runtime.marks import UNKNOWN_ARTISTS, pretraining_caveat
from genrecls.splits.base import PARTS, Part, Split, SplitInput, known_artists
from genrecls.splits.leakage import ensure_declared, find_leaks
from genrecls.training.data import Examples, gather, join, missing_classes
from genrecls.training.distillation import Distillation

USUAL_GENRES = 10
"""So many have GTZAN and the generated data."""

LONG, LONG_SHARE = 4, 0.1
"""So many times the usual segments make a track a long one, and such a share is worth a word."""


@dataclass(frozen=True)
class PreparedData:
    """Everything that a model is trained and tested on.

    Attributes:
        dataset: without its rejected tracks.
        parts: examples of each part; a refit has the train part alone.
        leaks: kinds of leak that were really found (all of them declared), and `unknown artist`
            where nobody can tell.
        caveat: what a reader of a score must know; may be empty.
        unused: ids of tracks that are in no part.
        rejected: files that were left out.
        audio_digests: of each track that is left, see `genrecls.features.cache.TrackFeatures`.
        pretraining: what the network, or its teacher, had been trained on before.
        training: what a network learns from where that is more than the train part: all crops
            that may be drawn of it, the answers of a teacher, music without genres.
        distillation: how it learns from those answers.
    """

    dataset: Dataset
    split: Split
    parts: Mapping[Part, Examples]
    leaks: tuple[str, ...]
    caveat: str
    unused: tuple[str, ...]
    rejected: Sequence[Rejection]
    audio_digests: Mapping[str, str] = field(default_factory=dict)
    pretraining: str = ""
    training: Examples | None = None
    distillation: Distillation | None = None

    @property
    def artists_apart(self) -> dict[str, str]:
        """Artist of each track id where the split keeps artists apart; else empty."""
        return {} if "artist" in self.split.leaks else known_artists(self.dataset.tracks)


def store_of(experiment: Experiment) -> FeatureStore:
    """Return where the features of an experiment are kept; make one a command and hand it on."""
    return FeatureStore(cache_root(experiment.data_root))


def load_dataset_checked(experiment: Experiment, store: FeatureStore | None = None) -> Dataset:
    """Return the data of a training, after checking all that needs no audio.

    Args:
        experiment: says what the data are.
        store: takes the digests of the files, which are compared with those that were recorded;
            by default one of its own.

    Raises:
        ConfigError: a library that it needs is not installed.
        RunError: the run that is to teach is not there.
        DataError: the data are absent or incomplete, not those that were recorded, or cannot have
            the split.
    """
    experiment.logger.require()
    require_backend(experiment.run.backend)
    # A teacher that is not there is missed before any data are made.
    runs_to_teach(experiment)
    dataset = experiment.dataset.load(experiment.data_root)
    store = store or store_of(experiment)
    ensure_as_recorded(dataset, store.digests)
    if experiment.dataset.bad_audio == "error":
        dataset.ensure_present()
    experiment.split.require(dataset)
    if dataset.partitions.get("official") and experiment.split.published is None:
        say(
            f"{dataset.name} has parts of its own, and split={experiment.split.name} deals its "
            "tracks out anew; split=official keeps them"
        )
    return dataset


def count_genres(experiment: Experiment) -> int | None:
    """Return the number of genres of the data; None where they are not there yet."""
    if experiment.dataset.made_on_demand:
        return USUAL_GENRES
    with suppress(DataError):
        return len(experiment.dataset.load(experiment.data_root).labels)
    return None


def prepare(
    experiment: Experiment,
    dataset: Dataset,
    store: FeatureStore | None = None,
    *,
    copies: bool = False,
) -> PreparedData:
    """Extract (or find in the cache) the features, split, check for leaks, gather examples.

    Args:
        experiment: says how.
        dataset: what it is done to.
        store: where features are kept; by default one of its own.
        copies: add the distorted copies of the train part, and its crops, that the experiment asks
            for; only a training needs them.

    Raises:
        DataError: a file cannot be trusted and the configuration says `error`; too few tracks.
        LeakError: the split leaks what it does not declare.
    """
    store = store or store_of(experiment)
    extraction = extract_features(experiment, dataset, store)
    kept = _without_rejected(dataset, extraction, experiment)

    # The split, and what is really on two sides of it.
    split_input = SplitInput(
        dataset=kept,
        segment_counts={t.id: extraction.outlines[t.id].segments for t in kept.tracks},
        audio_digests={t.id: extraction.outlines[t.id].audio_digest for t in kept.tracks},
    )
    _warn_of_two_genres(split_input)
    split = experiment.split.for_run(split_input, experiment.run.seed)
    leaks = find_leaks(split, split_input)
    ensure_declared(split, leaks)

    # The examples of each part, in memory or, where they need more of it than they may, in a file.
    counts = {part: sum(map(len, tracks.values())) for part, tracks in split.parts.items()}
    segments = sum(counts.values()) + experiment.augment.audio.copies * counts["train"]
    folder = folder_for(segments, experiment)
    classes = {track.id: kept.labels.index(track.label) for track in kept.tracks}
    parts = {
        part: gather(extraction.tracks, split.parts[part], classes, folder)
        for part in PARTS
        if split.parts[part]
    }
    kinds: tuple[str, ...] = tuple(sorted({leak.kind for leak in leaks}))
    placed = {track for part in PARTS for track in split.parts[part]}
    used = [track for track in kept.tracks if track.id in placed]
    caveat = _caveat(split, kinds, used)
    if any(track.artist is None for track in used) and not {"artist", "track"} & set(kinds):
        kinds = (*kinds, UNKNOWN_ARTISTS)
    data = PreparedData(
        dataset=kept,
        split=split,
        parts=parts,
        leaks=kinds,
        caveat=caveat,
        unused=tuple(t.id for t in kept.tracks if t.id not in placed),
        rejected=extraction.rejected,
        audio_digests=split_input.audio_digests,
        pretraining=experiment.model.pretraining,
    )
    _announce(data, weighed=experiment.trainer.weighs_genres)
    if experiment.trainer.batches != "tracks" and (long := _long_tracks(parts["train"])):
        warn(long)
    if reason := pretraining_caveat(experiment.model.pretraining):
        warn(reason)
    return _with_crops_and_copies(experiment, data, store, folder) if copies else data


def with_validation(
    experiment: Experiment, data: PreparedData, store: FeatureStore
) -> PreparedData:
    """Return the data of a training on the train and validation parts together.

    Args:
        experiment: says which crops and distorted copies the train part has.
        data: the parts, as `prepare` gave them.
        store: where features are kept.

    Raises:
        DataError: the examples cannot be kept.
    """
    divided, examples = data.split.parts, data.parts
    segments = len(examples["train"]) + len(examples["validation"])
    folder = folder_for((1 + experiment.augment.audio.copies) * segments, experiment)
    together = join(examples["train"], examples["validation"], folder)
    split = replace(
        data.split,
        parts={
            "train": {**divided["train"], **divided["validation"]},
            "validation": {},
            "test": divided["test"],
        },
    )
    parts: dict[Part, Examples] = {"train": together, "test": examples["test"]}
    data = replace(data, split=split, parts=parts, training=None, distillation=None)
    return _with_crops_and_copies(experiment, data, store, folder)


def _with_crops_and_copies(
    experiment: Experiment, data: PreparedData, store: FeatureStore, folder: Path | None
) -> PreparedData:
    """Return the data with what a network learns from beside or instead of the segments."""
    train = data.split.parts["train"]
    if experiment.trainer.crops:
        return replace(data, training=_crops(experiment, data.dataset, train, store))
    if not experiment.augment.audio.active:
        return data
    more = _copies(experiment, experiment.segment, data.dataset, train, store, folder)
    learning = replace(data.parts["train"], copies=more)
    return replace(data, parts={**data.parts, "train": learning})


def extract_features(
    experiment: Experiment, dataset: Dataset, store: FeatureStore | None = None
) -> Extraction:
    """Compute the features of all tracks or find them in the cache, and say which.

    Raises:
        DataError: the cache cannot be written.
    """
    features, backend = experiment.features, experiment.run.backend
    store = store or store_of(experiment)
    extraction = extract(dataset, features, experiment.segment, store, backend=backend)
    say(
        f"features {features.name} of {dataset.name}: {extraction.hits} tracks from the cache, "
        f"{extraction.computed} computed"
    )
    return extraction


def folder_for(segments: int, experiment: Experiment) -> Path | None:
    """Return where so many examples are put; None where they fit into memory."""
    shapes = experiment.segment.shapes(experiment.features)
    memory_gb = experiment.run.memory_gb
    if 4e-9 * segments * sum(map(prod, shapes.values())) <= memory_gb:
        return None
    folder = experiment.data_root / "cache" / "examples"
    say(f"examples need more than memory_gb={memory_gb:g}: read from {folder}")
    return folder


def _crops(
    experiment: Experiment,
    dataset: Dataset,
    train: Mapping[str, NDArray[np.int64]],
    store: FeatureStore,
) -> Examples:
    """Return all crops of the train part that may be drawn, with their distorted copies."""
    rule = experiment.segment.every(experiment.trainer.crop_hop)
    tracks = replace(dataset, tracks=tuple(t for t in dataset.tracks if t.id in train))
    backend = experiment.run.backend
    extraction = extract(tracks, experiment.features, rule, store, backend=backend)
    every = {t: np.arange(extraction.outlines[t].segments) for t in train}
    segments = sum(map(len, every.values()))
    folder = folder_for((1 + experiment.augment.audio.copies) * segments, experiment)
    classes = {track.id: dataset.labels.index(track.label) for track in tracks.tracks}
    crops = gather(extraction.tracks, every, classes, folder)
    wanted, most = experiment.trainer.crops or 0, max(map(len, every.values()))
    say(f"crops: {wanted} of each track an epoch, drawn of {segments} in all")
    if wanted > most:
        warn(
            f"trainer.crops: received {wanted}, but no track has more than {most} places where a "
            f"crop may begin, so that crops come several times an epoch; choose at most {most}, or "
            "a smaller trainer.crop_hop"
        )
    if experiment.augment.audio.active:
        crops = replace(crops, copies=_copies(experiment, rule, dataset, every, store, folder))
    return crops


def _copies(
    experiment: Experiment,
    rule: SegmentRule,
    dataset: Dataset,
    train: Mapping[str, NDArray[np.int64]],
    store: FeatureStore,
    folder: Path | None,
) -> tuple[Mapping[str, NDArray[np.float32]], ...]:
    """Return the inputs of each distorted copy of the train part, in the order of its examples."""
    tracks = replace(dataset, tracks=tuple(t for t in dataset.tracks if t.id in train))
    backend = experiment.run.backend
    inputs = []
    for number in range(experiment.augment.audio.copies):
        copy = DistortedCopy(experiment.augment.audio, experiment.run.seed, number)
        extraction = extract(tracks, experiment.features, rule, store, copy, backend)
        inputs.append(gather(extraction.tracks, train, dict.fromkeys(train, 0), folder).inputs)
    return tuple(inputs)


def _long_tracks(train: Examples) -> str:
    """Return one line about tracks that have most of the training to themselves; else nothing."""
    counts = Counter(train.tracks)
    usual = max(1, round(float(np.median([*counts.values()]))))
    long = {track: count for track, count in counts.most_common() if count > LONG * usual}
    if sum(long.values()) < LONG_SHARE * len(train):
        return ""
    first, most = next(iter(long.items()))
    others = f", with {len(long) - 1} more {sum(long.values())}" if len(long) > 1 else ""
    return (
        f"train part: {first} alone has {most} of {len(train)} segments{others}, most tracks have "
        f"about {usual}; segment.count={usual} takes at most so many of each track, "
        "trainer.batches=tracks draws every track equally often"
    )


def _caveat(split: Split, leaks: Sequence[str], used: Sequence[Track]) -> str:
    """Return what a reader must know: of the leaks that were found, or that nobody can find."""
    # That of a leak that may be there is none where it is not.
    if leaks or (split.caveat and not split.leaks):
        return split.caveat
    if unknown := sum(track.artist is None for track in used):
        return (
            f"the artists of {unknown} of {len(used)} tracks are not known, so the same artists "
            "may be on several sides, which flatters the score"
        )
    return ""


def _without_rejected(dataset: Dataset, extraction: Extraction, experiment: Experiment) -> Dataset:
    """Return the data without the files that cannot be used, or refuse them.

    Raises:
        DataError: `bad_audio` is `error`, or no file is left.
        ConfigError: every file is too short for a segment.
    """
    reasons = []
    for bad in extraction.rejected:
        fault = dataset.faults.get(bad.track)
        reasons.append(f"{bad.path}: {bad.code}: {bad.detail}{f'; {fault}' if fault else ''}")
    total = len(dataset.tracks)
    codes = Counter(bad.code for bad in extraction.rejected)

    def way_out(code: str, advice: str) -> str:
        which = "" if codes[code] == len(reasons) else f"for {codes[code]} of them "
        return f"; {which}{advice}" if codes[code] else ""

    advice = way_out(
        "no-segment",
        "choose shorter segments with segment.length, or segment.short_tracks=repeat to repeat "
        "short tracks until they fill one",
    )
    # Whatever a segment is, a file shorter than any of its data set stays that.
    if hasattr(experiment.dataset, "limits"):
        advice += way_out("short", "dataset.limits.min_seconds=<seconds> accepts shorter files")
    if reasons and experiment.dataset.bad_audio == "error":
        raise DataError(
            f"{reasons[0]} ({len(reasons)} of {total} files cannot be used; 'genrecls data verify' "
            "with the same dataset, segment and features lists them; repair them, or leave them "
            f"out with dataset.bad_audio=skip{advice})"
        )
    if len(reasons) == total:
        problem = ConfigError if set(codes) == {"no-segment"} else DataError
        raise problem(f"none of the {total} files can be used; the first: {reasons[0]}{advice}")
    for reason in reasons:
        warn(f"left out {reason}")
    return dataset.without({bad.track for bad in extraction.rejected})


def _warn_of_two_genres(data: SplitInput) -> None:
    """Say that recordings stand under several genres, of which at most one is right."""
    tracks = {track.id: track for track in data.dataset.tracks}
    pairs = [
        (tracks[first], tracks[other])
        for other, first in data.recordings.items()
        if tracks[first].label != tracks[other].label
    ]
    if pairs:
        first, other = pairs[0]
        warn(
            f"recordings that stand under two genres: {several(len(pairs), 'track')}, such as "
            f"{other.id} ({other.label}) and {first.id} ({first.label}): no model can learn "
            "both; 'genrecls data verify' lists them"
        )


def _announce(data: PreparedData, *, weighed: bool) -> None:
    """Say how large the parts are and warn of what flatters or spoils their scores.

    Raises:
        DataError: the train part lacks a genre.
    """
    name, labels = data.split.name, data.dataset.labels
    sizes = ", ".join(
        f"{part} {len(set(examples.tracks))} tracks / {len(examples)} segments"
        for part, examples in data.parts.items()
    )
    say(f"split {name}: {sizes}")
    if data.unused:
        warn(
            f"split {name}: in no part, because their artist is unknown or the published "
            f"partition does not name them: {several(len(data.unused), 'track')}"
        )
    if data.caveat:
        warn(f"split {name}: {data.caveat}")
    if "artist" in data.split.leaks and (hint := suggest(data.dataset)):
        say(hint)
    targets = {part: examples.targets for part, examples in data.parts.items()}
    if unequal := describe(targets, labels, weighed):
        warn(unequal)
    for part, examples in data.parts.items():
        missing = ", ".join(missing_classes(examples, labels))
        if missing and part == "train":
            raise DataError(
                f"the train part has no example of {missing}; add tracks, choose another split or "
                "leave the genre out"
            )
        if missing:
            warn(f"the {part} part has no example of {missing}")
