"""What a network answers to segments, and how the segments of a track vote about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from genrecls.errors import ModelFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Vote = Literal["mean", "majority"]

# What networks in half precision miss a sum of 1 by; those in single precision miss it by 1e-6.
_INEXACT = 0.01


def check_probabilities(
    probabilities: NDArray[np.floating], n_classes: int, step: float = 0.0
) -> None:
    """Refuse what a network answers to segments where it is no distribution over its classes.

    Args:
        probabilities: shape (segments, classes).
        n_classes: how many there are.
        step: from one value that a probability can have to the next, where an output of 8 bits is
            rounded; 0 where it is not.

    Raises:
        ModelFileError: a value is no number or negative, or those of a segment do not sum to 1.
    """
    import numpy as np

    reason = None
    if probabilities.shape[1:] != (n_classes,):
        reason = f"{n_classes} probabilities for each segment, received {probabilities.shape[1:]}"
    elif not np.isfinite(probabilities).all():
        reason = "probabilities, received values that are no numbers"
    else:
        sums, tolerance = probabilities.sum(axis=1), _INEXACT + n_classes * step
        wrong = (np.abs(sums - 1) > tolerance) | (probabilities < -tolerance).any(axis=1)
        if wrong.any():
            row = probabilities[wrong.argmax()]
            reason = (
                f"probabilities from 0 to 1 that sum to 1, received {row.min():.3g} to "
                f"{row.max():.3g} with the sum {row.sum():.3g}"
            )
    if reason is not None:
        raise ModelFileError(
            f"it does not answer as a classifier: expected {reason}; its file was changed or its "
            "training failed: use another one, or train again"
        )


def decide(probabilities: NDArray[np.float64], rule: Vote) -> int:
    """Return the class index that is answered for a track.

    `mean` takes the largest mean probability; `majority` the most frequent decision of the
    segments, a tie being decided by the mean.

    Args:
        probabilities: of the segments of the track, shape (segments, classes).
        rule: how they vote.
    """
    import numpy as np

    mean = probabilities.mean(axis=0)
    if rule == "mean":
        return int(mean.argmax())
    votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    return int(np.where(votes == votes.max(), mean, -1).argmax())
