"""Examples: the segments of one part of a split with their genres, as arrays.

Inputs that do not fit into memory are in a file that is read where it is looked at.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import DataError
from genrecls.features.cache import TrackFeatures
from genrecls.files.atomic import naming
from genrecls.models.base import Normalisation

# So much of an array is copied at once for a statistic.
_CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Examples:
    """Segments with their genre, in a fixed order.

    Attributes:
        inputs: named arrays, first axis examples.
        targets: class index of each example; -1 where nobody said its genre.
        tracks: track id of each example.
        starts: start of each example in its track in seconds.
        copies: inputs of distorted copies of the examples, in the same order.
        teacher: what a teacher answers to each example, shape (examples, columns), see
            `genrecls.training.distillation`; None without one.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    targets: NDArray[np.int64]
    tracks: tuple[str, ...]
    starts: NDArray[np.float64]
    copies: tuple[Mapping[str, NDArray[np.float32]], ...] = ()
    teacher: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.targets)


def take(examples: Examples, rows: NDArray[np.int64]) -> Examples:
    """Return these rows of the examples and of their copies, without what a teacher says."""

    def chosen(inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        return {name: values[rows] for name, values in inputs.items()}

    return Examples(
        inputs=chosen(examples.inputs),
        targets=examples.targets[rows],
        tracks=tuple(examples.tracks[row] for row in rows),
        starts=examples.starts[rows],
        copies=tuple(chosen(copy) for copy in examples.copies),
    )


def take_turns(genres: Sequence[NDArray[np.int64]], count: int) -> NDArray[np.int64]:
    """Return up to `count` rows: the first of each genre, then the second of each, and so on.

    Args:
        genres: the rows of each genre.
        count: how many at most.
    """
    longest = max(map(len, genres), default=0)
    turns = [rows[turn] for turn in range(longest) for rows in genres if turn < len(rows)]
    return np.asarray(turns[:count], np.int64)


def gather(
    features: Mapping[str, TrackFeatures],
    part: Mapping[str, NDArray[np.int64]],
    classes: Mapping[str, int],
    folder: Path | None = None,
) -> Examples:
    """Return the segments that `part` names, one track after another.

    Args:
        features: of each track id.
        part: indices of the wanted segments of each track id.
        classes: class index of each track id.
        folder: where inputs are put that do not fit into memory; None keeps them in memory.

    Raises:
        DataError: the folder is full.
    """
    count = sum(map(len, part.values()))
    buffers: dict[str, ArrayBuffer] = {}
    starts = []
    for track, indices in part.items():
        segments = features[track].segments
        for name, values in segments.inputs.items():
            if name not in buffers:
                buffers[name] = ArrayBuffer(count, values.shape[1:], folder)
            buffers[name].append(values[indices])
        starts.append(segments.starts[indices])
    return Examples(
        inputs={name: buffer.array() for name, buffer in buffers.items()},
        targets=np.concatenate([np.full(len(part[t]), classes[t]) for t in part]),
        tracks=tuple(t for t in part for _ in part[t]),
        starts=np.concatenate(starts),
    )


def join(one: Examples, other: Examples, folder: Path | None = None) -> Examples:
    """Return the examples of both, without copies and teachers.

    Args:
        one: those in front.
        other: those behind, of the same inputs.
        folder: where inputs are put that do not fit into memory; None keeps them in memory.

    Raises:
        DataError: the folder is full.
    """
    inputs = {}
    for name, values in one.inputs.items():
        buffer = ArrayBuffer(len(one) + len(other), values.shape[1:], folder)
        for part in (values, other.inputs[name]):
            for rows in chunks(part):
                buffer.append(rows)
        inputs[name] = buffer.array()
    return Examples(
        inputs=inputs,
        targets=np.concatenate([one.targets, other.targets]),
        tracks=(*one.tracks, *other.tracks),
        starts=np.concatenate([one.starts, other.starts]),
    )


def normalisation(
    examples: Examples, names: Collection[str] | None = None
) -> dict[str, Normalisation]:
    """Return mean and variance per coefficient of each input; meant for the training part only.

    Args:
        examples: the part.
        names: the inputs; None for all.
    """
    statistics = {}
    for name in examples.inputs if names is None else names:
        values = examples.inputs[name]
        axes = tuple(range(values.ndim - 1))
        count = prod(values.shape[:-1])
        parts = chunks(values)
        mean = sum(part.sum(axis=axes, dtype=np.float64) for part in parts) / count
        variance = sum(np.square(part - mean).sum(axis=axes) for part in parts) / count
        # A constant coefficient carries nothing; variance 1 keeps it at zero, not infinite.
        statistics[name] = Normalisation(mean, np.where(variance > 0, variance, 1.0))
    return statistics


def class_weights(targets: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Return weights inverse to the frequency of each class, with mean 1 over the examples."""
    counts = np.bincount(targets, minlength=n_classes)
    weights = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights.astype(np.float32)


def missing_classes(examples: Examples, labels: Sequence[str]) -> list[str]:
    """Return the labels of which there is no example."""
    present = set(examples.targets.tolist())
    return [label for index, label in enumerate(labels) if index not in present]


class ArrayBuffer:
    """An array of float32 that is filled row by row, in memory or in a file.

    The file has no name: it is gone with the array or the process, however that ends.

    Args:
        count: number of rows to come.
        shape: of one row.
        folder: where the file is made; None keeps the rows in memory.
    """

    def __init__(self, count: int, shape: tuple[int, ...], folder: Path | None) -> None:
        self._shape = (count, *shape)
        self._folder = folder
        self._filled = 0
        if folder is None:
            self._memory = np.empty(self._shape, np.float32)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives with the array

    def append(self, rows: NDArray[np.float32]) -> None:
        """Add rows, shape (rows, *shape).

        Raises:
            DataError: the disk is full.
        """
        if self._folder is None:
            self._memory[self._filled : self._filled + len(rows)] = rows
            self._filled += len(rows)
            return
        try:
            self._file.write(np.ascontiguousarray(rows, np.float32).data)
        except OSError as error:
            needed = prod(self._shape) * 4 / 1e9
            raise DataError(
                f"{self._folder}: the examples cannot be written ({error.strerror or error}); they "
                f"need {needed:.1f} GB there: free space, set another data_root, or keep them in "
                "memory with a larger memory_gb"
            ) from error

    def array(self) -> NDArray[np.float32]:
        """Return all rows; those of a file are read from it when they are looked at."""
        if self._folder is None:
            return self._memory
        with naming(self._folder), self._file as file:
            file.flush()
            # The map holds the content of the file after it is closed.
            return np.memmap(file, np.float32, mode="r", shape=self._shape)


def chunks(array: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
    """Return `array` in views of whole rows, each small enough to be copied."""
    rows = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    return [array[start : start + rows] for start in range(0, len(array), rows)]
