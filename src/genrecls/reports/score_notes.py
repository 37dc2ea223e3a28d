"""What must be said below scores: what their intervals rest on, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genrecls.evaluation.metrics import CALIBRATION_BINS, FEWEST_FOR_CALIBRATION
from genrecls.runs.metrics import PartMetrics


def score_notes(parts: Mapping[str, PartMetrics]) -> list[str]:
    """Return what the scores of `parts` do not say by themselves, each in a sentence or two.

    Args:
        parts: the scores that are shown, by the name of the part.
    """
    return [*_intervals(parts), *_left_out(parts), *_calibration(parts)]


def _intervals(parts: Mapping[str, PartMetrics]) -> Iterator[str]:
    known = {name: part.track for name, part in parts.items() if part.track.cluster is not None}
    if not known:
        yield "Intervals hold 95 %, by bootstrap over tracks."
        return
    cluster = next(iter(known.values())).cluster
    counts = ", ".join(f"{scores.clusters} in the {name} part" for name, scores in known.items())
    yield f"Intervals hold 95 % and take {cluster}s as independent: {counts} (Wilson)."


def _left_out(parts: Mapping[str, PartMetrics]) -> Iterator[str]:
    for name, part in parts.items():
        if genres := part.track.left_out:
            yield (
                f"Macro-F1 and ROC-AUC of the {name} part leave out the "
                f"{'genre' if len(genres) == 1 else 'genres'} without a track in it: "
                f"{', '.join(genres)}."
            )


def _calibration(parts: Mapping[str, PartMetrics]) -> Iterator[str]:
    units = [scores for part in parts.values() for scores in (part.segment, part.track)]
    if any(scores.shown_calibration_error is None for scores in units):
        yield (
            f"Calibration error: the mean gap between probability and share of right answers, over "
            f"{CALIBRATION_BINS} bins. It is not shown below {FEWEST_FOR_CALIBRATION} independent "
            "tracks or artists, where it is mostly noise."
        )
