"""The estimators of scikit-learn that `model=sklearn` offers, and what they learn as arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.models.base import Normalisation
from genrecls.models.decisions import (
    Array,
    Decision,
    KernelDecision,
    LinearDecision,
    NeighbourDecision,
    TreeDecision,
    VotingDecision,
)

EstimatorName = Literal["svm", "logistic", "random_forest", "extra_trees", "boosting", "knn"]
Kernel = Literal["linear", "rbf"]
Scaling = Literal["standard", "robust", "none"]
"""Of the columns: by mean and deviation, by median and quartiles, or not at all."""

Choice = Mapping[str, Any]
"""Settings that inner folds have chosen, by key."""

_MOST_STEPS = 2000
# A vote is tanh of so many margins. Plain sums of margins decide otherwise than a support vector
# machine, and worse: 94 of 160 tracks where its votes have 104 (docs/how_to/classical.md).
_STEEPNESS = 4.0
_LEAST = 1e-7
"""A probability of 0 counts as this, as in the loss of networks."""
# The quartiles of a normal distribution are so many deviations apart.
_QUARTILES = 1.349


@dataclass(frozen=True)
class EstimatorSettings:
    """An estimator with all its settings.

    Attributes:
        choice: its keys `scaling`, `c`, `gamma`, `leaf` and `neighbours`, as far as it has them.
        trees: number of trees, or of rounds of boosting.
        seed: of what is random about it.
    """

    name: EstimatorName
    choice: Choice
    kernel: Kernel
    trees: int
    seed: int


@dataclass(frozen=True, eq=False)
class Fit:
    """An estimator after its fit.

    Attributes:
        estimator: of scikit-learn.
        scaling: of the columns; None where they are taken as they are.
        n_classes: number of genres, among them those that the examples did not have.
    """

    settings: EstimatorSettings
    estimator: Any
    scaling: Normalisation | None
    n_classes: int

    @property
    def has_margins(self) -> bool:
        """Whether `scores` are margins or sums, of which a softmax must know how sharp it is."""
        return self.settings.name in {"svm", "logistic"}

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return scores whose softmax are probabilities, shape (segments, classes)."""
        rows = _scaled(rows, self.scaling)
        if self.has_margins:
            margins = np.atleast_2d(self.estimator.decision_function(rows).T)
            if self.settings.name == "svm":
                votes = np.tanh(_STEEPNESS * margins.T)
                own = votes @ _votes_of_pairs(len(self.estimator.classes_))
            else:
                own = _both_sides(margins).T
        else:
            own = np.log(np.maximum(self.estimator.predict_proba(rows), _LEAST))
        # A genre that no example had is the least likely one.
        scores = np.repeat(own.min(axis=1, keepdims=True), self.n_classes, axis=1)
        scores[:, self.estimator.classes_] = own
        return scores

    def decision(self, sharpness: float) -> Decision:
        """Return what was learnt; all genres must have had examples.

        Args:
            sharpness: what scores are multiplied by before the softmax, where they are margins.
        """
        learnt = self.estimator
        if self.settings.name == "svm":
            votes = sharpness * _votes_of_pairs(self.n_classes)
            weights, bias = _STEEPNESS * _weights_of_pairs(learnt), _STEEPNESS * learnt.intercept_
            if self.settings.kernel == "linear":
                return VotingDecision(learnt.support_vectors_.T @ weights, bias, votes)
            voting = VotingDecision(weights, bias, votes)
            return KernelDecision(learnt.support_vectors_, float(learnt.gamma), voting)
        if self.settings.name == "logistic":
            weights, bias = _both_sides(learnt.coef_).T, _both_sides(learnt.intercept_)
            return LinearDecision(weights * sharpness, bias * sharpness)
        if self.settings.name == "knn":
            genres = np.eye(self.n_classes)[learnt.classes_[learnt._y]]
            return NeighbourDecision(learnt._fit_X, genres, learnt.n_neighbors)
        return _trees(learnt, self.n_classes)


def fit(
    settings: EstimatorSettings,
    rows: NDArray[np.float32],
    targets: NDArray[np.int64],
    n_classes: int,
    weights: NDArray[np.floating[Any]] | None = None,
) -> Fit:
    """Fit an estimator to rows (examples, columns).

    Args:
        settings: of the estimator.
        rows: the examples.
        targets: class index of each; some classes may be absent.
        n_classes: number of genres.
        weights: of each example; None where all count the same.
    """
    from sklearn.exceptions import ConvergenceWarning

    scaling = _scaling(settings.choice.get("scaling", "none"), rows)
    estimator = _estimator(settings, rows.shape[1])
    weighed = {} if weights is None else {"sample_weight": weights}
    with warnings.catch_warnings():
        # What is not quite at its best is judged by the inner folds like all others.
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(_scaled(rows, scaling), targets, **weighed)
    return Fit(settings, estimator, scaling, n_classes)


def _estimator(settings: EstimatorSettings, columns: int) -> Any:
    from sklearn import ensemble, linear_model, neighbors, svm

    choice, seed = settings.choice, settings.seed
    if settings.name == "svm":
        own = {"gamma": choice["gamma"] / columns} if settings.kernel == "rbf" else {}
        shape = "ovo"
        return svm.SVC(C=choice["c"], kernel=settings.kernel, decision_function_shape=shape, **own)
    if settings.name == "logistic":
        return linear_model.LogisticRegression(C=choice["c"], max_iter=_MOST_STEPS)
    if settings.name == "knn":
        return neighbors.KNeighborsClassifier(choice["neighbours"], algorithm="brute")
    grown = {"min_samples_leaf": choice["leaf"], "random_state": seed}
    if settings.name == "boosting":
        # Friedman, "Stochastic gradient boosting", 2002: part of the examples and columns a tree.
        return ensemble.GradientBoostingClassifier(
            n_estimators=settings.trees, subsample=0.8, max_features="sqrt", **grown
        )
    forests = {
        "random_forest": ensemble.RandomForestClassifier,
        "extra_trees": ensemble.ExtraTreesClassifier,
    }
    return forests[settings.name](n_estimators=settings.trees, n_jobs=-1, **grown)


def _scaling(name: Scaling, rows: NDArray[np.float32]) -> Normalisation | None:
    if name == "none":
        return None
    if name == "standard":
        mean, variance = rows.mean(axis=0, dtype=np.float64), rows.var(axis=0, dtype=np.float64)
    else:
        low, mean, high = np.percentile(rows.astype(np.float64), (25, 50, 75), axis=0)
        variance = np.square((high - low) / _QUARTILES)
    return Normalisation(mean, np.where(variance > 0, variance, 1.0))


def _scaled(rows: NDArray[np.float32], scaling: Normalisation | None) -> NDArray[np.floating[Any]]:
    return rows if scaling is None else (rows - scaling.mean) / scaling.deviation


def _both_sides(one: Array) -> Array:
    """Return a row for each of two classes where scikit-learn keeps one for both."""
    return np.concatenate([-one / 2, one / 2]) if one.shape[0] == 1 else one


def _pairs(n_classes: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)]


def _votes_of_pairs(n_classes: int) -> Array:
    """Return what each pair gives each class: its mean vote over the pairs that it is in.

    A pair votes for its first class where its margin is positive; of the only pair of two classes
    scikit-learn has it the other way round.
    """
    votes = np.zeros((n_classes * (n_classes - 1) // 2, n_classes))
    for row, (i, j) in zip(votes, _pairs(n_classes), strict=True):
        row[[i, j]] = (-1, 1) if n_classes == 2 else (1, -1)
    return votes / (n_classes - 1)


def _weights_of_pairs(svc: Any) -> Array:
    """Return the weight of each support vector in the margin of each pair, (vectors, pairs).

    Row `k` of scikit-learn's `dual_coef_` holds the weights of a vector against the k-th of the
    other classes (C.-C. Chang and C.-J. Lin, "LIBSVM", 2011).
    """
    n_classes, ends = len(svc.classes_), np.cumsum(svc.n_support_)
    vectors = [slice(end - n, end) for n, end in zip(svc.n_support_, ends, strict=True)]
    weights = np.zeros((len(svc.support_), n_classes * (n_classes - 1) // 2))
    for pair, (i, j) in enumerate(_pairs(n_classes)):
        weights[vectors[i], pair] = svc.dual_coef_[j - 1, vectors[i]]
        weights[vectors[j], pair] = svc.dual_coef_[i, vectors[j]]
    return weights


def _trees(ensemble: Any, n_classes: int) -> TreeDecision:
    """Return the trees of a forest, or of gradient boosting: for each round one for each class."""
    boosted = hasattr(ensemble, "learning_rate")
    rounds = np.asarray(ensemble.estimators_, object).reshape(len(ensemble.estimators_), -1)
    trees = [each.tree_ for each in rounds.ravel()]
    first = np.cumsum([0, *(tree.node_count for tree in trees)])
    inner = np.concatenate([tree.children_left >= 0 for tree in trees])
    leaf = np.arange(first[-1])

    def of_nodes(name: str, outside: Any, shift: bool = False) -> NDArray[Any]:
        """Return something of all inner nodes, and `outside` in its place for leaves."""
        parts = [
            getattr(tree, name) + (start if shift else 0)
            for tree, start in zip(trees, first, strict=False)
        ]
        return np.where(inner, np.concatenate(parts), outside)

    values = np.concatenate([tree.value[:, 0, :] for tree in trees])
    if boosted:
        # The trees of a round are those of the classes in turn; of two only the second has one.
        classes = np.arange(n_classes) if n_classes > 2 else np.array([1])
        class_of = np.repeat(np.tile(classes, len(rounds)), np.diff(first))
        values = ensemble.learning_rate * values * (class_of[:, None] == np.arange(n_classes))
    return TreeDecision(
        roots=first[:-1],
        feature=of_nodes("feature", 0),
        threshold=of_nodes("threshold", 0.0),
        left=of_nodes("children_left", leaf, shift=True),
        right=of_nodes("children_right", leaf, shift=True),
        values=values,
        depth=max(tree.max_depth for tree in trees),
        bias=np.log(ensemble.init_.class_prior_) if boosted else None,
    )
