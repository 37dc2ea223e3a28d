"""Whether one system is better than another: paired tests, their correction, spread over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.evaluation.intervals import difference, wilson
from genrecls.rng import stream

CONFIDENCE = 0.95
RESAMPLES = 10_000
# Signs of the permutation test that are turned into numbers at once.
_AT_ONCE = 4_000_000
FEWEST_DISCORDANT = 25
"""Discordant pairs from which on the chi-square distribution is a good approximation."""


@dataclass(frozen=True)
class SeedSummary:
    """A score over several runs.

    Attributes:
        deviation: sample standard deviation; None for a single run.
        interval: 95 % interval of the mean by Student's t; None for a single run.
    """

    mean: float
    deviation: float | None
    n: int
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Difference:
    """A difference of accuracies over the same tracks.

    Attributes:
        interval: 95 % percentile bootstrap interval, never narrower than few tracks allow.
        p: two-sided, of no difference. Where few tracks differ it may be above 0.05 though the
            interval leaves zero out.
    """

    mean: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same tracks.

    Attributes:
        only_first: tracks that only the first one has right.
        only_second: tracks that only the second one has right.
        exact: whether p is of the binomial distribution.
    """

    only_first: int
    only_second: int
    p: float
    exact: bool


def summarise(values: Sequence[float]) -> SeedSummary:
    """Return mean, standard deviation and t-interval of at least one value."""
    from scipy import stats

    mean, n = statistics.fmean(values), len(values)
    if n == 1:
        return SeedSummary(mean, None, 1, None)
    deviation = statistics.stdev(values)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation / n**0.5
    return SeedSummary(mean, deviation, n, (mean - reach, mean + reach))


def accuracy_interval(
    hits: NDArray[np.int64], counts: NDArray[np.int64], seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean accuracy of runs.

    Runs and clusters (tracks or artists) are drawn at once. A cluster in the test parts of several
    runs is drawn for all of them, because their decisions on it are no independent examples. Such
    an interval is rather too wide than too narrow (the pigeonhole bootstrap, Owen 2007), except on
    few clusters: it is never narrower than that of Wilson for as many independent examples.

    Args:
        hits: (runs, clusters), how many tracks of the cluster the run has right.
        counts: (runs, clusters), how many of them are in the test part of the run.
        seed: of the draws.
    """
    # Equal clusters are counted and not drawn one by one: their numbers are multinomial.
    kinds, sizes = np.unique(np.concatenate([hits, counts]), axis=1, return_counts=True)
    runs, clusters = counts.shape
    rng = stream(seed, "bootstrap of runs and tracks")
    drawn = rng.multinomial(clusters, sizes / clusters, size=RESAMPLES)
    of_hits, of_counts = np.split(drawn @ kinds.T, 2, axis=1)
    by_run = hits.sum(1) / counts.sum(1)
    # On few clusters a draw can miss all those of a run.
    accuracies = np.where(of_counts > 0, of_hits / np.maximum(of_counts, 1), by_run)
    weights = rng.multinomial(runs, np.full(runs, 1 / runs), size=RESAMPLES) / runs
    drawn_bounds = _percentiles((accuracies * weights).sum(axis=1))
    return _wider(drawn_bounds, wilson(float(by_run.mean()), clusters))


def paired_bootstrap(
    gaps: NDArray[np.float64], counts: NDArray[np.int64], seed: int = 0
) -> Difference:
    """Return the mean gap between two systems, its interval by drawing clusters, and p.

    A cluster is a track or all tracks of an artist. One that several test parts hold is drawn with
    all of its answers, because they are no independent examples. The interval is never narrower
    than `intervals.difference` of as many independent examples. p is that of a permutation test:
    without a difference each cluster's gap could as well have the other sign (Fisher 1935). On few
    clusters it stays honest where the share of draws beyond zero would not.

    Args:
        gaps: for each cluster the differences in correctness, summed over its tracks and the test
            parts with them.
        counts: for each cluster the number of these differences.
        seed: of the draws.
    """
    # Equal clusters are counted and not drawn one by one: their numbers are multinomial.
    kinds, sizes = np.unique(np.stack([gaps.round(12), counts], axis=1), axis=0, return_counts=True)
    draws = stream(seed, "paired bootstrap").multinomial(
        len(gaps), sizes / len(gaps), size=RESAMPLES
    )
    # Rounded, so that gaps that cancel out are zero.
    means = ((draws @ kinds[:, 0]) / (draws @ kinds[:, 1])).round(12)
    p = _permutation_p(gaps, seed)
    total = float(counts.sum())
    better, worse = float(gaps.clip(min=0).sum()) / total, float(-gaps.clip(max=0).sum()) / total
    bounds = _wider(_percentiles(means), difference(better, worse, len(gaps)))
    return Difference(float(gaps.sum() / total), bounds, p)


def _wider(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return the interval that holds both."""
    return min(one[0], other[0]), max(one[1], other[1])


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bounds of the middle 95 %."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def _permutation_p(gaps: NDArray[np.float64], seed: int) -> float:
    """Return how often gaps of random signs sum to as much as these do, to either side."""
    signs = stream(seed, "sign flips").integers(2, size=(RESAMPLES, len(gaps)), dtype=np.int8)
    # In blocks, for as numbers of a product they take eight times the memory.
    blocks = [(2 * some - 1) @ gaps for some in np.array_split(signs, -(-signs.size // _AT_ONCE))]
    sums = np.abs(np.concatenate(blocks)).round(9)
    beyond = int((sums >= abs(gaps.sum()).round(9)).sum())
    return (beyond + 1) / (RESAMPLES + 1)


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Return McNemar's test: exact for few discordant tracks, else with continuity correction.

    Source: McNemar 1947; the correction is Edwards' of 1948.

    Args:
        first: for each track whether the first classifier is right.
        second: the same of the second one, for the same tracks.
    """
    from scipy import stats

    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    discordant = one + other
    if discordant == 0:
        return McNemar(0, 0, 1.0, exact=True)
    if discordant < FEWEST_DISCORDANT:
        return McNemar(one, other, float(stats.binomtest(one, discordant).pvalue), exact=True)
    # One discordant track more or less must not count against equality.
    statistic = max(0, abs(one - other) - 1) ** 2 / discordant
    return McNemar(one, other, float(stats.chi2.sf(statistic, 1)), exact=False)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for their number (Holm 1979), in the given order."""
    p = np.asarray(p_values, dtype=np.float64)
    order = p.argsort(kind="stable")
    corrected = np.empty_like(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in corrected]
