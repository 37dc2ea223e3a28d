"""Whether an exported file still says what its model says, on examples that did not train it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genrecls.dsp.votes import Vote
from genrecls.evaluation.predictions import Predictions, by_track
from genrecls.export.settings import Bounds


@dataclass(frozen=True)
class Agreement:
    """How a file compares with Keras on the same segments.

    Attributes:
        parts: parts of the split that the segments belong to.
        difference: largest difference of any probability.
        decisions: share of segments with equal decisions.
        track_accuracy_lost: accuracy per track of Keras less that of the file.
        finite: whether all outputs are numbers.
        constant: whether the file answers the same to every segment, unlike Keras.
    """

    parts: tuple[str, ...]
    segments: int
    tracks: int
    difference: float
    decisions: float
    track_accuracy_lost: float
    finite: bool
    constant: bool

    def facts(self) -> dict[str, Any]:
        """Return plain values for a report."""
        return {**asdict(self), "parts": list(self.parts)}


def compare(keras: Predictions, file: Predictions, vote: Vote, parts: Sequence[str]) -> Agreement:
    """Compare the answers of a file with those of Keras.

    Args:
        keras: of the trained model, one row a segment.
        file: of the exported file, the same rows.
        vote: how the segments of a track decide.
        parts: where the segments are from.
    """
    ours, theirs = file.probabilities, keras.probabilities
    finite = bool(np.isfinite(ours).all())
    tracks = by_track(keras, vote)
    return Agreement(
        parts=tuple(parts),
        segments=len(ours),
        tracks=len(tracks.truth),
        difference=float(np.abs(ours - theirs).max()) if finite else float("inf"),
        decisions=float((file.predicted == keras.predicted).mean()),
        track_accuracy_lost=_accuracy(tracks) - _accuracy(by_track(file, vote)),
        finite=finite,
        constant=bool(np.ptp(ours, axis=0).max() == 0 < np.ptp(theirs, axis=0).max()),
    )


def reason_to_reject(found: Agreement, bounds: Bounds) -> str | None:
    """Return why a file may not be used, with what was found and what is allowed, or None."""
    if not found.finite:
        return "its outputs are not numbers"
    if found.constant:
        return "it answers the same to every segment"
    where = f"on {found.segments} segments of {' and '.join(found.parts)}"
    if bounds.difference is not None and found.difference > bounds.difference:
        return (
            f"a probability differs by {found.difference:.2g} from Keras {where}; allowed: "
            f"{bounds.difference:g}"
        )
    # As with tracks below, a single segment of a few shows nothing.
    least = None if bounds.decisions is None else min(bounds.decisions, 1 - 1 / found.segments)
    if least is not None and found.decisions < least - 1e-9:
        return (
            f"{found.decisions:.1%} of the decisions are those of Keras {where}; allowed: at least "
            f"{bounds.decisions:.1%}, or all but one"
        )
    return _loss(found, bounds.accuracy)


def _loss(found: Agreement, bound: float | None) -> str | None:
    """Return that too much accuracy per track is lost, or None."""
    # With few tracks a single one, decided by a hair, is more than the bound: that shows nothing.
    # A loss of exactly that must not fail by rounding.
    if bound is None or found.track_accuracy_lost <= max(bound, 1 / found.tracks) + 1e-9:
        return None
    return (
        f"{100 * found.track_accuracy_lost:.1f} points of accuracy per track are lost on "
        f"{found.tracks} tracks of {' and '.join(found.parts)}; allowed: {100 * bound:g}, or one "
        "track"
    )


def _accuracy(tracks: Predictions) -> float:
    return float((tracks.truth == tracks.predicted).mean())
