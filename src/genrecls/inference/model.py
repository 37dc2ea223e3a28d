"""A trained model as the Python API gives it: it classifies files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from genrecls.config.paths import expanded
from genrecls.console import quiet_libraries
from genrecls.errors import DataError
from genrecls.runtime.abstention import ALWAYS, Abstention

if TYPE_CHECKING:
    from genrecls.runtime.classifier import Classifier
    from genrecls.runtime.result import Result


@dataclass(frozen=True)
class SegmentPrediction:
    """What a model says about one segment of a file, `start` to `end` in seconds."""

    start: float
    end: float
    genres: Mapping[str, float]


@dataclass(frozen=True)
class Prediction:
    """What a model says about one file.

    Attributes:
        path: the file.
        genre: the answer.
        genres: probability of each genre, the most probable one first.
        segments: the same for each segment, in the order of time.
        unknown: whether the answer is less sure than the `accuracy` asks for that was given to
            `load`.
        genre_set: the genres of which one is the true one as often as the `coverage` says that was
            given to `load`, the most probable first; empty without one.
    """

    path: Path
    genre: str
    genres: Mapping[str, float]
    segments: tuple[SegmentPrediction, ...]
    unknown: bool = False
    genre_set: tuple[str, ...] = ()


class Model:
    """A trained model that classifies files; `load` makes it.

    Attributes:
        labels: genres in the order of the model's outputs.
        description: what the model is and how far it can be trusted, in one line.
    """

    def __init__(self, classifier: Classifier, abstention: Abstention = ALWAYS) -> None:
        self._classifier = classifier
        self._abstention = abstention
        self.labels = classifier.labels
        self.description = str(classifier.description)

    @overload
    def predict(self, paths: str | Path) -> Prediction: ...

    @overload
    def predict(self, paths: list[str | Path] | tuple[str | Path, ...]) -> list[Prediction]: ...

    def predict(
        self, paths: str | Path | list[str | Path] | tuple[str | Path, ...]
    ) -> Prediction | list[Prediction]:
        """Return what the model says about a file, or about several in their order.

        Raises:
            DataError: a file cannot be used; the reason is the one of `genrecls predict`.
        """
        if isinstance(paths, str | Path):
            return self._predict(expanded(str(paths), "paths"))
        return [self._predict(expanded(str(path), "paths")) for path in paths]

    def _predict(self, path: Path) -> Prediction:
        with quiet_libraries():
            result: Result = self._classifier.classify(path)
        if result.error is not None:
            raise DataError(f"{path}: {result.error}")

        def by_genre(probabilities: Sequence[float]) -> dict[str, float]:
            pairs = zip(self.labels, map(float, probabilities), strict=True)
            return dict(sorted(pairs, key=lambda pair: -pair[1]))

        abstention, probabilities = self._abstention, result.probabilities
        in_set = () if abstention.in_set is None else abstention.genres(probabilities)
        return Prediction(
            path=path,
            genre=self.labels[result.decision],
            genres=by_genre(result.probabilities.tolist()),
            segments=tuple(
                SegmentPrediction(float(start), float(end), by_genre(row.tolist()))
                for start, end, row in zip(result.starts, result.ends, result.segments, strict=True)
            ),
            unknown=abstention.unknown(float(probabilities[result.decision])),
            genre_set=tuple(self.labels[index] for index in in_set),
        )
