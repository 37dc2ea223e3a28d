"""The segments of one part of a split, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.features.segmenting import Segments
from genrecls.models.base import Normalisation


@dataclass(frozen=True)
class Examples:
    """Segments with their genre, in a fixed order.

    Attributes:
        inputs: named arrays, first axis examples.
        targets: class index of each example.
        tracks: track id of each example.
        starts: start of each example in its track in seconds.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    targets: NDArray[np.int64]
    tracks: tuple[str, ...]
    starts: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.targets)


def gather(
    features: Mapping[str, Segments],
    part: Mapping[str, NDArray[np.int64]],
    classes: Mapping[str, int],
) -> Examples:
    """Return the segments that `part` names.

    Args:
        features: all segments of each track id.
        part: indices of the wanted segments of each track id.
        classes: class index of each track id.
    """
    tracks = list(part)
    names = list(features[tracks[0]].inputs)
    return Examples(
        inputs={
            name: np.concatenate([features[t].inputs[name][part[t]] for t in tracks])
            for name in names
        },
        targets=np.concatenate([np.full(len(part[t]), classes[t]) for t in tracks]),
        tracks=tuple(t for t in tracks for _ in part[t]),
        starts=np.concatenate([features[t].starts[part[t]] for t in tracks]),
    )


def normalisation(examples: Examples) -> dict[str, Normalisation]:
    """Return mean and variance per coefficient of each input; meant for the training part only."""
    found = {}
    for name, values in examples.inputs.items():
        axes = tuple(range(values.ndim - 1))
        found[name] = Normalisation(
            mean=values.mean(axis=axes, dtype=np.float64),
            # A constant coefficient carries nothing; variance 1 keeps it at zero, not infinite.
            variance=_without_zeros(values.var(axis=axes, dtype=np.float64)),
        )
    return found


def class_weights(targets: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Return weights inverse to the frequency of each class, with mean 1 over the examples."""
    counts = np.bincount(targets, minlength=n_classes)
    weights = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights.astype(np.float32)


def missing_classes(examples: Examples, labels: Sequence[str]) -> list[str]:
    """Return the labels of which there is no example."""
    present = set(examples.targets.tolist())
    return [label for index, label in enumerate(labels) if index not in present]


def _without_zeros(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(variance > 0, variance, 1.0)
