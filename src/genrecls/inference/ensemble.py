"""Several trained models that answer as one: the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genrecls.errors import ModelFileError
from genrecls.evaluation.averages import TrackAnswers, average_track
from genrecls.inference.keras_predictor import KerasPredictor
from genrecls.runs.ensemble_card import read_ensemble
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.result import Result


class EnsembleClassifier(Classifier):
    """Classifies files; sound that is still arriving has no segments that all would cut alike.

    Args:
        members: the models, all of the same genres.
        description: of the ensemble.
    """

    def __init__(self, members: Sequence[Classifier], description: ModelDescription) -> None:
        self.members = members
        self.description = description

    @classmethod
    def load(cls, path: Path) -> EnsembleClassifier:
        """Return the ensemble in a file.

        Raises:
            ModelFileError: it, or a model of it, cannot be read or is not the one that it names.
            RunError: a model takes something else than audio.
        """
        card = read_ensemble(path)
        members = [Classifier(KerasPredictor.load(file)) for file in card.model_files(path)]
        for member in members:
            if member.labels != card.labels:
                raise ModelFileError(
                    f"{path}: the genres of its run {member.description.run} are others; make the "
                    "ensemble again"
                )
        return cls(members, ModelDescription.of(vars(card)))

    def classify(self, path: Path) -> Result:
        """Return the mean probabilities of one file; its segments are those of the first model."""
        results = [member.classify(path) for member in self.members]
        for result in results:
            if result.error is not None:
                return result
        first = results[0]
        probabilities = np.mean([result.probabilities for result in results], axis=0)
        answers = [TrackAnswers((r.starts + r.ends) / 2, r.segments) for r in results]
        return Result(
            path,
            decision=int(probabilities.argmax()),
            probabilities=probabilities,
            starts=first.starts,
            ends=first.ends,
            segments=average_track(answers),
        )
