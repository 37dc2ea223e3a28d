"""What is said about one audio file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Result:
    """What is said about one file: probabilities, or why there are none.

    Attributes:
        decision: class index that is answered for the whole file.
        probabilities: of the whole file, the mean of its segments, shape (classes,).
        starts, ends: start and end of each segment in seconds, not beyond the end of the file.
        segments: probabilities of each segment, shape (segments, classes).
        error: the reason and its details, or None.
    """

    path: Path
    decision: int = -1
    probabilities: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    starts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    ends: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    segments: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    error: str | None = None
