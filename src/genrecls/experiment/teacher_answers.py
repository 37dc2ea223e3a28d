"""What a teacher says of the examples that a network learns from.

A teacher listens to each track once, on a grid of segments of its own, so close that every segment
and every random crop of the student holds some. Its answers are kept beside the outputs of frozen
layers, by the digest of the audio file and everything else that decides them. A segment of the
student gets the mean of those within it, or the nearest one where none is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.console import progress, say, several, warn
from genrecls.datasets.base import Dataset, Track
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import ConfigError, DataError, RunError, nearest
from genrecls.evaluation.predictions import rows_by_track
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.prepare import PreparedData, folder_for
from genrecls.experiment.teacher import Teacher, extra_music
from genrecls.features.base import FeatureSpec
from genrecls.features.cache import FeatureStore, settings
from genrecls.features.extract import Extractor, extract
from genrecls.features.segmentation import SegmentRule
from genrecls.inference.tagger import published_tagger
from genrecls.models import tensorflow_setup
from genrecls.runs.model_file import load
from genrecls.runtime.marks import pretraining_caveat
from genrecls.splits.base import EVALUATED_PARTS
from genrecls.training.data import Examples, gather, join
from genrecls.training.distillation import Distillation, soften
from genrecls.training.frozen_outputs import (
    BATCH,
    OutputStore,
    backbone_root,
    forward_batches,
)

if TYPE_CHECKING:
    import keras

TEACHER_LAYERS: Mapping[str, tuple[str, ...]] = {
    "musicnn": ("mid_end", "penultimate"),
    "music_vgg": ("pool4",),
}
"""Layers of the published taggers from which genres are told best."""

_ROUNDING = 1e-3
"""Seconds by which a segment may begin or end outside of another and still be within it."""


@dataclass(frozen=True, eq=False)
class TeacherAnswers:
    """What a network says of the segments of one track.

    Attributes:
        starts: of each segment in seconds.
        seconds: length of a segment.
        values: shape (segments, columns).
    """

    starts: NDArray[np.float64]
    seconds: float
    values: NDArray[np.float32]

    def within(self, starts: NDArray[np.float64], seconds: float) -> NDArray[np.float32]:
        """Return the mean of what was said within each of other segments, else what is nearest.

        Args:
            starts: of the other segments, shape (others,).
            seconds: length of each of them.
        """
        late = self.starts - starts[:, None]
        inside = (late >= -_ROUNDING) & (late + self.seconds <= seconds + _ROUNDING)
        nearest = np.abs(late + (self.seconds - seconds) / 2).argmin(axis=1)
        alone = ~inside.any(axis=1)
        inside[alone, nearest[alone]] = True
        shares = inside / inside.sum(axis=1, keepdims=True)
        return np.asarray(shares @ self.values, np.float32)


@dataclass(frozen=True)
class Listener:
    """A network of a teacher.

    Attributes:
        network: named inputs in, columns out: probabilities if they are wanted, then an embedding.
        rule: how a track is cut for it.
        classes: how many columns are probabilities.
    """

    network: keras.Model
    features: FeatureSpec
    rule: SegmentRule
    classes: int

    def listen(
        self, tracks: Sequence[Track], limits: AudioLimits, store: FeatureStore, root: Path
    ) -> dict[str, TeacherAnswers]:
        """Return the answers to each track by its id, from the cache or computed now.

        Args:
            tracks: what it listens to.
            limits: of what counts as sound audio.
            store: takes the digests of the files.
            root: folder of all answers.

        Raises:
            DataError: a file cannot be read, or an answer cannot be kept.
        """
        made_from = settings(self.features, self.rule, limits)
        columns = self.network.output.shape[1]
        # In the cache the start of a segment is its first column.
        shape = (None, 1 + columns)
        kept = OutputStore(root, self.network, shape, made_from)
        extractor = Extractor(self.features, self.rule, limits, store.digests, cache=None)
        forward = forward_batches(self.network)
        answers, computed = {}, 0
        with progress("teacher", len(tracks)) as advance:
            for track in tracks:
                digest = store.digests.of(track.path) or ""
                rows = kept.read(digest)
                if rows is None:
                    segments = extractor.compute(track).segments
                    parts = []
                    for first in range(0, len(segments), BATCH):
                        some = slice(first, first + BATCH)
                        parts.append(forward({n: v[some] for n, v in segments.inputs.items()}))
                    rows = np.column_stack([segments.starts, np.concatenate(parts)])
                    rows = rows.astype(np.float32)
                    kept.write(digest, rows)
                    computed += 1
                starts = rows[:, 0].astype(np.float64)
                answers[track.id] = TeacherAnswers(starts, self.rule.length, rows[:, 1:])
                advance()
        if kept.damaged:
            warn(f"answers of the teacher: {kept.damaged} damaged and computed again")
        say(f"teacher: {len(tracks) - computed} tracks from the cache, {computed} listened to")
        return answers


def teach(
    experiment: Experiment, data: PreparedData, store: FeatureStore, teacher: Teacher
) -> PreparedData:
    """Return the data of a training with what a teacher says of all examples that it learns from.

    Args:
        experiment: the training.
        data: its examples and split.
        store: takes the digests of the files.
        teacher: the teacher.

    Raises:
        ConfigError: the teacher has no such layer, or there is nothing to learn of it.
        RunError: the teacher has learnt from what tests, or does not listen to audio.
        DataError: a file cannot be read, or an answer cannot be kept.
        ModelFileError: a model of the teacher cannot be read.
    """
    teacher.check_unseen(data.split, data.dataset.labels)
    training = data.parts["train"] if data.training is None else data.training
    chosen = set(training.tracks)
    sources = [(tuple(t for t in data.dataset.tracks if t.id in chosen), data.dataset.limits)]
    if music := extra_music(experiment):
        training, tracks = _with_extra(training, music, experiment, data, store)
        sources.append((tracks, music.limits))
    listeners = listeners_of(experiment, teacher)

    answers = []
    for listener in listeners:
        heard: dict[str, TeacherAnswers] = {}
        for tracks, limits in sources:
            heard |= listener.listen(tracks, limits, store, backbone_root(experiment.data_root))
        answers.append(align(heard, training, experiment.segment.length))
    columns = np.mean(answers, axis=0)

    # Soft labels are softened once, and the embedding is told from that of other tracks.
    distill, classes = experiment.distill, listeners[0].classes
    embedding = columns[:, classes:]
    if distill.standardise and embedding.shape[1]:
        own = embedding[training.targets >= 0]
        deviation = own.std(axis=0)
        embedding = (embedding - own.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    parts = [embedding]
    if classes:
        parts.insert(0, soften(columns[:, :classes], distill.temperature))
    genres = f"probabilities of {classes} genres, " if classes else ""
    values = several(embedding.shape[1], "value")
    say(f"teacher {teacher.name}: {genres}an embedding of {values} for each segment")
    if reason := pretraining_caveat(teacher.pretraining):
        warn(reason)
    known = [data.pretraining, *teacher.pretraining.split(", ")]
    return replace(
        data,
        training=replace(training, teacher=np.concatenate(parts, axis=1).astype(np.float32)),
        distillation=Distillation(distill, classes, embedding.shape[1]),
        pretraining=", ".join(dict.fromkeys(filter(None, known))),
    )


def listeners_of(experiment: Experiment, teacher: Teacher) -> list[Listener]:
    """Return the networks of a teacher: one, or those of all members of an ensemble.

    Raises:
        ConfigError: it has no such layer, or there is nothing to learn of it.
        RunError: it does not listen to audio.
        ModelFileError: a model cannot be read.
    """
    tensorflow_setup.configure_tensorflow()
    distill = experiment.distill
    networks: list[tuple[keras.Model, FeatureSpec, SegmentRule]] = []
    if teacher.record is None:
        published = published_tagger(teacher.name)
        layers = distill.layers or TEACHER_LAYERS[published.family.name]
        networks.append((published.family.tagger(), published.features, published.rule))
    else:
        layers = distill.layers or ()
        for path in teacher.models:
            model, card = load(path)
            if card.features.media != {"audio"}:
                media = " and ".join(sorted(card.features.media))
                raise RunError(
                    f"teacher: {path} takes a published {media} and no audio; expected a run with "
                    "features that are computed from audio"
                )
            networks.append((model, card.features, card.segment))
    soft = distill.soft_weight > 0 and teacher.record is not None
    layers = layers if distill.embedding_weight else ()
    if layers and len(networks) > 1:
        raise ConfigError(
            f"distill.layers: received {', '.join(layers)}, but {teacher.name} is an ensemble, "
            "whose networks have no common layers; allowed: null"
        )
    if not soft and not layers:
        lack = "distill.layers=[<layer>]" if teacher.record else "distill.embedding_weight above 0"
        raise ConfigError(f"teacher: nothing would be learnt from {teacher.name}; set {lack}")
    listeners = []
    for model, features, rule in networks:
        try:
            # All of a track, and short ones repeated, as in a prediction: the student takes them.
            dense = replace(rule.every(distill.hop), count=None, short_tracks="repeat")
        except ValueError as error:
            raise ConfigError(f"distill.{error}") from None
        network = _with_columns(model, layers, soft=soft)
        classes = model.output.shape[1] if soft else 0
        listeners.append(Listener(network, features, dense, classes))
    return listeners


def _with_columns(model: keras.Model, layers: Sequence[str], *, soft: bool) -> keras.Model:
    """Return a network that gives probabilities and layers side by side, pictures as their mean."""
    import keras
    from keras import layers as kinds

    names = [layer.name for layer in model.layers]
    columns = [model.output] if soft else []
    for name in layers:
        if name not in names:
            raise ConfigError(
                f"distill.layers: received '{name}', which is no layer of the teacher"
                f"{nearest(name, names)}; allowed: {', '.join(names)}"
            )
        x = model.get_layer(name).output
        if len(x.shape) > 2:
            x = kinds.Reshape((-1, x.shape[-1]), name=f"listener_{name}_places")(x)
            x = kinds.GlobalAveragePooling1D(name=f"listener_{name}_mean")(x)
        columns.append(x)
    # Names that Keras finds are others for each network of a process, and answers are kept by them.
    together = columns[0]
    if len(columns) > 1:
        together = kinds.Concatenate(name="listener_columns")(columns)
    return keras.Model(model.input, together, name="listener")


def align(
    answers: Mapping[str, TeacherAnswers], examples: Examples, seconds: float
) -> NDArray[np.float32]:
    """Return what was said of each example, shape (examples, columns).

    Args:
        answers: by track id.
        examples: the student's, which begin elsewhere.
        seconds: length of an example.
    """
    columns = next(iter(answers.values())).values.shape[1]
    aligned = np.empty((len(examples), columns), np.float32)
    for track, own in rows_by_track(examples.tracks).items():
        aligned[own] = answers[track].within(examples.starts[own], seconds)
    return aligned


def _with_extra(
    training: Examples,
    music: Dataset,
    experiment: Experiment,
    data: PreparedData,
    store: FeatureStore,
) -> tuple[Examples, tuple[Track, ...]]:
    """Return what is learnt from with music without genres, and the tracks of that music."""
    rule, crops = experiment.segment, experiment.trainer.crops
    if crops is not None:
        rule = rule.every(experiment.trainer.crop_hop)
    extraction = extract(music, experiment.features, rule, store, backend=experiment.run.backend)
    for remark in (*music.remarks, *(f"left out {bad}" for bad in extraction.rejected)):
        warn(f"distill.extra: {remark}")
    held_out = {data.audio_digests[t] for part in EVALUATED_PARTS for t in data.split.parts[part]}
    outlines = extraction.outlines
    known = {track for track, outline in outlines.items() if outline.audio_digest in held_out}
    if known:
        warn(
            f"distill.extra: left out {several(len(known), 'track')} of the validation and test "
            f"parts, such as {music.root / min(known).removeprefix('extra/')}"
        )
    segments = {t: np.arange(o.segments) for t, o in outlines.items() if t not in known}
    if not segments:
        raise DataError(
            f"distill.extra: nothing of {several(len(music.tracks), 'file')} in {music.root} is "
            "left to listen to; expected music that is not tested"
        )
    total = len(training) + sum(map(len, segments.values()))
    folder = folder_for(total, experiment)
    examples = gather(extraction.tracks, segments, dict.fromkeys(segments, -1), folder)
    say(f"distill.extra: {several(len(segments), 'track')} without a genre")
    tracks = tuple(track for track in music.tracks if track.id in segments)
    return join(training, examples, folder), tracks
