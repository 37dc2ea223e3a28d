"""The genre of audio files that nobody has labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from genrecls.console import progress, quiet_libraries
from genrecls.dsp.audio import SUFFIXES, AudioLimits, AudioRejected
from genrecls.errors import ModelFileError, RunError
from genrecls.runtime.result import Result, result_of

if TYPE_CHECKING:
    import keras

    from genrecls.runs.model_file import ModelCard

_BATCH = 64
_SUFFIXES = (".keras", ".tflite")


class FileClassifier(Protocol):
    """What classifies files, whatever runs its network."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Genres in the order of the probabilities."""

    @property
    def about(self) -> str:
        """The run and how its data were split."""

    def describe(self) -> str:
        """Return in one line what the model is and how far it can be trusted."""

    def classify(self, path: Path) -> Result:
        """Return the probabilities of one file, of any length; a bad file gives its reason."""


def classifier_of(path: Path) -> FileClassifier:
    """Return the classifier in a model file: an exported one needs no TensorFlow.

    Raises:
        ModelFileError: it cannot be read.
        RunError: it takes something else than audio, or something is not installed.
    """
    if not is_exported(path):
        return KerasClassifier.load(path)
    from genrecls.runtime.classifier import TFLiteClassifier

    return TFLiteClassifier.load(path)


def names_model_file(path: Path) -> bool:
    """Return whether `path` means a model file, there or not, rather than a run."""
    return path.suffix.lower() in _SUFFIXES or path.is_file()


def is_exported(path: Path) -> bool:
    """Return whether a model file is a TFLite one, whatever its name, rather than one of Keras.

    Raises:
        ModelFileError: it is neither.
    """
    if _begins_as_tflite(path) or path.suffix.lower() == ".tflite":
        return True
    # Keras itself reads files of this name alone.
    if path.suffix != ".keras":
        raise ModelFileError(
            f"{path}: not a TFLite file and its name does not end in .keras; expected a "
            "model.keras or .tflite of genrecls"
        )
    return False


def _begins_as_tflite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(8)[4:] == b"TFL3"
    except OSError:
        # Whoever reads all of it says what is the matter.
        return False


@dataclass(frozen=True)
class KerasClassifier:
    """A trained model that takes audio."""

    model: keras.Model
    card: ModelCard

    @classmethod
    def load(cls, path: Path) -> KerasClassifier:
        """Return the classifier in a model file.

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
    def labels(self) -> tuple[str, ...]:
        """Genres in the order of the probabilities."""
        return self.card.labels

    @property
    def about(self) -> str:
        """The run and how its data were split."""
        generated = " · trained on generated data" if self.card.generated else ""
        return f"{self.card.run} · {self.card.split_named}{generated}"

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
        from genrecls.datasets.base import Track

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
        return result_of(path, self.card.vote, found, segments.starts, segments.seconds, seconds)


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


def predict_files(classifier: FileClassifier, files: Sequence[Path]) -> Iterator[Result]:
    """Yield the result of each file, with progress where there are many."""
    if len(files) < 5:
        yield from (_classified(classifier, file) for file in files)
        return
    with progress("Classifying", total=len(files)) as advance:
        for file in files:
            yield _classified(classifier, file)
            advance()


def _classified(classifier: FileClassifier, file: Path) -> Result:
    with quiet_libraries():
        return classifier.classify(file)
