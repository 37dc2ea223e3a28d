"""Scores of published systems under their own protocol, on random tracks, on an honest split."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from genrecls.evaluation.significance import summarise
from genrecls.runs.metrics import RunMetrics, united
from genrecls.runs.published import Published
from genrecls.splits.base import SPLITS

Protocol = Literal["published", "tracks", "honest"]
PROTOCOLS: dict[Protocol, str] = {
    "published": "published protocol",
    "tracks": "random tracks",
    "honest": "honest split",
}
UNITS = ("segment", "track")


@dataclass(frozen=True)
class Score:
    """Test accuracy over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return summarise(self.values).mean

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation over the seeds; None for a single one."""
        return summarise(self.values).deviation

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {self.deviation:.3f}"
        return f"{self.mean:.3f}{spread}"


@dataclass(frozen=True)
class ProtocolScores:
    """A preset under one protocol.

    Attributes:
        split: name of the split with what it leaks.
        fixed: whether all seeds have the same test part.
        data: data set and number of tracks.
        test: test segments and tracks (of the first seed).
        scores: test accuracy per `segment` and per `track`.
        runs: names of the runs.
    """

    split: str
    fixed: bool
    data: str
    test: Mapping[str, int]
    scores: Mapping[str, Score]
    runs: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of seeds."""
        return len(self.runs)


@dataclass(frozen=True)
class ReproducedSystem:
    """A published system with its figure and ours.

    Attributes:
        cells: by protocol; a protocol without finished runs is absent.
        missing: why there are none, or not all; empty otherwise.
        changed: words that make it another system than the published one; empty otherwise.
    """

    preset: str
    published: Published
    cells: Mapping[Protocol, ProtocolScores] = field(default_factory=dict)
    missing: str = ""
    changed: str = ""

    @property
    def difference(self) -> float | None:
        """Ours under the published protocol less the reported figure, in the reported unit."""
        cell = self.cells.get("published")
        if cell is None:
            return None
        return cell.scores[self.published.unit].mean - self.published.accuracy

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the difference; None where a single seed tells nothing of the spread.

        Three parts, added as squares: that of our mean over seeds by Student's t, the binomial one
        of the reported figure where its number of examples is known, and the binomial one of our
        test part where all seeds share it; where each seed has its own, it is in their spread.
        """
        difference, cell = self.difference, self.cells.get("published")
        unit = self.published.unit
        if difference is None or cell is None or cell.n < 2:
            return None
        ours = summarise(cell.scores[unit].values)
        low, high = ours.interval or (ours.mean, ours.mean)
        half_widths = [
            (high - low) / 2,
            _binomial_half_width(self.published.accuracy, self.published.count),
        ]
        if cell.fixed:
            half_widths.append(_binomial_half_width(ours.mean, cell.test[unit]))
        half = math.hypot(*half_widths)
        return difference - half, difference + half


def _binomial_half_width(accuracy: float, count: int | None) -> float:
    """Return half of the 95 % interval of an accuracy on so many examples (normal, binomial)."""
    return 1.96 * math.sqrt(accuracy * (1 - accuracy) / count) if count else 0.0


def protocol_scores(metrics: Mapping[str, RunMetrics]) -> ProtocolScores:
    """Return the scores of finished runs of one preset and protocol.

    Args:
        metrics: the metrics of each run by its name, one run a seed and at least one.
    """
    first = next(iter(metrics.values()))
    return ProtocolScores(
        split=united([each.split for each in metrics.values()]).title,
        fixed=SPLITS[first.split.name].published is not None,
        data=f"{first.dataset.name}, {first.dataset.tracks} tracks",
        test={unit: first.test.of(unit).count for unit in UNITS},
        scores={
            unit: Score(tuple(each.test.of(unit).accuracy for each in metrics.values()))
            for unit in UNITS
        },
        runs=tuple(metrics),
    )
