"""The whole configuration of a training: every group validated, impossible combinations refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, NonNegativeFloat

from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.config.paths import expanded
from genrecls.config.plugins import plugin_digests
from genrecls.config.ranges import Seed
from genrecls.config.registered import REGISTRIES
from genrecls.config.schema import Schema, registry_of, single_class
from genrecls.config.validation import select, validate
from genrecls.dsp.votes import Vote
from genrecls.errors import ConfigError, nearest
from genrecls.parallel import Backend

if TYPE_CHECKING:
    from genrecls.datasets.base import DatasetSource
    from genrecls.features.base import FeatureSpec
    from genrecls.features.segmentation import SegmentRule
    from genrecls.models.base import ModelFamily
    from genrecls.models.sklearn import Sklearn
    from genrecls.reports.figure_files import FigureSettings
    from genrecls.runs.published import Published
    from genrecls.splits.base import Splitter
    from genrecls.trackers.base import Logger
    from genrecls.training.settings import AugmentSettings, DistillSettings, TrainerSettings

MOST_NUMBERS = 2**30
"""Numbers of float32 that a batch, or the segments of one track, may be."""
LONG_TRACK = 600.0
"""Seconds of a track, for whoever counts its segments before the tracks are known."""

GROUPS = (*REGISTRIES, "segment", "trainer", "augment", "distill", "figures")
# A group is imported when its turn comes: a wrong word need not wait for what computes with NumPy.
_VALIDATED = (
    *("logger", "figures", "trainer", "augment", "distill"),
    *("split", "model", "dataset", "segment", "features"),
)


@dataclass(frozen=True)
class RunSettings(Schema):
    """The single keys beside the groups; `conf/train.yaml` says what each is for."""

    seed: Seed
    vote: Vote
    force: bool
    show: bool
    memory_gb: NonNegativeFloat
    backend: Backend
    data_root: str
    output_root: str
    # It came later: runs from before have no value for it.
    teacher: Annotated[str, Field(min_length=1)] | None = None


@dataclass(frozen=True)
class Experiment:
    """A validated training configuration; each group is an object that can do its work.

    Attributes:
        published: the figure that the configuration reproduces, if it is a preset for one.
    """

    dataset: DatasetSource
    segment: SegmentRule
    features: FeatureSpec
    split: Splitter
    model: ModelFamily | Sklearn
    trainer: TrainerSettings
    augment: AugmentSettings
    distill: DistillSettings
    logger: Logger
    figures: FigureSettings
    run: RunSettings
    published: Published | None = None

    @property
    def data_root(self) -> Path:
        """Folder of data sets and of the feature cache."""
        return expanded(self.run.data_root, "data_root")

    @property
    def output_root(self) -> Path:
        """Folder of run folders."""
        return expanded(self.run.output_root, "output_root")

    @property
    def plugins(self) -> dict[str, str]:
        """Source digests of the plugins that its options come from, by name."""
        extras = self.augment.extras()
        used = [self.dataset, self.split, self.model, *self.features.parts, *extras]
        return plugin_digests(used)

    def resolved(self) -> dict[str, Any]:
        """Return the configuration as plain values, in the layout of `conf/train.yaml`."""
        groups = {name: dataclasses.asdict(getattr(self, name)) for name in GROUPS}
        resolved: dict[str, Any] = _plain({**groups, **dataclasses.asdict(self.run)})
        return resolved


def compose_experiment(
    overrides: Sequence[str], config_dir: str | None = None, config_name: str | None = None
) -> Experiment:
    """Return the experiment that words such as `model=crnn` describe.

    Args:
        overrides: the words.
        config_dir: a folder with configurations of the user.
        config_name: a root configuration in place of `train`.

    Raises:
        ConfigError: the first thing that is wrong, as one line.
    """
    return parse(compose("train", overrides, config_dir, config_name))


def parse(composed: Mapping[str, Any]) -> Experiment:
    """Return the experiment that a composed configuration describes.

    Raises:
        ConfigError: the first thing that is wrong, as one line.
    """
    experiment = unchecked(composed)
    check_combination(experiment)
    return experiment


def unchecked(composed: Mapping[str, Any]) -> Experiment:
    """Return what a configuration describes group by group, possible together or not.

    Raises:
        ConfigError: a group is wrong by itself.
    """
    rest = dict(composed)
    # Runs from before there were teachers do not say how one is listened to.
    rest.setdefault("distill", {})
    rest.setdefault("figures", {})
    values = {name: rest.pop(name, None) for name in GROUPS}
    for group in ("experiment", "debug"):
        if rest.pop(group, None):
            raise ConfigError(
                f"{group}: received keys, which nothing reads here; write them without '{group}.'"
            )
    published = rest.pop("published", None)
    _refuse_absent(values)
    _refuse_unknown(rest)
    run = validate(RunSettings, rest, "")
    chosen: dict[str, Any] = {}
    for group in _VALIDATED:
        registry = registry_of(group)
        chosen[group] = (
            select(registry, values[group])
            if registry
            else validate(single_class(group), values[group], group)
        )
    if published is not None:
        from genrecls.runs.published import Published

        published = validate(Published, published, "published")
    return Experiment(**chosen, run=run, published=published)


def check_combination(experiment: Experiment) -> None:
    """Refuse what is valid group by group but impossible together.

    Raises:
        ConfigError: a segment longer than the tracks, a model that does not take the features, a
            split that the data set does not have.
    """
    from genrecls.features.audio_augmentation import require_audio

    track_seconds = experiment.dataset.track_seconds
    if track_seconds is not None and experiment.segment.length > track_seconds:
        raise ConfigError(
            f"segment.length: received {experiment.segment.length:g} s, but tracks of "
            f"dataset={experiment.dataset.name} are {track_seconds:g} s long; "
            f"choose at most {track_seconds:g}"
        )
    _check_media(experiment)
    experiment.augment.extras()
    if experiment.augment.audio.active:
        require_audio(experiment.features)
    if experiment.augment.gain and not experiment.features.in_decibels:
        raise ConfigError(
            f"augment.gain: received {experiment.augment.gain:g}, but the values of features="
            f"{experiment.features.name} as they are set are no decibels; allowed: 0; "
            "augment.audio.gain changes the audio of any features"
        )
    if experiment.trainer.crops and experiment.split.leaky:
        raise ConfigError(
            f"trainer.crops: received {experiment.trainer.crops}, but split="
            f"{experiment.split.name} divides tracks, and a crop would hold what tests; use null, "
            "or a split of whole tracks"
        )
    _check_sizes(experiment)
    _check_fit(experiment)
    if experiment.trainer.refit:
        _check_refit(experiment)
    _check_teacher(experiment)
    experiment.model.check(experiment.segment.shapes(experiment.features))
    experiment.model.check_features(experiment.features)
    experiment.split.check(experiment.dataset)


def _check_refit(experiment: Experiment) -> None:
    """Refuse to train without a validation part what cannot be."""
    received = "trainer.refit: received true, but"
    if reason := needs_validation(experiment):
        raise ConfigError(f"{received} model={experiment.model.title} is {reason}; allowed: false")
    if experiment.split.leaky:
        raise ConfigError(
            f"{received} split={experiment.split.name} divides tracks, of which the validation "
            "part tells nothing; allowed: false, or a split of whole tracks"
        )


def needs_validation(experiment: Experiment) -> str:
    """Return how a model is trained that cannot be without a validation part; else nothing."""
    from genrecls.models.sklearn import Sklearn

    model = experiment.model
    if not isinstance(model, Sklearn) and len(model.stages()) > 1:
        return "trained in stages, each of which validation ends"
    if experiment.trainer.schedule.name == "plateau":
        return "trained with trainer.schedule.name=plateau, which validation steers"
    return ""


def _check_fit(experiment: Experiment) -> None:
    """Refuse what changes batches or steps where a model is fitted at once, without any."""
    from genrecls.models.sklearn import Sklearn

    model, trainer = experiment.model, experiment.trainer
    if not isinstance(model, Sklearn):
        return
    title = f"model={model.title} is fitted at once"
    if experiment.augment.active:
        raise ConfigError(
            f"augment: received changes of batches, but {title}, without batches; allowed: "
            "augment=none, or augment=audio, whose copies are examples like others"
        )
    for key, value, allowed in (
        ("strategy", trainer.strategy, "single"),
        ("batches", trainer.batches, "shuffled"),
        ("crops", trainer.crops, None),
        ("ema", trainer.ema, 0.0),
        ("calibration", trainer.calibration, "none"),
        ("int8_epochs", trainer.int8_epochs, 0),
    ):
        shown = "null" if allowed is None else allowed
        if value != allowed:
            raise ConfigError(f"trainer.{key}: received {value}, but {title}; allowed: {shown}")
    if model.estimator == "knn" and trainer.class_weights != "none":
        raise ConfigError(
            f"trainer.class_weights: received {trainer.class_weights}, but all neighbours of "
            f"model={model.title} count the same; allowed: none"
        )


def _check_teacher(experiment: Experiment) -> None:
    """Refuse a teacher where it cannot listen, or where what tests would teach."""
    from genrecls.models.sklearn import Sklearn

    teacher, extra = experiment.run.teacher, experiment.distill.extra
    if teacher is None:
        if extra is not None:
            raise ConfigError(
                f"distill.extra: received '{extra}', but music without genres teaches nothing by "
                "itself; allowed: null, or teacher=<a run, an ensemble or msd_musicnn> beside it"
            )
        return
    received = f"teacher: received '{teacher}', but"
    if isinstance(experiment.model, Sklearn):
        title = experiment.model.title
        raise ConfigError(f"{received} model={title} is fitted at once; allowed: null")
    if experiment.features.media != {"audio"}:
        raise ConfigError(
            f"{received} features={experiment.features.name} are not made of audio, to which a "
            "teacher listens; allowed: null"
        )
    if experiment.split.leaky:
        raise ConfigError(
            f"{received} split={experiment.split.name} divides tracks, and the teacher would "
            "listen to what tests; use null, or a split of whole tracks"
        )
    if extra is not None and experiment.augment.audio.active:
        raise ConfigError(
            f"augment.audio.copies: received {experiment.augment.audio.copies}, but music of "
            "distill.extra has no distorted copies; allowed: 0"
        )


def _check_sizes(experiment: Experiment) -> None:
    """Refuse batches, and segments of a track, that would fill the memory; nothing is computed.

    A single segment is bounded by `SegmentRule.shapes`.
    """
    segment, features, batch_size = (
        experiment.segment,
        experiment.features,
        experiment.trainer.batch_size,
    )
    inputs = sum(map(prod, segment.shapes(features).values()))
    if batch_size * inputs > MOST_NUMBERS:
        raise ConfigError(
            f"trainer.batch_size: received {batch_size}, of segments of {inputs:,} numbers each; "
            f"allowed: at most {MOST_NUMBERS // inputs} ({_gigabytes(MOST_NUMBERS)})"
        )
    seconds = experiment.dataset.track_seconds or LONG_TRACK
    hop = segment.hop or segment.length
    if experiment.trainer.crops:
        try:
            segment = segment.every(experiment.trainer.crop_hop)
        except ValueError as error:
            raise ConfigError(f"trainer.crop_{error}") from None
        hop = min(hop, experiment.trainer.crop_hop)
    count = 1 + int(max(0.0, seconds - segment.length) / hop)
    count = min(count, segment.count or count)
    numbers = count * max(inputs, segment.samples(features.rate))
    if numbers > MOST_NUMBERS:
        key, value = ("segment.hop", hop) if segment.hop else ("segment.length", segment.length)
        if experiment.trainer.crops:
            key = "trainer.crop_hop"
        raise ConfigError(
            f"{key}: received {value:g} s, which makes {count:,} segments of a track of "
            f"{seconds:g} s, {_gigabytes(numbers)} together; allowed: at most "
            f"{_gigabytes(MOST_NUMBERS)}; use a larger hop, shorter segments or segment.count"
        )


def _gigabytes(numbers: int) -> str:
    return f"{4e-9 * numbers:.1f} GB"


def _check_media(experiment: Experiment) -> None:
    """Refuse features of what the data set does not have."""
    source, features = experiment.dataset, experiment.features
    if missing := features.media - source.media:
        raise ConfigError(
            f"features={features.name}: needs {' and '.join(sorted(missing))}, but "
            f"dataset={source.name} has {' and '.join(sorted(source.media))}; choose features that "
            "are made of that, or another dataset"
        )


def _refuse_absent(values: Mapping[str, Any]) -> None:
    for group, chosen in values.items():
        if chosen is None:
            raise ConfigError(f"{group}: missing; allowed: {', '.join(choices(group))}")


def _refuse_unknown(rest: Mapping[str, Any]) -> None:
    known = [field.name for field in dataclasses.fields(RunSettings)]
    for key in rest:
        if key not in known:
            allowed = [*GROUPS, *known]
            raise ConfigError(
                f"{key}: unknown key; allowed: {', '.join(allowed)}{nearest(key, allowed)}"
            )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
