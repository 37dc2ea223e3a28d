"""`sklearn`: a classical classifier, fitted at once by scikit-learn and kept as a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.config.validation import select
from genrecls.features.base import FeatureSpec
from genrecls.models.base import MODELS, Family, Shapes
from genrecls.models.decisions import Statistic
from genrecls.models.estimators import Choice, EstimatorName, EstimatorSettings, Kernel, Scaling
from genrecls.models.music_tagger import MusicTagger
from genrecls.models.musicnn_weights import CORPORA, Corpus

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


@dataclass(frozen=True)
class Backbone(Schema):
    """A published tagger that stays as it is, and whose embedding of a segment is its row.

    Attributes:
        model: the network, see `genrecls.models.musicnn` and `genrecls.models.music_vgg`.
        weights: `msd` (Million Song Dataset) or `mtt` (MagnaTagATune).
        layer: the embedding, as of `model=musicnn` and `model=music_vgg`.
    """

    model: Literal["musicnn", "music_vgg"]
    weights: Corpus
    layer: str

    def tagger(self) -> MusicTagger:
        """Return the family of the network.

        Raises:
            ConfigError: it has no such layer.
        """
        values = {
            "name": self.model,
            "standardise": False,
            "weights": self.weights,
            "weights_from": None,
            "layer": self.layer,
            "normalise": False,
            "dropout": 0.0,
            "train": "head",
            "head": {"units": (), "dropout": 0.0, "activation": "relu", "l2": 0.0},
            "fine_tune": {"epochs": 1, "learning_rate": 1e-5, "from_block": 1},
        }
        family = select(MODELS, values, "model.backbone")
        if not isinstance(family, MusicTagger):
            raise TypeError(f"expected a tagger, received {type(family).__name__}")
        return family


@MODELS.register("sklearn")
@dataclass(frozen=True)
class Sklearn(Family):
    """A classifier of one row a segment: a table row, statistics of pictures, or an embedding.

    Attributes:
        estimator: which one.
        statistics: what is taken of each coefficient of a picture over the frames.
        kernel: of `svm`.
        trees: number of trees of a forest, or rounds of `boosting`.
        candidates: settings that are chosen in the training part.
        folds: parts of the training part that are tried in turn, artists (or tracks) kept whole.
        backbone: the network whose embedding the row is; None where it is made of the features.
    """

    estimator: EstimatorName
    statistics: Annotated[tuple[Statistic, ...], Field(min_length=1)]
    kernel: Kernel
    trees: Annotated[int, Field(gt=0, le=10_000)]
    candidates: Candidates
    folds: Annotated[int, Field(ge=2, le=100)]
    # It came later: runs from before do not say it.
    backbone: Backbone | None = None

    def check(self, shapes: Shapes) -> None:
        """Refuse what is neither a table row nor a picture, or what the backbone cannot take."""
        if self.backbone is not None:
            self.backbone.tagger().check(shapes)
        if not shapes or any(len(shape) not in {1, 2, 3} for shape in shapes.values()):
            raise self.refusal("table rows and pictures", shapes)

    def check_features(self, features: FeatureSpec) -> None:
        """Refuse features that the weights of the backbone have not been trained on."""
        if self.backbone is not None:
            self.backbone.tagger().check_features(features)

    @property
    def pretraining(self) -> str:
        """What the backbone was trained on."""
        return "" if self.backbone is None else CORPORA[self.backbone.weights]

    def fetch(self) -> None:
        """Look for the weights of the backbone."""
        if self.backbone is not None:
            self.backbone.tagger().fetch()

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
