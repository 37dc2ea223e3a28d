"""How a model is fitted, as configuration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from genrecls.config.ranges import Proportion, Share
from genrecls.config.schema import Registry, Schema
from genrecls.config.validation import select
from genrecls.features.audio_augmentation import AudioAugmentSettings

Monitor = Literal["loss", "accuracy"]
"""What of the validation part selects an epoch."""

StrategyName = Literal["single", "mirrored", "multiworker"]


@dataclass(frozen=True)
class OptimizerSettings(Schema):
    """Optimiser and its constants.

    Attributes:
        name: one of Keras' optimisers.
        learning_rate: initial or peak learning rate.
        weight_decay: decoupled weight decay (for adam as in AdamW); 0 is off.
        momentum: for sgd and rmsprop.
        clip_norm: largest norm of the whole gradient; null is off.
    """

    name: Literal["adam", "adamw", "sgd", "rmsprop", "nadam"]
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    momentum: Share
    clip_norm: PositiveFloat | None


@dataclass(frozen=True)
class ScheduleSettings(Schema):
    """Course of the learning rate.

    Attributes:
        name: `constant`, `cosine` (to zero over all epochs, after a linear warm-up) or `plateau`.
        warmup_epochs: epochs of linear warm-up of `cosine`.
        factor: what `plateau` multiplies the rate by.
        patience: epochs without improvement before `plateau` acts.
        minimum: smallest rate of `plateau`.
    """

    name: Literal["constant", "cosine", "plateau"]
    warmup_epochs: NonNegativeInt
    factor: Annotated[float, Field(gt=0, lt=1)]
    patience: PositiveInt
    minimum: NonNegativeFloat


@dataclass(frozen=True)
class TrainerSettings(Schema):
    """One training.

    Attributes:
        epochs: at most so many passes over the training part.
        batch_size: segments a step.
        monitor: validation figure (per segment) that selects the best weights.
        keep: `best` keeps the weights that `monitor` selects, `last` those after the last epoch, as
            publications do that select nothing.
        patience: epochs without improvement before training stops; null never stops early.
        label_smoothing: share of the target spread over all genres.
        class_weights: `balanced` weighs genres by the inverse of their frequency in the
            training part.
        batches: `shuffled` takes every example once an epoch, `balanced` every genre equally often,
            `tracks` every track equally often, however long it is, in as many steps.
        checkpoint_minutes: a checkpoint inside long epochs at least this often; one is always
            written after each epoch.
        keep_checkpoint: the last one stays when the run is finished, so that it can go on to more
            epochs (`continue=RUN`).
        strategy: `single` learns on one device, `mirrored` on all of this machine, `multiworker` on
            those of all hosts that the environment variable TF_CONFIG names.
        deterministic: weights are the same bit for bit on processors of one model with `cores`
            (TensorFlow's own choice: as many threads as cores) on as many cores, with `threads` on
            any number of them.
        threads: among so many each operation is divided with `deterministic=threads`.
        ema: share of itself that the running average of the weights keeps in a step, to 0.99999 (it
            is then one over about 1 / (1 - ema) steps); validation and the trained model have the
            average (of the weights that learn; the statistics of batch
            normalisation are running averages anyway). 0 is off.
        crops: random crops of each track an epoch in place of its segments, as long as these; null
            takes each segment once. Validation and test have the segments.
        crop_hop: seconds from one place where a crop may begin to the next.
        calibration: `temperature` divides the logits by a number fitted on the validation part.
        refit: the validation part has chosen epochs and temperature then, and learns, too: the
            model is trained once more, from the beginning and for as many epochs, on the train and
            validation parts together. That model is kept and tested; the validation scores are
            those of the one before.
        int8_epochs: so many more epochs, at a tenth of the rate, with the rounding of int8 files
            (`models.rounding`); the last weights are kept, and the network answers as its int8
            file will. 0 is off.
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: OptimizerSettings
    schedule: ScheduleSettings
    monitor: Monitor
    keep: Literal["best", "last"]
    patience: PositiveInt | None
    label_smoothing: Share
    class_weights: Literal["none", "balanced"]
    batches: Literal["shuffled", "balanced", "tracks"]
    checkpoint_minutes: PositiveFloat
    strategy: StrategyName
    # Runs of earlier versions do not say it.
    deterministic: Literal["cores", "threads"] = "cores"
    threads: Annotated[int, Field(gt=0, le=4096)] = 2
    # An average over 100,000 steps; with more nines a step no longer changes 32-bit weights.
    ema: Annotated[float, Field(ge=0, le=0.99999)] = 0.0
    crops: Annotated[int, Field(gt=0, le=100_000)] | None = None
    crop_hop: PositiveFloat = 0.5
    calibration: Literal["none", "temperature"] = "none"
    refit: bool = False
    int8_epochs: Annotated[int, Field(ge=0, le=10_000)] = 0
    keep_checkpoint: bool = True

    def __post_init__(self) -> None:
        if self.class_weights == self.batches == "balanced":
            raise ValueError(
                "batches: received 'balanced' beside class_weights=balanced, which would correct "
                "twice for rare genres; allowed: one of the two, the other none or shuffled"
            )

    @property
    def fixed_threads(self) -> int | None:
        """Threads of an operation; None where TensorFlow chooses."""
        return self.threads if self.deterministic == "threads" else None

    def without_validation(self, epochs: int) -> TrainerSettings:
        """Return the same training for so many epochs, in which nothing is left to select."""
        return replace(
            self, epochs=epochs, keep="last", patience=None, calibration="none", refit=False
        )

    @property
    def weighs_genres(self) -> bool:
        """Whether something is done about unequal numbers of examples."""
        return "balanced" in {self.class_weights, self.batches}


@dataclass(frozen=True)
class Augmentation(Schema, ABC):
    """A random change of training batches of your own; register it with `AUGMENTATIONS`.

    Attributes:
        name: registered name.
    """

    name: str

    @abstractmethod
    def apply(self, inputs: dict[str, Any], targets: Any, seed: Any) -> tuple[dict[str, Any], Any]:
        """Return changed inputs and soft targets of a batch, as TensorFlow tensors.

        All randomness must come from stateless functions of TensorFlow and `seed`: then a resumed
        training sees what an undisturbed one does.

        Args:
            inputs: by name, shape (batch, ...).
            targets: soft targets, shape (batch, classes); with `teacher=` its answers are columns
                behind them, which belong to the examples likewise.
            seed: two integers, other ones for every batch.
        """


AUGMENTATIONS: Registry[Augmentation] = Registry("augment.extra")

# Of a Beta distribution beyond them, numbers of 32 bits no longer hold the draws.
_LEAST_ALPHA, _MOST_ALPHA = 1e-3, 1e3


@dataclass(frozen=True)
class AugmentSettings(Schema):
    """What happens to training examples, and to nothing else.

    Attributes:
        mixup: alpha of the Beta distribution of the mixing weight (Zhang et al. 2018), from
            0.001 to 1000; 0 is off.
        mixup_chance: probability that an example is mixed.
        time_masks, frequency_masks: masks an example (SpecAugment, Park et al. 2019).
        time_mask_share, frequency_mask_share: widest mask as a share of the axis.
        crop: share of the frames that a random crop keeps, moved to a random place and padded by
            repetition; 1 is off.
        roll: largest move along time as a share of the frames, either way; what leaves at one end
            comes in at the other. 0 is off.
        gain: largest change of the loudness in dB, up or down, the same for all of an example; 0 is
            off.
        mixstyle: alpha of the Beta distribution of the weight with which mean and deviation of each
            band over time are mixed with those of another example (Freq-MixStyle: B. Kim et al.,
            "Domain generalization on efficient acoustic scene classification using residual
            normalization", DCASE 2022, after K. Zhou et al. 2021), from 0.001 to 1000; 0 is
            off.
        mixstyle_chance: probability that this is done to an example.
        audio: distorted copies of the audio, beside what the others do to each batch.
        extra: augmentations of plugins, applied last and in this order, each a group with the key
            `name`.
    """

    mixup: NonNegativeFloat
    time_masks: Annotated[int, Field(ge=0, le=1000)]
    time_mask_share: Annotated[float, Field(ge=0, le=1)]
    frequency_masks: Annotated[int, Field(ge=0, le=1000)]
    frequency_mask_share: Annotated[float, Field(ge=0, le=1)]
    crop: Annotated[float, Field(gt=0, le=1)]
    audio: AudioAugmentSettings
    extra: tuple[dict[str, Any], ...] = ()
    # They came later: runs from before have no values for them.
    mixup_chance: Proportion = 1.0
    roll: Proportion = 0.0
    gain: Annotated[float, Field(ge=0, le=100)] = 0.0
    mixstyle: NonNegativeFloat = 0.0
    mixstyle_chance: Proportion = 0.5

    def __post_init__(self) -> None:
        for key, alpha in (("mixup", self.mixup), ("mixstyle", self.mixstyle)):
            if alpha and not _LEAST_ALPHA <= alpha <= _MOST_ALPHA:
                raise ValueError(
                    f"{key}: received {alpha:g}; allowed: 0, which is off, or from "
                    f"{_LEAST_ALPHA:g} to {_MOST_ALPHA:g}"
                )

    @property
    def active(self) -> bool:
        """Whether batches are changed at all; `audio` makes its copies before."""
        masks = self.time_masks + self.frequency_masks
        changes = (self.mixup, masks, 1 - self.crop, self.roll, self.gain, self.mixstyle)
        return any(changes) or bool(self.extra)

    def without_effect(self, shapes: Collection[tuple[int, ...]]) -> tuple[str, ...]:
        """Return which of its changes are wanted and never come, because no input has frames.

        Args:
            shapes: of the inputs, batch axis left out.
        """
        if any(len(shape) > 1 for shape in shapes):
            return ()
        masks = {"time_masks": self.time_masks, "frequency_masks": self.frequency_masks}
        others = {"crop": 1 - self.crop, "roll": self.roll, "mixstyle": self.mixstyle}
        return tuple(key for key, change in {**masks, **others}.items() if change)

    def extras(self) -> list[Augmentation]:
        """Return the augmentations of plugins.

        Raises:
            ConfigError: there is none of this name, or it has no such key.
        """
        return [
            select(AUGMENTATIONS, values, f"augment.extra.{number}")
            for number, values in enumerate(self.extra)
        ]


@dataclass(frozen=True)
class DistillSettings(Schema):
    """How a network learns from `teacher` beside the genres; nothing of it is in the result.

    Attributes:
        label_weight: of the cross-entropy with the genres of the tracks in the loss.
        soft_weight: of the teacher's probabilities, which published taggers do not have.
        temperature: what the logits of both are divided by to compare their probabilities.
        embedding_weight: of the cosine distance between the teacher's embedding and a projection of
            the network's.
        layers: layers of the teacher whose outputs, averaged over time, are its embedding together;
            null: those of `TEACHER_LAYERS` for a published tagger, none for a run.
        standardise: whether each value of the embedding has mean 0 and deviation 1 over the
            training part.
        student_layer: layer that the projection reads; null: what the last layer reads.
        hop: seconds from one place where the teacher listens to the next. A segment gets the mean
            of what it said within.
        extra: folder of music without genres, which is listened to with the teacher alone; null
            for none.
    """

    label_weight: NonNegativeFloat = 1.0
    soft_weight: NonNegativeFloat = 1.0
    temperature: Annotated[float, Field(ge=0.1, le=100)] = 2.0
    embedding_weight: NonNegativeFloat = 1.0
    layers: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    standardise: bool = True
    student_layer: str | None = None
    hop: Annotated[float, Field(ge=0.01, le=60)] = 0.5
    extra: str | None = None

    def __post_init__(self) -> None:
        if not self.soft_weight + self.embedding_weight:
            raise ValueError(
                "soft_weight: received 0 beside embedding_weight=0, with which nothing of the "
                "teacher would be learnt; allowed: one of them above 0"
            )
