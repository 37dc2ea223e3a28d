"""Golden vectors: inputs of held-out segments with what an exported file must answer to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.features.base import Inputs
from genrecls.runtime.network import Network
from genrecls.training.examples import Examples

# One of each genre, in GTZAN; more would fill the flash of a microcontroller.
COUNT = 10


@dataclass(frozen=True, eq=False)
class Golden:
    """A few examples, one a genre as far as there are.

    Attributes:
        inputs: named arrays, first axis examples, as the features give them.
        raw: the same as the file takes them (quantised for int8), in the order of its inputs.
        outputs: what the file answers, as it gives it, shape (examples, classes).
        truth: class index of each example.
    """

    inputs: Inputs
    raw: tuple[NDArray[np.generic], ...]
    outputs: NDArray[np.generic]
    truth: NDArray[np.int64]


def choose_rows(examples: Examples, n_classes: int) -> NDArray[np.int64]:
    """Return the first example of each class in turn, up to `COUNT`."""
    firsts = [np.flatnonzero(examples.targets == target)[:COUNT] for target in range(n_classes)]
    turns = [rows[turn] for turn in range(COUNT) for rows in firsts if turn < len(rows)]
    return np.asarray(turns[:COUNT], np.int64)


def golden(network: Network, examples: Examples, n_classes: int) -> Golden:
    """Return golden vectors of a file with the entrance `features`.

    Args:
        network: the file.
        examples: of a part that did not train it.
        n_classes: number of genres.
    """
    rows = choose_rows(examples, n_classes)
    inputs = {name: examples.inputs[name][rows] for name in network.inputs}
    return Golden(
        inputs=inputs,
        raw=tuple(network.quantised(name, values) for name, values in inputs.items()),
        outputs=network.raw_outputs(inputs),
        truth=examples.targets[rows],
    )
