"""When not to answer: `unknown` below a threshold, and sets that hold the true genre.

Both are read off what a model answered to tracks that did not train it. The threshold is the lowest
at which the answers above it were right often enough (selective classification: R. El-Yaniv and Y.
Wiener, JMLR 2010). The sets are those of split conformal prediction by track (V. Vovk et al., 2005;
the score is one less the probability of the true genre, as in M. Sadinle et al., JASA 2019): over
tracks that are like those, at least the wanted share of sets holds the true genre.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError

MOST_TRACKS = 1000
"""So many answers are kept in a model file; more would make no threshold much surer."""

MOST_INT8 = 255 / 256
"""The largest probability that an int8 file can answer: its steps are 1/256, from 0 on."""

_DIGITS = 4
# A probability may be smaller by this than what was kept of it.
_ROUNDING = 0.5 / 10**_DIGITS


@dataclass(frozen=True)
class HeldOutAnswers:
    """What a model answered to tracks that did not train it.

    Attributes:
        part: where the tracks are from, such as `validation`.
        confidence: probability of the answer to each track.
        right: whether that is the true genre.
        true: probability of the true genre.
    """

    part: str
    confidence: tuple[float, ...]
    right: tuple[bool, ...]
    true: tuple[float, ...]

    @classmethod
    def of(
        cls,
        part: str,
        probabilities: NDArray[np.float64],
        decisions: NDArray[np.int64],
        truth: NDArray[np.int64],
    ) -> HeldOutAnswers:
        """Return them from probabilities, shape (tracks, classes), answers and true classes.

        Of many tracks every so many-th is kept.
        """
        rows = np.arange(0, len(truth), -(-len(truth) // MOST_TRACKS))

        def rounded(classes: NDArray[np.int64]) -> tuple[float, ...]:
            return tuple(round(float(p), _DIGITS) for p in probabilities[rows, classes[rows]])

        right = tuple(bool(each) for each in (decisions == truth)[rows])
        return cls(part, rounded(decisions), right, rounded(truth))

    @classmethod
    def from_card(cls, values: Mapping[str, Any], most: float = 1.0) -> HeldOutAnswers:
        """Return them from plain values, which `is_held_out` has passed.

        Args:
            values: those of a card.
            most: the largest probability that the file can answer. Where a file has the answers of
                the network that it was made of, larger ones of these count as that.
        """
        confidence, true = (
            tuple(min(p, most) for p in values[key]) for key in ("confidence", "true")
        )
        return cls(values["part"], confidence, tuple(values["right"]), true)

    def coverage_curve(self) -> list[tuple[float, float, float]]:
        """Return threshold, share of tracks answered and accuracy among those, from the surest on.

        Tracks of one confidence are answered together.
        """
        order = sorted(zip(self.confidence, self.right, strict=True), reverse=True)
        curve, hits = [], 0
        for count, (confidence, right) in enumerate(order, start=1):
            hits += right
            if count == len(order) or order[count][0] < confidence:
                curve.append((confidence, count / len(order), hits / count))
        return curve

    def threshold(self, accuracy: float) -> float:
        """Return the least confidence from which on answers are right that often.

        It is infinite where no answers are.
        """
        enough = [at for at, _, reached in self.coverage_curve() if reached >= accuracy]
        return min(enough, default=inf)

    def set_threshold(self, coverage: float) -> float | None:
        """Return the least probability of the genres of a set that holds the true one so often.

        It is None where there are too few tracks for that coverage.
        """
        scores = sorted(self.true)
        # A little more, for a product that is a whole number but for rounding.
        place = floor((len(scores) + 1) * (1 - coverage) + 1e-9)
        return scores[place - 1] if place else None


def is_held_out(value: Any) -> bool:
    """Return whether plain values of a stranger are what `HeldOutAnswers` holds."""
    if not isinstance(value, Mapping) or not isinstance(value.get("part"), str):
        return False
    lists: list[Any] = [value.get(key) for key in ("confidence", "true", "right")]
    if not all(isinstance(each, list | tuple) and 0 < len(each) <= MOST_TRACKS for each in lists):
        return False
    confidence, true, right = lists
    return (
        len(confidence) == len(true) == len(right)
        and all(type(p) in {int, float} and 0 <= p <= 1 for p in (*confidence, *true))
        and all(type(each) is bool for each in right)
    )


@dataclass(frozen=True)
class Abstention:
    """How sure an answer has to be, and which genres a set holds.

    Attributes:
        least: below this confidence the answer is `unknown`; None answers always.
        in_set: least probability of the genres of a set; None makes no sets.
    """

    least: float | None = None
    in_set: float | None = None

    def unknown(self, confidence: float) -> bool:
        """Return whether an answer of that probability is none."""
        return self.least is not None and confidence < self.least

    def genres(self, probabilities: Sequence[float] | NDArray[np.float64]) -> tuple[int, ...]:
        """Return the class indices of the set, the most probable first, at least that one."""
        values = np.asarray(probabilities)
        order = np.argsort(-values, kind="stable")
        inside = [int(index) for index in order if values[index] >= (self.in_set or 0.0)]
        return tuple(inside) or (int(order[0]),)


ALWAYS = Abstention()
"""Every answer counts, and there are no sets."""


def abstention_for(
    held_out: HeldOutAnswers | None, accuracy: float | None, coverage: float | None
) -> tuple[Abstention, list[str]]:
    """Return when a model should not answer, with a line about each of both.

    Args:
        held_out: its answers to tracks that did not train it.
        accuracy: how often its answers are to be right; None for always answering.
        coverage: how often a set is to hold the true genre; None for no sets.

    Raises:
        ConfigError: the model has no such answers.
    """
    if accuracy is None and coverage is None:
        return ALWAYS, []
    if held_out is None:
        flag = "--accuracy" if accuracy is not None else "--coverage"
        raise ConfigError(
            f"{flag}: this model does not say what it answered to tracks that it had not heard; "
            "train or export it again"
        )
    least: float | None = None
    in_set: float | None = None
    lines = []
    # Shares are said as they were asked for, whatever the rounding of a product.
    right, whole = (f"{100 * (share or 0.0):.15g}%" for share in (accuracy, coverage))
    tracks = f"{len(held_out.right)} tracks that it had not heard ({held_out.part})"
    if accuracy is not None:
        least = held_out.threshold(accuracy) - _ROUNDING
        sure = [confidence >= least for confidence in held_out.confidence]
        answered = sum(sure) / len(sure)
        lines.append(
            f"unknown below a probability of {_rounded(least, 2)}: at least {right} of the answers "
            f"above it were right on {tracks}, {_rounded(100 * answered, 0, 100)}% of which have "
            "one"
            if answered
            else f"unknown, always: no answers were right {right} of the time on {tracks}"
        )
    if coverage is not None:
        threshold = held_out.set_threshold(coverage)
        in_set = max(0.0, (threshold or 0.0) - _ROUNDING)
        lines.append(
            f"sets have the genres of a probability from {_rounded(in_set, 2)} on, so that "
            f"{whole} of them hold the true one, by {tracks}"
            if threshold is not None
            else f"sets have every genre: {tracks} are too few for {whole}"
        )
    return Abstention(least, in_set), lines


def _rounded(value: float, decimals: int, most: float = 1.0) -> str:
    """Return a value with more decimals where fewer would make it look like nothing or `most`."""
    while 0 < value < most and float(f"{value:.{decimals}f}") in {0.0, most}:
        decimals += 1
    return f"{value:.{decimals}f}"
