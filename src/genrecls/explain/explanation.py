"""From a trained model and an audio file to what decided about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import quiet_libraries
from genrecls.datasets.base import Track
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import ConfigError, DataError, nearest
from genrecls.explain.integrated_gradients import Explainer, baseline
from genrecls.explain.layers import Kernel, activations, chosen_layers, first_kernel
from genrecls.explain.plot_data import Evidence, evidence_of
from genrecls.inference.keras_predictor import KerasPredictor
from genrecls.runtime.classifier import Classifier


@dataclass(frozen=True)
class AudioOrigin:
    """What a figure is about: file, segment, genre and model; `leaky` is how its split was."""

    text: str
    leaky: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Explanation:
    """What decided about one segment of a file.

    Attributes:
        file: name of the file.
        model: the model and how far it can be trusted.
        leaky: whether that trust rests on a leaky split.
        labels: all genres.
        decision: index of the answer for the whole file.
        genre: index of the genre that is explained.
        whole: probabilities of the file, array (genres,).
        segment: probabilities of the segment, array (genres,).
        place: beginning and end of the segment in seconds, not beyond the end of the file.
        odds: log-odds of the genre for an average segment and for this one.
        gap: error of the integral, in nats: the sum of the evidence less the difference of `odds`.
        evidence: of each input.
        activations: outputs of layers, (frames, coefficients, channels), (frames, units) or
            (units,).
        kernel: weights of the first layer; None where it has none.
    """

    file: str
    model: str
    leaky: bool
    labels: tuple[str, ...]
    decision: int
    genre: int
    whole: NDArray[np.float64]
    segment: NDArray[np.float64]
    place: tuple[float, float]
    odds: tuple[float, float]
    gap: float
    evidence: tuple[Evidence, ...]
    activations: Mapping[str, NDArray[np.floating[Any]]]
    kernel: Kernel | None

    @property
    def trained(self) -> AudioOrigin:
        """What a figure of the model alone says below its title."""
        return AudioOrigin(f"model {self.model}", self.leaky)

    @property
    def origin(self) -> AudioOrigin:
        """What a figure of the segment says below its title."""
        first, last = self.place
        return AudioOrigin(f"{self.file}, {first:.2f} to {last:.2f} s · {self.trained}", self.leaky)


def require_genre(genre: str | None, labels: Sequence[str]) -> None:
    """Refuse a genre that a model does not know; None is the answer of the model, whatever it is.

    Raises:
        ConfigError: it is none of the labels.
    """
    if genre is not None and genre not in labels:
        raise ConfigError(
            f"--genre: received '{genre}'; allowed: {', '.join(labels)}{nearest(genre, labels)}"
        )


def explain(
    predictor: KerasPredictor,
    path: Path,
    *,
    layers: Sequence[str] | None = None,
    genre: str | None = None,
    start: float | None = None,
) -> Explanation:
    """Return what decided about one segment of a file.

    Args:
        predictor: the trained network with its description.
        path: an audio file.
        layers: names of the layers whose outputs are wanted; None for the convolutions, or else the
            recurrent layers.
        genre: name of the genre to explain; None for the answer.
        start: second of the file that the segment contains; None for the segment that is surest
            of the genre.

    Raises:
        ConfigError: there is no such layer, genre or moment.
        DataError: the file cannot be used.
        ModelFileError: the network does not answer as a classifier, to the file or to an average
            segment.
    """
    card, model = predictor.card, predictor.model
    layer_names = chosen_layers(model, layers)
    require_genre(genre, card.labels)
    classifier = Classifier(predictor)
    with quiet_libraries():
        result = classifier.classify(path)
    if result.error is not None:
        raise DataError(f"{path}: {result.error}")
    target = result.decision if genre is None else card.labels.index(genre)

    if start is None:
        row = int(result.segments[:, target].argmax())
    else:
        containing = np.flatnonzero((result.starts <= start) & (start < result.ends))
        if not len(containing):
            raise ConfigError(
                f"--start: received {start:g}; allowed: a second of the file that the model hears, "
                f"from 0 to {result.ends.max():.2f}"
            )
        row = int(containing[-1])

    # A prediction keeps no inputs, so the file is read again.
    with quiet_libraries():
        samples = card.features.read(Track(path.name, path, label=""), AudioLimits())
    segments = card.segment.cover(samples, card.features)
    inputs = {name: values[row] for name, values in segments.inputs.items()}

    # The average segment, from which evidence is counted, is in no file that was classified.
    average = baseline(model, inputs)
    classifier.answers({name: np.stack([average[name], inputs[name]]) for name in inputs})

    attribution = Explainer(model).attribute(inputs, target)
    begin, end = float(result.starts[row]), float(result.ends[row])
    place = (begin, begin + card.segment.length)
    return Explanation(
        file=path.name,
        model=str(predictor.description).removeprefix("model "),
        leaky=card.leaky,
        labels=card.labels,
        decision=result.decision,
        genre=target,
        whole=result.probabilities,
        segment=result.segments[row],
        place=(begin, end),
        odds=(attribution.before, attribution.after),
        gap=attribution.gap,
        evidence=tuple(evidence_of(model, card.features, inputs, attribution.weights, place)),
        activations=activations(model, inputs, layer_names),
        kernel=first_kernel(model),
    )
