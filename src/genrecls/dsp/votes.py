"""How the segments of a track vote about it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vote = Literal["mean", "majority"]


def decide(probabilities: NDArray[np.float64], rule: Vote) -> int:
    """Return the class index that is answered for a track.

    `mean` takes the largest mean probability; `majority` the most frequent decision of the
    segments, a tie being decided by the mean.

    Args:
        probabilities: of the segments of the track, shape (segments, classes).
        rule: how they vote.
    """
    mean = probabilities.mean(axis=0)
    if rule == "mean":
        return int(mean.argmax())
    votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    return int(np.where(votes == votes.max(), mean, -1).argmax())
