"""The examples of the training part that set the scales of an int8 network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genrecls.features.base import Inputs
from genrecls.rng import stream
from genrecls.training.data import Examples, take_turns


@dataclass(frozen=True, eq=False)
class Calibration:
    """Examples to calibrate with.

    Attributes:
        inputs: named arrays, first axis examples.
        tracks: ids of the tracks that they come from, sorted.
    """

    inputs: Inputs
    tracks: tuple[str, ...]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def choose_calibration(train: Examples, count: int, seed: int) -> Calibration:
    """Return up to `count` examples, as many of each genre as of any other if there are enough.

    The quietest and the loudest of the part are always among them: what lies beyond the scale of
    an input is cut off, and the answer to a silent passage would be nonsense.

    Args:
        train: the training part; no other part may set a scale.
        count: number of examples beside those two of each input.
        seed: run seed.
    """
    draws = stream(seed, "calibration")
    genres = [draws.permutation(np.flatnonzero(train.targets == g)) for g in set(train.targets)]
    flat = [values.reshape(len(train), -1) for values in train.inputs.values()]
    extremes = [row for x in flat for row in (x.min(axis=1).argmin(), x.max(axis=1).argmax())]
    rows = np.union1d(take_turns(genres, count), np.asarray(extremes, np.int64))
    return Calibration(
        inputs={name: values[rows] for name, values in train.inputs.items()},
        tracks=tuple(sorted({train.tracks[row] for row in rows})),
    )
