"""The genre of audio files that nobody has labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genrecls.audio import SUFFIXES, AudioLimits, AudioRejected
from genrecls.console import progress, quiet_libraries
from genrecls.datasets.base import Track
from genrecls.errors import RunError
from genrecls.evaluation.predictions import decide
from genrecls.modelfile import ModelCard, load

if TYPE_CHECKING:
    import keras

_BATCH = 64


@dataclass(frozen=True, eq=False)
class Result:
    """What is said about one file: probabilities, or why there are none.

    Attributes:
        decision: class index that is answered for the whole file.
        probabilities: of the whole file, the mean of its segments, shape (classes,).
        starts, ends: start and end of each segment in seconds, not beyond the end of the file.
        segments: probabilities of each segment, shape (segments, classes).
        error: the reason and its details, or None.
    """

    path: Path
    decision: int = -1
    probabilities: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    starts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    ends: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    segments: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    error: str | None = None


@dataclass(frozen=True)
class Classifier:
    """A trained model that takes audio."""

    model: keras.Model
    card: ModelCard

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Return the classifier in a model file.

        Raises:
            ModelFileError: it cannot be read.
            RunError: it takes something else than audio.
        """
        model, card = load(path)
        if card.features.media != {"audio"}:
            raise RunError(
                f"{path}: this model takes a published {' and '.join(sorted(card.features.media))} "
                f"(features={card.features.name}) and no audio; train with features that are "
                "computed from audio, such as features=picture or features=summary"
            )
        return cls(model, card)

    def describe(self) -> str:
        """Return in one line what the model is and how far it can be trusted."""
        card, score = self.card, self.card.test["track"]["accuracy"]
        generated = "; trained on generated data, not real music" if card.generated else ""
        return (
            f"model {card.run}: accuracy {score:.3f} per track on the test part of {card.dataset} "
            f"({card.split_named}){generated}"
        )

    def classify(self, path: Path) -> Result:
        """Return the probabilities of one file, of any length; a bad file gives its reason."""
        spec, rule = self.card.features, self.card.segment
        try:
            with quiet_libraries():
                samples = spec.read(Track(path.name, path, label=""), AudioLimits())
        except AudioRejected as reason:
            return Result(path, error=f"{reason.code}: {reason.detail}")
        segments = rule.cover(samples, spec)
        found = np.asarray(
            self.model.predict(segments.inputs, batch_size=_BATCH, verbose=0), dtype=np.float64
        )
        seconds = len(samples) / spec.rate
        return Result(
            path,
            decision=decide(found, self.card.vote),
            probabilities=found.mean(axis=0),
            starts=segments.starts,
            # A file shorter than a segment is repeated to fill one, but ends where it ends.
            ends=np.minimum(segments.starts + segments.seconds, seconds),
            segments=found,
        )


def audio_files(paths: Sequence[Path]) -> tuple[list[Path], list[Result]]:
    """Return the files that `paths` name, folders searched for audio, and what was not there."""
    files: dict[Path, None] = {}
    missing: list[Result] = []
    for path in paths:
        if not path.is_dir():
            files[path] = None
            continue
        inside = [
            file
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in SUFFIXES
            and not file.name.startswith("._")
            and not file.is_dir()
        ]
        if not inside:
            missing.append(Result(path, error=f"empty: no audio ({' '.join(SUFFIXES)}) in it"))
        files.update(dict.fromkeys(inside))
    return list(files), missing


def predict_files(classifier: Classifier, files: Sequence[Path]) -> Iterator[Result]:
    """Yield the result of each file, with progress where there are many."""
    if len(files) < 5:
        yield from map(classifier.classify, files)
        return
    with progress("Classifying", total=len(files)) as advance:
        for file in files:
            yield classifier.classify(file)
            advance()
