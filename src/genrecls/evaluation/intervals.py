"""95 % intervals of scores that hold on few examples, and on examples that come in clusters.

A bootstrap of four tracks that are all right has no width. How often these intervals hold the true
score is shown by `python scripts/score_noise.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.959963984540054
"""Of the standard normal distribution, 95 % lie between -Z and Z."""


def wilson(share: float, size: float) -> tuple[float, float]:
    """Return the interval of a share of independent examples.

    It holds on few examples, and where all or none of them are right (Wilson 1927; one of the two
    that Brown, Cai and DasGupta 2001 recommend for 40 examples or fewer).

    Args:
        share: of examples that are right.
        size: number of examples, which need not be whole.
    """
    centre = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    reach = Z / (1 + Z**2 / size) * (share * (1 - share) / size + (Z / size) ** 2 / 4) ** 0.5
    # Rounding must not put the share itself outside.
    return max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach))


def difference(better: float, worse: float, size: float) -> tuple[float, float]:
    """Return the interval of the difference of two shares of the same examples.

    Wilson's intervals of both are squared and added (Newcombe 1998), so that it has a width where
    the two never differ or always do.

    Args:
        better: share of examples that only the first one has right.
        worse: share that only the second one has right.
        size: number of examples.
    """
    (low, high), (low_worse, high_worse) = wilson(better, size), wilson(worse, size)
    down = ((better - low) ** 2 + (high_worse - worse) ** 2) ** 0.5
    up = ((high - better) ** 2 + (worse - low_worse) ** 2) ** 0.5
    return better - worse - down, better - worse + up


@dataclass(frozen=True)
class Sampling:
    """How a score depends on its examples, of which those of one cluster may be alike.

    Attributes:
        clusters: number of the cluster of each example, from 0 without gaps.
        weights: share of each example in the score; they sum to 1.
        influences: by how much each example moves the score, to first order; they sum to 0.
        estimated: number of means that the influences are deviations from.
    """

    clusters: NDArray[np.int64]
    weights: NDArray[np.float64]
    influences: NDArray[np.float64]
    estimated: int = 1

    def interval(self, score: float) -> tuple[float, float]:
        """Return Wilson's interval for as many independent examples as say as much."""
        return wilson(score, self.size)

    @property
    def size(self) -> float:
        """Number of independent examples that would say as much.

        It is the number of examples divided by the design effect, with a correction for few
        clusters (Korn and Graubard 1998), but not below the number of clusters: they say least
        where all examples of one are the same. That is assumed where no variance is to be seen,
        as where all are right. Unequal weights make both numbers smaller (Kish 1965).
        """
        from scipy import stats

        most = float(1 / np.square(self.weights).sum())
        fewest = float(1 / np.square(np.bincount(self.clusters, self.weights)).sum())
        clusters = int(self.clusters.max()) + 1
        freedom = clusters - self.estimated
        of_clusters = float(np.square(np.bincount(self.clusters, self.influences)).sum())
        if clusters == len(self.clusters) or freedom < 1 or of_clusters < 1e-12:
            return fewest
        effect = of_clusters / float(np.square(self.influences).sum())
        few = freedom / clusters * (Z / float(stats.t.ppf(0.975, freedom))) ** 2
        return min(max(few * most / effect, fewest), most)
