"""A trained model in a `model.keras` file, run by TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import RunError
from genrecls.inference.front_end import FeatureFrontEnd
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.front_end import Inputs

if TYPE_CHECKING:
    import keras

    from genrecls.runs.model_file import ModelCard

_BATCH = 64


@dataclass(frozen=True)
class KerasPredictor:
    """A Keras model of audio; see `genrecls.runtime.classifier.Predictor`."""

    model: keras.Model
    card: ModelCard

    takes_samples = False
    rounding = 0.0

    @classmethod
    def load(cls, path: Path) -> KerasPredictor:
        """Return the model in a file.

        Raises:
            ModelFileError: it cannot be read.
            RunError: it takes something else than audio.
        """
        from genrecls.runs.model_file import load

        model, card = load(path)
        if card.features.media != {"audio"}:
            raise RunError(
                f"{path}: this model takes a published {' and '.join(sorted(card.features.media))} "
                f"(features={card.features.name}) and no audio; train with features that are "
                "computed from audio, such as features=mel_image or features=summary"
            )
        return cls(model, card)

    @property
    def description(self) -> ModelDescription:
        """What it is and how far it can be trusted."""
        return ModelDescription.of(vars(self.card))

    @property
    def front_end(self) -> FeatureFrontEnd:
        """What reads audio for it and makes its inputs."""
        return FeatureFrontEnd(self.card.features)

    @property
    def segment(self) -> Mapping[str, Any]:
        """Its segment rule."""
        return asdict(self.card.segment)

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probabilities of segments, shape (segments, classes)."""
        answers = self.model.predict(inputs, batch_size=_BATCH, verbose=0)
        return np.asarray(answers, np.float64)
