"""Published taggers: what they say of a file over time, as a table or as JSON.

A tagger answers with a probability for each of its fifty tags; they do not exclude each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ModelFileError
from genrecls.inference.front_end import FeatureFrontEnd
from genrecls.models.musicnn_weights import Corpus
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.formats import JsonText, ResultText
from genrecls.runtime.front_end import Inputs
from genrecls.runtime.result import Result
from genrecls.safe_text import for_terminal, one_line

if TYPE_CHECKING:
    import keras

    from genrecls.features.base import FeatureSpec
    from genrecls.features.segmentation import SegmentRule
    from genrecls.models.music_tagger import MusicTagger

TAGGERS: Mapping[str, tuple[str, Corpus]] = {
    "msd_musicnn": ("musicnn", "msd"),
    "mtt_musicnn": ("musicnn", "mtt"),
    "msd_vgg": ("music_vgg", "msd"),
    "mtt_vgg": ("music_vgg", "mtt"),
}
"""Model family and corpus of each published tagger, by its name."""

PARAMETERS: Mapping[str, int] = {"musicnn": 792_079, "music_vgg": 607_030}
"""Parameters of each family with its fifty tags."""

TAGGER_LICENCE = "ISC"

_BATCH = 64
_SHOWN = 5
"""Tags of a segment in a table, the most probable ones."""


class TaggerDescription(ModelDescription):
    """A published tagger; it knows no genres, and there is no score of it here."""

    @property
    def about(self) -> str:
        """Its name and what it learnt from."""
        return f"{self.run} · tags of {self.dataset}"

    def __str__(self) -> str:
        return f"model {self.run}: {len(self.labels)} tags, trained on {self.dataset}"


@dataclass(frozen=True)
class TaggerNetwork:
    """A tagger; see `genrecls.runtime.classifier.Predictor`."""

    model: keras.Model
    features: FeatureSpec
    rule: SegmentRule
    description: TaggerDescription

    takes_samples = False
    rounding = 0.0

    @property
    def front_end(self) -> FeatureFrontEnd:
        """What reads audio for it and makes its patches."""
        return FeatureFrontEnd(self.features)

    @property
    def segment(self) -> Mapping[str, Any]:
        """Its segment rule: one patch after the other."""
        return asdict(self.rule)

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probabilities of patches, shape (patches, tags)."""
        answers = self.model.predict(inputs, batch_size=_BATCH, verbose=0)
        return np.asarray(answers, np.float64)


class Tagger(Classifier):
    """Tags files of any length; the probabilities of a file are the means of its patches."""

    def answers(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probabilities of patches, each of which is between 0 and 1 by itself.

        Raises:
            ModelFileError: the network does not answer as a tagger.
        """
        answers = self.predictor.probabilities(inputs)
        if not ((answers >= 0) & (answers <= 1)).all():
            raise ModelFileError(f"model {self.description.name}: received no probabilities")
        return answers


@dataclass(frozen=True)
class PublishedTagger:
    """A published tagger whose weights are here.

    Attributes:
        family: the network with its weights.
        features: what it takes.
        rule: how its patches are cut: one after the other.
    """

    family: MusicTagger
    features: FeatureSpec
    rule: SegmentRule


def published_tagger(name: str) -> PublishedTagger:
    """Return a published tagger; its network is not made yet.

    Args:
        name: one of `TAGGERS`.

    Raises:
        ModelFileError: its weights are not here; says how to get them.
    """
    from genrecls.config.compose import compose
    from genrecls.config.validation import select, validate
    from genrecls.features.base import FEATURES
    from genrecls.features.segmentation import SegmentRule
    from genrecls.models.base import MODELS
    from genrecls.models.music_tagger import PATCH_FRAMES, MusicTagger
    from genrecls.models.musicnn_weights import AbsentCheckpointError

    family_name, corpus = TAGGERS[name]
    words = ("layer=logits", f"weights={corpus}", "train=head")
    composed = compose(
        "train",
        [f"model={family_name}", "features=musicnn_mel", *(f"model.{word}" for word in words)],
    )
    features, family = select(FEATURES, composed["features"]), select(MODELS, composed["model"])
    if not isinstance(family, MusicTagger):
        raise TypeError(f"expected a tagger, received {type(family).__name__}")
    # Patches are cut from the frames of the whole track, as when the weights were trained.
    seconds = PATCH_FRAMES * features.step / features.rate
    patches = {"length": seconds, "source": "spectrogram", "short_tracks": "repeat"}
    rule = validate(SegmentRule, {**composed["segment"], **patches}, "segment")
    try:
        family.fetch()
    except AbsentCheckpointError as error:
        raise ModelFileError(f"model {name}: {error.absence}") from None
    return PublishedTagger(family, features, rule)


def load_tagger(name: str) -> Tagger:
    """Return a published tagger that classifies files.

    Args:
        name: one of `TAGGERS`.

    Raises:
        ModelFileError: its weights are not here; says how to get them.
    """
    from genrecls.models import tensorflow_setup

    published = published_tagger(name)
    family = published.family
    tensorflow_setup.configure_tensorflow()
    description = TaggerDescription(
        labels=family.tags,
        vote="mean",
        run=name,
        form="",
        dataset=family.pretraining,
        split="",
        generated=False,
        accuracy=float("nan"),
    )
    network = TaggerNetwork(family.tagger(), published.features, published.rule, description)
    return Tagger(network)


class TagJson(JsonText):
    """One list with an object a file: path, tags with their means, and the tags of each patch."""

    def item(self, result: Result) -> str:
        """Return the object of one file."""
        about = {"path": str(result.path), "model": self.model.name}
        if result.error is not None:
            return for_terminal(json.dumps({**about, "error": result.error}, ensure_ascii=False))
        times = zip(result.starts, result.ends, result.segments, strict=True)
        answer = {
            "tags": self._by_tag(result.probabilities),
            "segments": [
                {
                    "start": round(float(start), 3),
                    "end": round(float(end), 3),
                    "tags": self._by_tag(tags),
                }
                for start, end, tags in times
            ],
        }
        return for_terminal(json.dumps({**about, **answer}, ensure_ascii=False, allow_nan=False))

    def _by_tag(self, values: NDArray[np.float64]) -> dict[str, float]:
        return {tag: round(float(p), 6) for tag, p in zip(self.model.labels, values, strict=True)}


class TagTable(ResultText):
    """The most probable tags of each file, and below it those of each of its patches."""

    @property
    def head(self) -> str:
        """Nothing: each file has a heading of its own."""
        return ""

    def item(self, result: Result) -> str:
        """Return the lines of one file."""
        path = one_line(str(result.path))
        if result.error is not None:
            return f"{path}  -  {one_line(result.error)}\n"
        lines = [f"{path}  {self._most_probable(result.probabilities)}"]
        times = zip(result.starts, result.ends, result.segments, strict=True)
        lines += [
            f"{start:8.1f} - {end:6.1f} s  {self._most_probable(tags)}"
            for start, end, tags in times
        ]
        return "\n".join(lines) + "\n"

    def _most_probable(self, values: NDArray[np.float64]) -> str:
        order = np.argsort(-values, kind="stable")[:_SHOWN]
        return ", ".join(f"{self.model.labels[index]} {values[index]:.2f}" for index in order)


def tag_text(layout: Literal["table", "json"], model: ModelDescription) -> ResultText:
    """Return what writes tags in a layout."""
    return TagJson(model) if layout == "json" else TagTable(model)
