"""Golden vectors: inputs of held-out segments with what an exported file must answer to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.features.base import Inputs
from genrecls.runtime.network import Network
from genrecls.training.data import Examples

# One of each genre, in GTZAN; more would fill the flash of a microcontroller.
COUNT = 10


@dataclass(frozen=True, eq=False)
class Golden:
    """A few examples, one a genre as far as there are.

    Attributes:
        inputs: named arrays, first axis examples: features or, where the file takes audio, samples.
        raw: the same as the file takes them (quantised for int8), in the order of its inputs.
        outputs: what the file answers, as it gives it, shape (examples, classes).
        truth: class index of each example.
    """

    inputs: Inputs
    raw: tuple[NDArray[np.generic], ...]
    outputs: NDArray[np.generic]
    truth: NDArray[np.int64]


def chosen(examples: Examples, n_classes: int) -> Examples:
    """Return the first example of each class in turn, up to `COUNT`."""
    firsts = [np.flatnonzero(examples.targets == target)[:COUNT] for target in range(n_classes)]
    turns = [int(rows[turn]) for turn in range(COUNT) for rows in firsts if turn < len(rows)]
    rows = turns[:COUNT]
    return Examples(
        inputs={name: values[rows] for name, values in examples.inputs.items()},
        targets=examples.targets[rows],
        tracks=tuple(examples.tracks[row] for row in rows),
        starts=examples.starts[rows],
    )


def golden(network: Network, inputs: Inputs, truth: NDArray[np.int64]) -> Golden:
    """Return golden vectors of a file.

    Args:
        network: the file.
        inputs: what it takes, of segments that did not train it.
        truth: class index of each segment.
    """
    return Golden(
        inputs=inputs,
        raw=tuple(network.quantised(name, inputs[name]) for name in network.inputs),
        outputs=network.raw_outputs(inputs),
        truth=truth,
    )
