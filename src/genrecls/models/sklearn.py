"""`sklearn`: a classical classifier, fitted at once by scikit-learn and kept as a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.models.base import MODELS, Family, Shapes
from genrecls.models.decisions import Statistic
from genrecls.models.estimators import Choice, EstimatorName, EstimatorSettings, Kernel, Scaling

TRAINER_KEYS = ("trainer.monitor", "trainer.class_weights")
"""What of the trainer a model has that is fitted at once; all else there is about steps."""


@dataclass(frozen=True)
class Candidates(Schema):
    """The values that inner folds choose among; of a single one there is nothing to choose.

    Attributes:
        scaling: of the columns; trees need none.
        c: inverse strength of the penalty of `svm` and `logistic`.
        gamma: sharpness of the rbf kernel, times the number of columns.
        leaf: least segments in a leaf of a tree.
        neighbours: how many neighbours of `knn` vote.
    """

    scaling: Annotated[tuple[Scaling, ...], Field(min_length=1)]
    c: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]
    gamma: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]
    leaf: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    neighbours: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


@MODELS.register("sklearn")
@dataclass(frozen=True)
class Sklearn(Family):
    """A classifier of one row of columns a segment: table rows, and statistics of pictures.

    Attributes:
        estimator: which one.
        statistics: what is taken of each coefficient of a picture over the frames.
        kernel: of `svm`.
        trees: number of trees of a forest, or rounds of `boosting`.
        candidates: settings that are chosen in the training part.
        folds: parts of the training part that are tried in turn, artists (or tracks) kept whole.
    """

    estimator: EstimatorName
    statistics: Annotated[tuple[Statistic, ...], Field(min_length=1)]
    kernel: Kernel
    trees: Annotated[int, Field(gt=0, le=10_000)]
    candidates: Candidates
    folds: Annotated[int, Field(ge=2, le=100)]

    def check(self, shapes: Shapes) -> None:
        """Refuse what is neither a table row nor a picture."""
        if not shapes or any(len(shape) not in {1, 2, 3} for shape in shapes.values()):
            raise self.refusal("table rows and pictures", shapes)

    def choices(self) -> Sequence[Choice]:
        """Return the settings to choose among, each by key."""
        keys = {
            "svm": ("scaling", "c", *(("gamma",) if self.kernel == "rbf" else ())),
            "logistic": ("scaling", "c"),
            "knn": ("scaling", "neighbours"),
        }.get(self.estimator, ("leaf",))
        values = [getattr(self.candidates, key) for key in keys]
        return [dict(zip(keys, combination, strict=True)) for combination in product(*values)]

    def settings(self, choice: Choice, seed: int) -> EstimatorSettings:
        """Return the estimator with one of the choices."""
        return EstimatorSettings(self.estimator, choice, self.kernel, self.trees, seed)
